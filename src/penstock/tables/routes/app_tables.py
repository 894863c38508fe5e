"""Routes over all tables of an app: the list, statistics, importing packages (contract sections 7.4, 7.5)."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.response.base import ASGIResponse

from penstock.identity import Grant
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.tables import service, statistics, store
from penstock.tables.models import App, DataSource
from penstock.tables.routes.common import (
    PAGING,
    Caller,
    Conn,
    answer_list,
    app_for,
    flag,
    page_of,
    parameters,
    plan_of,
    rehearse,
    schema_change,
    terms_of,
)
from penstock.tables.rules.showing import listed
from penstock.tables.schemas import Package, TableSummary

_ALL = "/api/apps/{app:str}/datatables"


@get(_ALL)
async def list_app_tables(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(request, "datasource", "is_materialized", *PAGING)
    grant, app = await app_for(request, conn, principal, "table.read")
    page = page_of(request)
    found = await store.list_tables(
        conn,
        grant,
        page,
        source_slug=given.get("datasource"),
        is_materialized=flag(given, "is_materialized"),
    )
    entry = await listed(conn, grant, found.rows)
    return answer_list(request, found, page, lambda row: TableSummary.of(app, entry(row)))


@get(f"{_ALL}/stats")
async def table_statistics(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, _ = await app_for(request, conn, principal, "table.read")
    return http.json(statistics.of_tables(await store.source_counts(conn, grant)))


@post(f"{_ALL}/create_schema", status_code=200)
async def import_package(request: AnyRequest, principal: Caller) -> ASGIResponse:
    given = parameters(request, "materialize", "datasource", "dry_run", "allow_data_loss")
    materialized, dry_run = bool(flag(given, "materialize")), bool(flag(given, "dry_run"))
    consent = bool(flag(given, "allow_data_loss"))
    async with schema_change(request, rehearsal=dry_run, by_table=True) as conn:
        grant, app = await app_for(request, conn, principal, "table.create", lock=True)
        package = await http.parse(request, Package)
        resources = [service.Incoming(one.name, one.description, one.schema) for one in package.resources]
        terms = terms_of(request, consent=consent or package.allow_data_loss, rehearsal=dry_run)

        async def run() -> service.Imported:
            source = await _source(conn, grant, app, given.get("datasource"))
            return await service.import_package(
                conn,
                grant,
                source,
                resources,
                source_is_chosen="datasource" in given,
                materialized=materialized or dry_run,
                terms=terms,
            )

        if dry_run:
            imported = await rehearse(conn, run)
            return http.json({**plan_of(imported.steps, imported.migrated), **imported.summary()})
        imported = await run()
        await service.settle(http.context(request), conn, grant, imported.steps)
        return http.json(imported.summary())


async def _source(conn: Connection, grant: Grant, app: App, slug: str | None) -> DataSource:
    if slug is None:
        return await service.default_source(conn, grant, app.id)
    source = await store.find_source(conn, grant, slug)
    if source is None:
        raise errors.Invalid({"datasource": [f"This app has no data source '{slug[:80]}'."]})
    return source


ROUTES: tuple[Any, ...] = (list_app_tables, table_statistics, import_package)
