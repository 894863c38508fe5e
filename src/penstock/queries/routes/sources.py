"""HTTP for data sources as the dashboard dialect sees them (contract section 11): those of all apps and those of none,
by number."""

from __future__ import annotations

from typing import Any, Final, cast

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock.identity import Principal, Role
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries.routes import shapes
from penstock.queries.routes.common import number_of, object_body, text_of
from penstock.queries.routes.saved import caller
from penstock.queries.service import sources
from penstock.tables import NumberedSource, numbered_source, numbered_sources

_ALL: Final = "/api/data_sources"
_ONE: Final = f"{_ALL}/{{source:str}}"
_LONGEST: Final = 120  # characters of a name
_REASON: Final = 2000


@get(_ALL)
async def list_data_sources(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await numbered_sources(conn, principal)
    shown = [shapes.source(one) for one in found]
    return http.json(sorted(shown, key=lambda one: (str(one["name"]).lower(), int(one["id"]))))


@post(_ALL, status_code=200)
async def create_data_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    ctx = http.context(request)
    _require_admin(principal)
    kind = sources.kind_named(text_of(body, "type", 40))
    name, options = _name(body), _options(body) or {}
    async with ctx.db.control.transaction() as conn:
        made = await sources.create(ctx, conn, principal, name, kind, options)
        return await _shown(request, conn, principal, made)


@get(f"{_ALL}/types")
async def list_types(request: AnyRequest) -> ASGIResponse:
    _require_admin(await caller(request))
    return http.json(sources.types())


@get(_ONE)
async def read_data_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await _found(request, conn, principal)
        return await _shown(request, conn, principal, found.id)


@post(_ONE, status_code=200)
async def change_data_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        found = await sources.require(conn, principal, _number(request), lock=True)
        if "type" in body and sources.kind_named(text_of(body, "type", 40)) != found.provider:
            raise errors.Invalid({"type": [f"It stays what it is: {found.provider}."]})
        name = _name(body) if "name" in body else found.name
        await sources.change(ctx, conn, principal, found, name, _options(body))
        return await _shown(request, conn, principal, found.id)


@delete(_ONE, status_code=200)
async def delete_data_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        found = await sources.require(conn, principal, _number(request), lock=True)
        files = await sources.delete(ctx, conn, principal, found)
    await sources.delete_files(ctx, files)
    return http.empty()


@post(f"{_ONE}/test", status_code=200)
async def test_data_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        found = await _found(request, conn, principal)
    if not found.is_foreign:
        if (found.role or 0) < Role.ADMIN:
            raise errors.Forbidden
        return http.json({"ok": True, "message": "success"})
    ok, message = await sources.check(ctx, principal, found)
    return http.json({"ok": ok, "message": message})


@post(f"{_ONE}/pause", status_code=200)
async def pause_data_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    reason = body.get("reason", dict(http.query(request)).get("reason"))
    if reason is not None:
        reason = text_of({"reason": reason}, "reason", _REASON)
    return await _pause(request, principal, reason, is_paused=True)


@delete(f"{_ONE}/pause", status_code=200)
async def resume_data_source(request: AnyRequest) -> ASGIResponse:
    return await _pause(request, await caller(request), None, is_paused=False)


async def _pause(
    request: AnyRequest, principal: Principal, reason: str | None, *, is_paused: bool
) -> ASGIResponse:
    async with http.context(request).db.control.transaction() as conn:
        found = await _found(request, conn, principal)
        await sources.pause(conn, principal, found, reason, is_paused=is_paused)
        return await _shown(request, conn, principal, found.id)


def _require_admin(principal: Principal) -> None:
    if (principal.org_role or 0) < Role.ADMIN:
        raise errors.Forbidden


def _number(request: AnyRequest) -> int | None:
    return number_of(http.segment(request, "source"))


async def _found(request: AnyRequest, conn: Connection, principal: Principal) -> NumberedSource:
    number = _number(request)
    found = None if number is None else await numbered_source(conn, principal, number)
    if found is None:
        raise errors.NotFound
    return found


async def _shown(request: AnyRequest, conn: Connection, principal: Principal, number: int) -> ASGIResponse:
    """The object, for admins with how it is reached."""
    found = await numbered_source(conn, principal, number)
    if found is None:
        raise errors.NotFound
    shown: dict[str, Any] = shapes.source(found)
    if found.is_foreign and (principal.org_role or 0) >= Role.ADMIN:
        ctx = http.context(request)
        shown |= {
            "options": await sources.options_of(ctx, conn, principal, found),
            "queue_name": "queries",
            "scheduled_queue_name": "scheduled_queries",
            "groups": {"2": False},
        }
    return http.json(shown)


def _name(body: dict[str, Any]) -> str:
    name = text_of(body, "name", _LONGEST).strip()
    if not name:
        raise errors.Invalid({"name": ["It must not be empty."]})
    return name


def _options(body: dict[str, Any]) -> dict[str, Any] | None:
    """None when there are none in the body."""
    if "options" not in body:
        return None
    given = body["options"]
    if not isinstance(given, dict):
        raise errors.Invalid({"options": ["It must be an object."]})
    return cast("dict[str, Any]", given)


ROUTES = (
    list_data_sources,
    create_data_source,
    list_types,
    read_data_source,
    change_data_source,
    delete_data_source,
    test_data_source,
    pause_data_source,
    resume_data_source,
)
