"""HTTP for rights of single people on a query or a dashboard (contract section 12.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock import identity
from penstock.identity import Principal, audit
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries.routes import dashboards, shapes
from penstock.queries.routes.common import integer_of, null, object_body
from penstock.queries.routes.saved import ONE, caller, query_number
from penstock.queries.service import dashboards as boards
from penstock.queries.service import saved as service
from penstock.queries.store import rights

_TYPES: Final = ("view", "modify", "delete")
_MOST: Final = 500  # on one thing


@dataclass(frozen=True, slots=True)
class _Shared:
    """A thing that the caller knows of, and what they may do with it."""

    kind: str
    id: int
    name: str
    can_edit: bool
    can_archive: bool
    can_share: bool


_Find = Callable[[AnyRequest, Connection, Principal, bool], Awaitable[_Shared]]


async def _query(request: AnyRequest, conn: Connection, principal: Principal, lock: bool) -> _Shared:
    seen = await service.find(conn, principal, query_number(request), lock=lock)
    allowed = (seen.can_edit, seen.can_archive, seen.can_share)
    return _Shared(service.KIND, seen.query.id, seen.query.name, *allowed)


async def _dashboard(request: AnyRequest, conn: Connection, principal: Principal, lock: bool) -> _Shared:
    seen = await dashboards.find(request, conn, principal, lock=lock)
    allowed = (seen.can_edit, seen.can_archive, seen.can_share)
    return _Shared(boards.KIND, seen.dashboard.id, seen.dashboard.name, *allowed)


@get(f"{ONE}/acl")
async def list_query_rights(request: AnyRequest) -> ASGIResponse:
    return await _list(request, _query)


@get(f"{dashboards.ONE}/acl")
async def list_dashboard_rights(request: AnyRequest) -> ASGIResponse:
    return await _list(request, _dashboard)


@post(f"{ONE}/acl", status_code=200)
async def give_query_right(request: AnyRequest) -> ASGIResponse:
    return await _give(request, _query)


@post(f"{dashboards.ONE}/acl", status_code=200)
async def give_dashboard_right(request: AnyRequest) -> ASGIResponse:
    return await _give(request, _dashboard)


@delete(f"{ONE}/acl", status_code=200)
async def take_query_right(request: AnyRequest) -> ASGIResponse:
    return await _take(request, _query)


@delete(f"{dashboards.ONE}/acl", status_code=200)
async def take_dashboard_right(request: AnyRequest) -> ASGIResponse:
    return await _take(request, _dashboard)


@get(f"{ONE}/acl/{{access_type:str}}")
async def check_query_right(request: AnyRequest) -> ASGIResponse:
    return await _check(request, _query)


@get(f"{dashboards.ONE}/acl/{{access_type:str}}")
async def check_dashboard_right(request: AnyRequest) -> ASGIResponse:
    return await _check(request, _dashboard)


async def _list(request: AnyRequest, find: _Find) -> ASGIResponse:
    """The people by what they may do."""
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        thing = await _own(request, conn, principal, find)
        found = await rights.rights_on(conn, principal.org_id, thing.kind, thing.id)
        people = await identity.members_by_id(conn, principal.org_id, [one.user_id for one in found])
    shown: dict[str, list[Any]] = {}
    for one in found:
        if one.user_id in people:
            shown.setdefault(one.access_type, []).append(shapes.person(people[one.user_id]))
    return http.json(shown)


async def _give(request: AnyRequest, find: _Find) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    async with http.context(request).db.control.transaction() as conn:
        thing = await _own(request, conn, principal, find, lock=True)
        if principal.narrowed:
            # What it gives would outlive it.
            raise errors.Forbidden("A key that holds less than its user gives nobody rights in their name.")
        user_id, access_type = await _wanted(conn, principal, body)
        if await rights.count_rights(conn, principal.org_id, thing.kind, thing.id) >= _MOST:
            raise errors.BadRequest(
                f"A {thing.kind} has at most {_MOST} rights of single people; a team has a role."
            )
        made = await rights.give_right(
            conn,
            {
                "org_id": principal.org_id,
                "kind": thing.kind,
                "object_id": thing.id,
                "access_type": access_type,
                "user_id": user_id,
                "grantor_id": principal.user_id,
            },
        )
        people = await identity.members_by_id(
            conn, principal.org_id, [one for one in (user_id, principal.user_id) if one is not None]
        )
        await _record(conn, principal, "share", thing, user_id, access_type)
    grantor = None if principal.user_id is None else people.get(principal.user_id)
    return http.json(
        {
            "id": made.id,
            "object_id": made.object_id,
            "object_type": thing.kind.capitalize(),
            "access_type": made.access_type,
            "grantor": None if grantor is None else shapes.person(grantor),
            "grantee": shapes.person(people[user_id]),
        }
    )


async def _take(request: AnyRequest, find: _Find) -> ASGIResponse:
    """Nothing is said when there was none."""
    principal = await caller(request)
    body = await object_body(request)
    async with http.context(request).db.control.transaction() as conn:
        thing = await _own(request, conn, principal, find, lock=True)
        user_id, access_type = await _wanted(conn, principal, body)
        if await rights.take_right(conn, principal.org_id, thing.kind, thing.id, user_id, access_type):
            await _record(conn, principal, "unshare", thing, user_id, access_type)
    return null()


async def _check(request: AnyRequest, find: _Find) -> ASGIResponse:
    """Whether the caller may, by whatever right."""
    principal = await caller(request)
    access_type = http.segment(request, "access_type")
    if access_type not in _TYPES:
        raise errors.BadRequest("Unknown access type.")
    async with http.context(request).db.control.transaction() as conn:
        thing = await find(request, conn, principal, False)
    may = {"view": True, "modify": thing.can_edit, "delete": thing.can_archive}
    return http.json({"response": may[access_type]})


async def _own(
    request: AnyRequest, conn: Connection, principal: Principal, find: _Find, *, lock: bool = False
) -> _Shared:
    """The thing, for who says who may do what with it."""
    thing = await find(request, conn, principal, lock)
    if not thing.can_share:
        raise errors.Forbidden(service.NOT_YOURS)
    return thing


async def _wanted(conn: Connection, principal: Principal, body: Mapping[str, Any]) -> tuple[int, str]:
    access_type = body.get("access_type")
    if access_type not in _TYPES:
        raise errors.BadRequest("Unknown access type.", hint=f"It is one of {', '.join(_TYPES)}.")
    user_id = integer_of(body, "user_id")
    if user_id not in await identity.members_by_id(conn, principal.org_id, [user_id]):
        raise errors.BadRequest("User not found.")
    return user_id, str(access_type)


async def _record(
    conn: Connection, principal: Principal, verb: str, thing: _Shared, user_id: int, access_type: str
) -> None:
    detail = {"user_id": user_id, "access_type": access_type}
    # The address of a dashboard for anybody is another thing, and is recorded as `dashboard.share`.
    action = f"{thing.kind}.{verb}" if thing.kind == service.KIND else f"{thing.kind}.{verb}_with"
    await audit.record(conn, principal, action, thing.kind, thing.id, thing.name, detail)


ROUTES = (
    list_query_rights,
    give_query_right,
    take_query_right,
    check_query_right,
    list_dashboard_rights,
    give_dashboard_right,
    take_dashboard_right,
    check_dashboard_right,
)
