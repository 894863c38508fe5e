"""Routes of apps (contract section 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.response.base import ASGIResponse

from penstock.identity import Grant, Principal
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.tables import access, service, statistics, store
from penstock.tables.models import App
from penstock.tables.routes.common import (
    PAGING,
    Caller,
    Conn,
    answer_list,
    answer_one,
    app_for,
    page_of,
    parameters,
    require_match,
)
from penstock.tables.schemas import AppCreate, AppDetail, AppPatch, AppPut, AppSummary


@get("/api/apps")
async def list_apps(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, *PAGING)
    page = page_of(request)
    found = await store.list_apps(conn, principal, page)
    return answer_list(
        request, found, page, lambda row: _summary(principal, store.app_of(row), row["datasource_count"])
    )


@post("/api/apps")
async def create_app(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant = access.authorize_org(principal, "app.create")
    body = await http.parse(request, AppCreate)
    app = await service.create_app(conn, grant, body.name, body.slug, body.description)
    return answer_one(request, AppDetail.of(app, []), 201)


@get("/api/apps/{app:str}")
async def read_app(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "app.read")
    return answer_one(request, await _detail(conn, grant, app))


@put("/api/apps/{app:str}")
async def replace_app(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    return await _change(request, principal, conn, AppPut)


@patch("/api/apps/{app:str}")
async def change_app(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    return await _change(request, principal, conn, AppPatch)


@delete("/api/apps/{app:str}", status_code=200)
async def delete_app(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "app.delete", lock=True)
    await require_match(request, lambda: _detail(conn, grant, app))
    await service.delete_app(conn, grant, app)
    return http.empty()


@get("/api/apps/{app:str}/stats")
async def app_statistics(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "app.read")
    return http.json(statistics.of_app(app, await store.source_counts(conn, grant)))


@post("/api/apps/{app:str}/restore", status_code=200)
async def restore_app(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    slug = http.segment(request, "app")
    app = await store.find_app(conn, principal, slug, active=False, lock=True)
    app = app or await store.find_app(conn, principal, slug)
    if app is None:
        raise errors.NotFound
    await service.restore_app(conn, access.authorize(principal, "app.restore", app), app)
    return http.json({"message": "App restored successfully"})


async def _change(
    request: AnyRequest, principal: Principal, conn: Connection, kind: type[AppPut | AppPatch]
) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "app.alter", lock=True)
    body = await http.parse(request, kind)
    await require_match(request, lambda: _detail(conn, grant, app))
    changes: dict[str, Any] = msgspec.to_builtins(body)
    changed = await service.update_app(conn, grant, app, changes)
    return answer_one(request, await _detail(conn, grant, changed))


def _summary(principal: Principal, app: App, count: int) -> AppSummary:
    if not access.sees_app(principal, app.id):
        app = replace(app, description="")
    return AppSummary.of(app, count)


async def _detail(conn: Connection, grant: Grant, app: App) -> AppDetail:
    if not access.sees_app(grant.principal, app.id):
        app = replace(app, description="")
    return AppDetail.of(app, await store.source_counts(conn, grant))


ROUTES: tuple[Any, ...] = (
    list_apps,
    create_app,
    read_app,
    replace_app,
    change_app,
    delete_app,
    app_statistics,
    restore_app,
)
