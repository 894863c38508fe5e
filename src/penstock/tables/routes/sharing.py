"""Routes of access to apps, data sources and tables: who holds which role there. The roles are identity's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import msgspec
from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock.identity import (
    AssignmentOut,
    Grant,
    Principal,
    Role,
    SubjectKind,
    assign_role,
    find_subject,
    list_roles,
    remove_role,
)
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.tables import access
from penstock.tables.routes.common import Caller, Conn, app_for, parameters, source_for, table_for

_PATHS = [
    "/api/apps/{app:str}/access",
    "/api/apps/{app:str}/datasources/{source:str}/access",
    "/api/apps/{app:str}/datatables/{table:str}/access",
]
_IDENT_LENGTH = 254
_SUBJECTS = ("user", "key", "team", "org")


class Share(msgspec.Struct, forbid_unknown_fields=True):
    """A role for one of: a user (username or id), a service key (id), a team (slug or id), every member of the org."""

    role: Literal["collaborator", "operator", "admin", "owner"]
    user: str | int | None = None
    key: int | None = None
    team: str | int | None = None
    org: Literal[True] | None = None


@get(_PATHS)
async def list_access(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, _ = await _shared(request, conn, principal)
    return http.json([AssignmentOut.of(one) for one in await list_roles(conn, grant)])


@post(_PATHS, status_code=200)
async def give_access(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, name = await _shared(request, conn, principal, lock=True)
    body = await http.parse(request, Share)
    kind, ident = _subject({one: getattr(body, one) for one in _SUBJECTS})
    subject = await find_subject(conn, grant, kind, ident)
    given = await assign_role(conn, grant, subject, Role.of(body.role), name)
    return http.json(AssignmentOut.of(given))


@delete(_PATHS, status_code=200)
async def take_access(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Who loses the role is said in the query: `?user=`, `?key=`, `?team=` or `?org=true`."""
    given = parameters(request, *_SUBJECTS)
    grant, name = await _shared(request, conn, principal, lock=True)
    kind, ident = _subject({one: given.get(one) for one in _SUBJECTS})
    await remove_role(conn, grant, await find_subject(conn, grant, kind, ident), name)
    return http.empty()


async def _shared(
    request: AnyRequest, conn: Connection, principal: Principal, *, lock: bool = False
) -> tuple[Grant, str]:
    """The permission to share what the path names, which is the place of the grant, and what it is called."""
    if "table" in request.path_params:
        grant, _ = await app_for(request, conn, principal, "table.share", lock=lock)
        table = (await table_for(request, conn, grant)).table
        return replace(grant, place=(access.TABLE, table.id)), table.name
    if "source" in request.path_params:
        grant, _ = await app_for(request, conn, principal, "source.share", lock=lock)
        source = await source_for(request, conn, grant)
        return replace(grant, place=(access.SOURCE, source.id)), source.slug
    grant, app = await app_for(request, conn, principal, "app.share", lock=lock)
    return grant, app.slug


def _subject(wanted: dict[str, str | int | None]) -> tuple[SubjectKind, str]:
    named = [(name, str(value)) for name, value in wanted.items() if value is not None]
    if len(named) != 1 or len(named[0][1]) > _IDENT_LENGTH:
        raise errors.BadRequest("Name exactly one of 'user', 'key', 'team' and 'org'.")
    return SubjectKind(named[0][0]), named[0][1]


ROUTES: tuple[Any, ...] = (list_access, give_access, take_access)
