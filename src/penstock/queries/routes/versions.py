"""HTTP for what queries were: versions, what each changed, and going back to one."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.response.base import ASGIResponse

from penstock import identity
from penstock.identity import Principal
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries.routes import shapes
from penstock.queries.routes.common import answer_page, moment, number_of, object_body, page_of
from penstock.queries.routes.saved import ONE, caller, expected, query_number, whole
from penstock.queries.saved import Version
from penstock.queries.service import saved as service
from penstock.queries.service import versions
from penstock.queries.service.choices import check_links
from penstock.queries.service.saved import Seen

_VERSIONS = f"{ONE}/versions"
_VERSION = f"{_VERSIONS}/{{version:str}}"


@get(_VERSIONS)
async def list_versions(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    page = page_of(request)
    async with http.context(request).db.control.transaction() as conn:
        seen = await service.find(conn, principal, query_number(request))
        # One more than the page has tells what its last one changed.
        total, found = await versions.seen_of(conn, principal, seen, page.size + 1, page.offset)
        people = await _people(conn, principal, found)
    results: list[dict[str, Any]] = []
    for number, one in enumerate(found[: page.size]):
        older = found[number + 1] if number + 1 < len(found) else None
        results.append({**_head(one, people), "changed": list(versions.changes(older, one))})
    return answer_page(page, total, results)


@get(_VERSION)
async def read_version(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        _, found = await _found(request, conn, principal)
        people = await _people(conn, principal, [found])
    content = {wire: getattr(found, name) for wire, name in versions.FIELDS.items()}
    return http.json({**_head(found, people), **content})


@get(f"{_VERSION}/diff")
async def compare_versions(request: AnyRequest) -> ASGIResponse:
    """With the version before it, or the one that `with` names."""
    principal = await caller(request)
    other = dict(http.query(request)).get("with")
    async with http.context(request).db.control.transaction() as conn:
        seen, new = await _found(request, conn, principal)
        if other is None:
            old = await versions.before(conn, principal, seen, new)
        else:
            old = await versions.find(conn, principal, seen, _number("with", other))
    return http.json(
        {
            "from": None if old is None else old.version,
            "to": new.version,
            "changes": versions.changes(old, new),
            "diff": await versions.text_diff(old, new),
        }
    )


@post(f"{_VERSION}/restore", status_code=200)
async def restore_version(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    async with http.context(request).db.control.transaction() as conn:
        seen, found = await _found(request, conn, principal, lock=True)
        await check_links(conn, principal, found.options, seen.query)
        changed = await versions.restore(conn, principal, seen, found, expected(body))
    return await whole(request, principal, changed)


async def _found(
    request: AnyRequest, conn: Connection, principal: Principal, *, lock: bool = False
) -> tuple[Seen, Version]:
    seen = await service.find(conn, principal, query_number(request), lock=lock)
    number = number_of(http.segment(request, "version"))
    if number is None or number >= 2**31:
        raise errors.NotFound
    return seen, await versions.find(conn, principal, seen, number)


def _number(name: str, text: str) -> int:
    number = number_of(text)
    if number is None or number >= 2**31:
        raise errors.Invalid({name: [f"'{text[:40]}' is not the number of a version."]})
    return number


async def _people(conn: Connection, principal: Principal, found: list[Version]) -> dict[int, identity.Member]:
    ids = {one.user_id for one in found if one.user_id is not None}
    return await identity.members_by_id(conn, principal.org_id, sorted(ids))


def _head(version: Version, people: dict[int, identity.Member]) -> dict[str, Any]:
    member = None if version.user_id is None else people.get(version.user_id)
    return {
        "version": version.version,
        "created_at": moment(version.created_at),
        "user": None if member is None else shapes.person(member),
    }


ROUTES = (list_versions, read_version, compare_versions, restore_version)
