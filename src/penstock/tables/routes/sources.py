"""Routes of data sources (contract section 6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.response.base import ASGIResponse

from penstock.identity import Grant, Principal
from penstock.kit import http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.tables import access, service, statistics, store
from penstock.tables.models import App, DataSource
from penstock.tables.routes.common import (
    PAGING,
    Caller,
    Conn,
    answer_list,
    answer_one,
    app_for,
    flag,
    page_of,
    parameters,
    require_match,
    source_for,
)
from penstock.tables.schemas import (
    SourceCreate,
    SourceDetail,
    SourcePatch,
    SourcePut,
    SourceSummary,
    TableSummary,
)

_ALL = "/api/apps/{app:str}/datasources"
_ONE = "/api/apps/{app:str}/datasources/{source:str}"


@get(_ALL)
async def list_sources(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, *PAGING)
    grant, app = await app_for(request, conn, principal, "source.read")
    page = page_of(request)
    found = await store.list_sources(conn, grant, page)
    return answer_list(
        request,
        found,
        page,
        lambda row: SourceSummary.of(app, _shown(principal, store.source_of(row)), row["table_count"]),
    )


@post(_ALL)
async def create_source(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "source.create", lock=True)
    body = await http.parse(request, SourceCreate)
    source = await service.create_source(conn, grant, app_id=app.id, **msgspec.structs.asdict(body))
    return answer_one(request, SourceDetail.whole(app, source, (0, 0)), 201)


@get(_ONE)
async def read_source(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "source.read")
    source = await source_for(request, conn, grant)
    return answer_one(request, await _detail(conn, grant, app, source))


@put(_ONE)
async def replace_source(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    return await _change(request, principal, conn, SourcePut)


@patch(_ONE)
async def change_source(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    return await _change(request, principal, conn, SourcePatch)


@delete(_ONE, status_code=200)
async def delete_source(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(request, "force")
    grant, app = await app_for(request, conn, principal, "source.delete", lock=True)
    source = await source_for(request, conn, grant)
    await require_match(request, lambda: _detail(conn, grant, app, source))
    await service.delete_source(conn, grant, source, force=bool(flag(given, "force")))
    return http.empty()


@get(f"{_ONE}/tables")
async def list_source_tables(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, *PAGING)
    grant, app = await app_for(request, conn, principal, "table.read")
    source = await source_for(request, conn, grant)
    page = page_of(request)
    found = await store.list_tables(conn, grant, page, source_slug=source.slug)
    return answer_list(request, found, page, lambda row: TableSummary.of(app, store.entry_of(row)))


@get(f"{_ONE}/stats")
async def source_statistics(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, _ = await app_for(request, conn, principal, "source.read")
    source = await source_for(request, conn, grant)
    return http.json(statistics.of_source(source, await store.table_counts(conn, grant, source.id)))


async def _change(
    request: AnyRequest, principal: Principal, conn: Connection, kind: type[SourcePut | SourcePatch]
) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "source.alter", lock=True)
    source = await source_for(request, conn, grant)
    body = await http.parse(request, kind)
    await require_match(request, lambda: _detail(conn, grant, app, source))
    changed = await service.update_source(conn, grant, source, msgspec.to_builtins(body))
    return answer_one(request, await _detail(conn, grant, app, changed))


async def _detail(conn: Connection, grant: Grant, app: App, source: DataSource) -> SourceDetail:
    counts = await store.table_counts(conn, grant, source.id)
    return SourceDetail.whole(app, _shown(grant.principal, source), counts)


def _shown(principal: Principal, source: DataSource) -> DataSource:
    """Of a source that is only a container, nothing but what it is called."""
    if access.sees_source(principal, source):
        return source
    return replace(source, description="", provider_config={})


ROUTES: tuple[Any, ...] = (
    list_sources,
    create_source,
    read_source,
    replace_source,
    change_source,
    delete_source,
    list_source_tables,
    source_statistics,
)
