"""HTTP for rights of single people on a query (contract section 12.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock import identity
from penstock.identity import Principal, audit
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries.routes import shapes
from penstock.queries.routes.common import integer_of, null, object_body
from penstock.queries.routes.saved import ONE, caller, query_number
from penstock.queries.service import saved as service
from penstock.queries.service.saved import Seen
from penstock.queries.store import rights

ACL: Final = f"{ONE}/acl"
_TYPES: Final = ("view", "modify", "delete")
_MOST: Final = 500  # on one query


@get(ACL)
async def list_rights(request: AnyRequest) -> ASGIResponse:
    """The people by what they may do."""
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        seen = await _seen(request, conn, principal)
        found = await rights.rights_on(conn, principal.org_id, service.KIND, seen.query.id)
        people = await identity.members_by_id(conn, principal.org_id, [one.user_id for one in found])
    shown: dict[str, list[Any]] = {}
    for one in found:
        if one.user_id in people:
            shown.setdefault(one.access_type, []).append(shapes.person(people[one.user_id]))
    return http.json(shown)


@post(ACL, status_code=200)
async def give_right(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    async with http.context(request).db.control.transaction() as conn:
        seen = await _seen(request, conn, principal, lock=True)
        user_id, kind = await _wanted(conn, principal, body)
        if await rights.count_rights(conn, principal.org_id, service.KIND, seen.query.id) >= _MOST:
            raise errors.BadRequest(
                f"A query has at most {_MOST} rights of single people; a team has a role."
            )
        made = await rights.give_right(
            conn,
            {
                "org_id": principal.org_id,
                "kind": service.KIND,
                "object_id": seen.query.id,
                "access_type": kind,
                "user_id": user_id,
                "grantor_id": principal.user_id,
            },
        )
        people = await identity.members_by_id(
            conn, principal.org_id, [one for one in (user_id, principal.user_id) if one is not None]
        )
        await _record(conn, principal, "query.share", seen, user_id, kind)
    grantor = None if principal.user_id is None else people.get(principal.user_id)
    return http.json(
        {
            "id": made.id,
            "object_id": made.object_id,
            "object_type": "Query",
            "access_type": made.access_type,
            "grantor": None if grantor is None else shapes.person(grantor),
            "grantee": shapes.person(people[user_id]),
        }
    )


@delete(ACL, status_code=200)
async def take_right(request: AnyRequest) -> ASGIResponse:
    """Nothing is said when there was none."""
    principal = await caller(request)
    body = await object_body(request)
    async with http.context(request).db.control.transaction() as conn:
        seen = await _seen(request, conn, principal, lock=True)
        user_id, kind = await _wanted(conn, principal, body)
        if await rights.take_right(conn, principal.org_id, service.KIND, seen.query.id, user_id, kind):
            await _record(conn, principal, "query.unshare", seen, user_id, kind)
    return null()


@get(f"{ACL}/{{access_type:str}}")
async def check_right(request: AnyRequest) -> ASGIResponse:
    """Whether the caller may, by whatever right."""
    principal = await caller(request)
    kind = http.segment(request, "access_type")
    if kind not in _TYPES:
        raise errors.BadRequest("Unknown access type.")
    async with http.context(request).db.control.transaction() as conn:
        seen = await service.find(conn, principal, query_number(request))
    may = {"view": True, "modify": seen.can_edit, "delete": seen.can_archive}
    return http.json({"response": may[kind]})


async def _seen(request: AnyRequest, conn: Connection, principal: Principal, *, lock: bool = False) -> Seen:
    """The query, for who says who may do what with it."""
    seen = await service.find(conn, principal, query_number(request), lock=lock)
    if not seen.can_share:
        raise errors.Forbidden(service.NOT_YOURS)
    return seen


async def _wanted(conn: Connection, principal: Principal, body: Mapping[str, Any]) -> tuple[int, str]:
    kind = body.get("access_type")
    if kind not in _TYPES:
        raise errors.BadRequest("Unknown access type.", hint=f"It is one of {', '.join(_TYPES)}.")
    user_id = integer_of(body, "user_id")
    if user_id not in await identity.members_by_id(conn, principal.org_id, [user_id]):
        raise errors.BadRequest("User not found.")
    return user_id, str(kind)


async def _record(
    conn: Connection, principal: Principal, action: str, seen: Seen, user_id: int, kind: str
) -> None:
    detail = {"user_id": user_id, "access_type": kind}
    await audit.record(conn, principal, action, service.KIND, seen.query.id, seen.query.name, detail)


ROUTES = (list_rights, give_right, take_right, check_right)
