"""HTTP for the data sources of a group (contract section 12.3): those on which its team has a role."""

from __future__ import annotations

from typing import Any, Final

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock import identity, tables
from penstock.identity import Grant, Principal, Role, Subject, SubjectKind
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries.routes import shapes
from penstock.queries.routes.common import integer_of, null, number_of, object_body
from penstock.queries.routes.saved import caller
from penstock.tables import NumberedSource

_ALL: Final = "/api/groups/{group:str}/data_sources"
_ONE: Final = f"{_ALL}/{{source:str}}"
_WHOLE: Final = (
    "A built-in group is a role in the org, which holds on every data source; take people out of the group instead, "
    "and give a group of theirs what they are to see."
)


@get(_ALL)
async def list_group_sources(request: AnyRequest) -> ASGIResponse:
    """Built-in groups hold nothing on single data sources: they are roles in the org, which hold everywhere."""
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        team = await _team(request, conn, principal)
        if team is None:
            return http.json([])
        found = await tables.numbered_sources(conn, principal)
        held = await identity.roles_of_subject(conn, principal.org_id, team, "data_source")
    return http.json([_shown(one, held[one.id]) for one in found if one.id in held])


@post(_ALL, status_code=200)
async def add_group_source(request: AnyRequest) -> ASGIResponse:
    """With full access, which `view_only` takes back. What is added to a built-in group, it has already."""
    principal = await caller(request)
    body = await object_body(request)
    source_id = integer_of(body, "data_source_id")
    return await _give(request, principal, source_id, Role.OPERATOR)


@post(_ONE, status_code=200)
async def change_group_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    view_only = (await object_body(request)).get("view_only")
    if not isinstance(view_only, bool):
        raise errors.Invalid({"view_only": ["It must be true or false."]})
    role = Role.COLLABORATOR if view_only else Role.OPERATOR
    return await _give(request, principal, number_of(http.segment(request, "source")), role)


@delete(_ONE, status_code=200)
async def remove_group_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        team = await _team(request, conn, principal)
        if (principal.org_role or 0) < Role.ADMIN:
            raise errors.Forbidden
        if team is None:
            raise errors.BadRequest(_WHOLE)
        grant, source = await _granted(conn, principal, number_of(http.segment(request, "source")))
        await identity.remove_role(conn, grant, team, source.name)
    return null()


async def _give(request: AnyRequest, principal: Principal, source_id: int | None, role: Role) -> ASGIResponse:
    async with http.context(request).db.control.transaction() as conn:
        team = await _team(request, conn, principal)
        if (principal.org_role or 0) < Role.ADMIN:
            raise errors.Forbidden
        if team is None and role < Role.OPERATOR:
            raise errors.BadRequest(_WHOLE)
        grant, source = await _granted(conn, principal, source_id)
        if team is not None:
            await identity.assign_role(conn, grant, team, role, source.name)
    return http.json(_shown(source, role))


async def _granted(
    conn: Connection, principal: Principal, source_id: int | None
) -> tuple[Grant, NumberedSource]:
    """For admins of the data source."""
    source = None if source_id is None else await tables.numbered_source(conn, principal, source_id)
    if source is None or source.role is None:
        raise errors.NotFound
    if source.role < Role.ADMIN:
        raise errors.Forbidden
    return Grant(principal, "source.access", source.role, ("data_source", source.id)), source


async def _team(request: AnyRequest, conn: Connection, principal: Principal) -> Subject | None:
    """None for a built-in group."""
    _, team = await identity.find_group(conn, principal, http.segment(request, "group"))
    return None if team is None else Subject(SubjectKind.TEAM, team.id, team.slug)


def _shown(source: NumberedSource, role: Role) -> dict[str, Any]:
    return {**shapes.source(source), "view_only": role < Role.OPERATOR}


ROUTES = (list_group_sources, add_group_source, change_group_source, remove_group_source)
