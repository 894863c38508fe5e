"""HTTP for snippets of SQL, which the people of an org share (contract section 12.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock import identity
from penstock.identity import Principal, Role, audit
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries.access import authorize
from penstock.queries.routes import shapes
from penstock.queries.routes.common import moment, null, number_of, object_body, text_of
from penstock.queries.routes.saved import caller
from penstock.queries.service.saved import NOT_YOURS
from penstock.queries.store import snippets as store
from penstock.queries.store.snippets import Snippet

_ALL: Final = "/api/query_snippets"
_ONE: Final = f"{_ALL}/{{snippet:str}}"
_LONGEST: Final = {"trigger": 255, "description": 10_000, "snippet": 100_000}


@get(_ALL)
async def list_snippets(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    authorize(principal, "query.read", None)
    async with http.context(request).db.control.transaction() as conn:
        found = await store.list_snippets(conn, principal.org_id)
        shown = await _shown(conn, principal, found)
    return http.json(shown)


@post(_ALL, status_code=200)
async def create_snippet(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    authorize(principal, "query.create", None)
    body = await object_body(request)
    values = {name: _text(body, name) for name in _LONGEST}
    async with http.context(request).db.control.transaction() as conn:
        if await store.count_snippets(conn, principal.org_id) >= store.MOST:
            raise errors.BadRequest(f"An org has at most {store.MOST:,} snippets.")
        owned = {"user_id": principal.user_id, "key_id": None if principal.user_id else principal.key_id}
        made = await store.add_snippet(conn, {**values, **owned, "org_id": principal.org_id})
        if made is None:
            raise _taken(values["trigger"])
        await audit.record(conn, principal, "snippet.create", "snippet", made.id, made.trigger)
        (shown,) = await _shown(conn, principal, [made])
    return http.json(shown)


@get(_ONE)
async def read_snippet(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    authorize(principal, "query.read", None)
    async with http.context(request).db.control.transaction() as conn:
        found = await _found(request, conn, principal)
        (shown,) = await _shown(conn, principal, [found])
    return http.json(shown)


@post(_ONE, status_code=200)
async def update_snippet(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await _own(request, conn, principal)
        values = {name: _text(body, name) for name in _LONGEST if name in body}
        wanted = values.get("trigger", found.trigger)
        if wanted != found.trigger and await store.trigger_taken(conn, principal.org_id, wanted, found.id):
            raise _taken(wanted)
        if values:
            found = await store.change_snippet(conn, found.id, values)
            detail = {"changed": sorted(values)}
            await audit.record(conn, principal, "snippet.update", "snippet", found.id, found.trigger, detail)
        (shown,) = await _shown(conn, principal, [found])
    return http.json(shown)


@delete(_ONE, status_code=200)
async def delete_snippet(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await _own(request, conn, principal)
        await store.drop_snippet(conn, found.id)
        await audit.record(conn, principal, "snippet.delete", "snippet", found.id, found.trigger)
    return null()


async def _found(
    request: AnyRequest, conn: Connection, principal: Principal, *, lock: bool = False
) -> Snippet:
    number = number_of(http.segment(request, "snippet"))
    found = None if number is None else await store.find_snippet(conn, principal.org_id, number, lock=lock)
    if found is None:
        raise errors.NotFound
    return found


async def _own(request: AnyRequest, conn: Connection, principal: Principal) -> Snippet:
    """For who made it, and admins of the org."""
    found = await _found(request, conn, principal, lock=True)
    authorize(principal, "query.read", None)
    mine = (
        found.user_id == principal.user_id
        if principal.user_id is not None
        else found.key_id == principal.key_id
    )
    if not mine and (principal.org_role or 0) < Role.ADMIN:
        raise errors.Forbidden(NOT_YOURS)
    return found


def _text(body: Mapping[str, Any], name: str) -> str:
    text = text_of(body, name, _LONGEST[name])
    if not text.strip() and name != "description":
        raise errors.Invalid({name: ["It must not be empty."]})
    return text


def _taken(trigger: str) -> errors.BadRequest:
    return errors.BadRequest(f"A snippet with the trigger '{trigger[:80]}' exists already.")


async def _shown(conn: Connection, principal: Principal, found: list[Snippet]) -> list[dict[str, Any]]:
    ids = sorted({one.user_id for one in found if one.user_id is not None})
    people = await identity.members_by_id(conn, principal.org_id, ids)
    shown: list[dict[str, Any]] = []
    for one in found:
        member = None if one.user_id is None else people.get(one.user_id)
        shown.append(
            {
                "id": one.id,
                "trigger": one.trigger,
                "description": one.description,
                "snippet": one.snippet,
                "user": None if member is None else shapes.person(member),
                "updated_at": moment(one.updated_at),
                "created_at": moment(one.created_at),
            }
        )
    return shown


ROUTES = (list_snippets, create_snippet, read_snippet, update_snippet, delete_snippet)
