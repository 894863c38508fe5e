"""Routes of access to an app: who holds which role there. The roles themselves are identity's."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock.identity import (
    AssignmentOut,
    Role,
    SubjectKind,
    assign_role,
    find_subject,
    list_roles,
    remove_role,
)
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest
from penstock.tables.routes.common import Caller, Conn, app_for, parameters

_PATH = "/api/apps/{app:str}/access"
_IDENT_LENGTH = 254


class Share(msgspec.Struct, forbid_unknown_fields=True):
    """A role for one of: a user (username or id), a service key (id), every member of the org."""

    role: Literal["collaborator", "operator", "admin", "owner"]
    user: str | int | None = None
    key: int | None = None
    org: Literal[True] | None = None


@get(_PATH)
async def list_access(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, _ = await app_for(request, conn, principal, "app.share")
    return http.json([AssignmentOut.of(one) for one in await list_roles(conn, grant)])


@post(_PATH, status_code=200)
async def give_access(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "app.share", lock=True)
    body = await http.parse(request, Share)
    kind, ident = _subject({"user": body.user, "key": body.key, "org": body.org})
    subject = await find_subject(conn, grant, kind, ident)
    given = await assign_role(conn, grant, subject, Role.of(body.role), app.slug)
    return http.json(AssignmentOut.of(given))


@delete(_PATH, status_code=200)
async def take_access(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Who loses the role is said in the query: `?user=`, `?key=` or `?org=true`."""
    given = parameters(request, "user", "key", "org")
    grant, app = await app_for(request, conn, principal, "app.share", lock=True)
    kind, ident = _subject({name: given.get(name) for name in ("user", "key", "org")})
    await remove_role(conn, grant, await find_subject(conn, grant, kind, ident), app.slug)
    return http.empty()


def _subject(wanted: dict[str, str | int | None]) -> tuple[SubjectKind, str]:
    named = [(name, str(value)) for name, value in wanted.items() if value is not None]
    if len(named) != 1 or len(named[0][1]) > _IDENT_LENGTH:
        raise errors.BadRequest("Name exactly one of 'user', 'key' and 'org'.")
    return SubjectKind(named[0][0]), named[0][1]


ROUTES: tuple[Any, ...] = (list_access, give_access, take_access)
