"""Routes of data tables: their definitions (contract sections 7.1 to 7.3 and 9.4)."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import delete, get, patch, post, put
from litestar.response.base import ASGIResponse
from msgspec import UNSET

from penstock.identity import Grant, Principal
from penstock.kit import errors, http, paging
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.tables import service, store
from penstock.tables.definitions import read_definition
from penstock.tables.models import TableEntry
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
    plan_of,
    rehearse,
    require_match,
    schema_change,
    source_for,
    table_for,
    terms_of,
)
from penstock.tables.rules.showing import listed, shown
from penstock.tables.schema.materialize import Done
from penstock.tables.schemas import (
    OperationOut,
    Rollback,
    RowsToCheck,
    SchemaOnly,
    TableChange,
    TableCreate,
    TableDetail,
    TableSummary,
)
from penstock.tables.settings import TablesSettings

_NESTED = "/api/apps/{app:str}/datasources/{source:str}/datatables"
_DIRECT = "/api/apps/{app:str}/datatables"
# A table is found under its data source, or by its name alone, which is unique in the app.
_ONE = [f"{_NESTED}/{{table:str}}", f"{_DIRECT}/{{table:str}}"]
STATUSES = ("success", "failed", "rolled_back", "pending")


def _under(tail: str) -> list[str]:
    return [f"{path}/{tail}" for path in _ONE]


@get(_NESTED)
async def list_tables(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, *PAGING)
    grant, app = await app_for(request, conn, principal, "table.read")
    source = await source_for(request, conn, grant)
    page = page_of(request)
    found = await store.list_tables(conn, grant, page, source_slug=source.slug)
    entry = await listed(conn, grant, found.rows)
    return answer_list(request, found, page, lambda row: TableSummary.of(app, entry(row)))


@post(_NESTED)
async def create_table(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(request, "materialize", "dry_run")
    materialized, dry_run = flag(given, "materialize"), flag(given, "dry_run")
    grant, app = await app_for(request, conn, principal, "table.create", lock=True)
    source = await source_for(request, conn, grant)
    body = await http.parse(request, TableCreate)
    definition = read_definition(body.json_schema)

    async def create() -> list[Done]:
        await service.create_table(conn, grant, source, body.name, body.description, definition)
        return await service.materialize(conn, grant, [body.name]) if materialized or dry_run else []

    if dry_run:
        return http.json(plan_of(await rehearse(conn, create), schema_hash=definition.digest))
    await service.settle(http.context(request), conn, grant, await create())
    return answer_one(request, TableDetail.whole(app, await service.reread(conn, grant, body.name)), 201)


@get(_ONE)
async def read_table(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, app = await app_for(request, conn, principal, "table.read")
    return answer_one(request, TableDetail.whole(app, await _known(request, conn, grant)))


@put(_ONE)
async def replace_table(request: AnyRequest, principal: Caller) -> ASGIResponse:
    return await _change(request, principal)


@patch(_ONE)
async def change_table(request: AnyRequest, principal: Caller) -> ASGIResponse:
    return await _change(request, principal)


@delete(_ONE, status_code=200)
async def delete_table(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(request, "force")
    grant, app = await app_for(request, conn, principal, "table.delete", lock=True)
    entry = await table_for(request, conn, grant)

    async def current() -> TableDetail:
        return TableDetail.whole(app, entry)

    await require_match(request, current)
    await service.delete_table(conn, grant, entry, force=bool(flag(given, "force")))
    return http.empty()


@get(_under("schema"))
async def read_schema(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, _ = await app_for(request, conn, principal, "table.read")
    return answer_one(request, SchemaOnly.of(await _known(request, conn, grant)))


@post(_under("materialize"), status_code=200)
async def materialize_table(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(request, "dry_run")
    grant, app = await app_for(request, conn, principal, "table.alter", lock=True)
    name = (await table_for(request, conn, grant)).table.name

    async def make() -> list[Done]:
        return await service.materialize(conn, grant, [name])

    if flag(given, "dry_run"):
        return http.json(plan_of(await rehearse(conn, make)))
    await service.settle(http.context(request), conn, grant, await make())
    return answer_one(request, TableDetail.whole(app, await service.reread(conn, grant, name)))


@post(_under("rollback"), status_code=200)
async def roll_back_table(request: AnyRequest, principal: Caller) -> ASGIResponse:
    dry_run = bool(flag(parameters(request, "dry_run"), "dry_run"))
    terms = terms_of(request, consent=True, rehearsal=dry_run)
    async with schema_change(request, rehearsal=dry_run) as conn:
        grant, app = await app_for(request, conn, principal, "table.alter", lock=True)
        entry = await table_for(request, conn, grant)
        body = await http.parse(request, Rollback)

        async def undo() -> list[Done]:
            return await service.roll_back(conn, grant, entry, body.revision_id, terms)

        if dry_run:
            return http.json(plan_of(await rehearse(conn, undo)))
        await undo()
        after = await service.reread(conn, grant, entry.table.name)
        return answer_one(request, TableDetail.whole(app, after))


@post(_under("validate_data"), status_code=200)
async def validate_data(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, _ = await app_for(request, conn, principal, "table.read")
    entry = await _known(request, conn, grant)
    body = await http.parse(request, RowsToCheck)
    # In a thread: naming every fault of a large body takes seconds, in which others are answered.
    most = http.context(request).settings(TablesSettings).max_bulk_rows
    return http.json(await asyncio.to_thread(service.validate_data, entry.table, body.data, most))


@get(_under("operation-history"))
async def operation_history(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(request, "status", *PAGING)
    grant, _ = await app_for(request, conn, principal, "table.read")
    entry = await table_for(request, conn, grant)
    # One reading of the definition: a second one may find it changed by the job that finishes a change.
    (known,) = await shown(conn, principal, [entry])
    if known != entry:
        raise errors.Forbidden("The history of a table is for those who may know of all its fields.")
    status = given.get("status")
    if status is not None and status not in STATUSES:
        message = f"'{status[:40]}' is not a status; it may be {', '.join(STATUSES)}."
        raise errors.Invalid({"status": [message]})
    page = page_of(request) or paging.Page(1, paging.DEFAULT_SIZE)
    found = await store.list_operations(conn, grant, entry.table.id, status, page)
    return http.json(
        {
            "data": [OperationOut.of(one) for one in store.operations_of(found)],
            "total": found.total,
            "page": page.number,
            "page_size": page.size,
        }
    )


async def _known(request: AnyRequest, conn: Connection, grant: Grant) -> TableEntry:
    """The table of the path as the caller knows it."""
    (entry,) = await shown(conn, grant.principal, [await table_for(request, conn, grant)])
    return entry


async def _change(request: AnyRequest, principal: Principal) -> ASGIResponse:
    """PUT and PATCH alike: what the body leaves out stays (contract section 7.1)."""
    given = parameters(request, "dry_run", "allow_data_loss")
    consent, dry_run = bool(flag(given, "allow_data_loss")), bool(flag(given, "dry_run"))
    async with schema_change(request, rehearsal=dry_run) as conn:
        grant, app = await app_for(request, conn, principal, "table.alter", lock=True)
        entry = await table_for(request, conn, grant)
        body = await http.parse(request, TableChange)
        definition = read_definition(body.json_schema) if body.json_schema is not UNSET else None
        terms = terms_of(request, consent=consent or body.allow_data_loss, rehearsal=dry_run)

        async def current() -> TableDetail:
            return TableDetail.whole(app, entry)

        async def change() -> tuple[TableEntry, service.Migrated]:
            return await service.update_table(
                conn,
                grant,
                entry,
                terms=terms,
                name=None if body.name is UNSET else body.name,
                description=None if body.description is UNSET else body.description,
                definition=definition,
            )

        async def rehearsal() -> tuple[list[Done], service.Migrated]:
            after, migrated = await change()
            made = await service.materialize(conn, grant, [after.table.name])
            return [*migrated.steps, *made], migrated

        await require_match(request, current)
        if dry_run:
            digest = definition.digest if definition else entry.table.schema_hash
            steps, migrated = await rehearse(conn, rehearsal)
            return http.json(plan_of(steps, migrated, schema_hash=digest))
        after, _ = await change()
        return answer_one(request, TableDetail.whole(app, after))


ROUTES: tuple[Any, ...] = (
    list_tables,
    create_table,
    read_table,
    replace_table,
    change_table,
    delete_table,
    read_schema,
    materialize_table,
    roll_back_table,
    validate_data,
    operation_history,
)
