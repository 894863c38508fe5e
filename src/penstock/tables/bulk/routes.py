"""HTTP for rows in bulk: imports, exports, and what imports have set aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock.identity import audit
from penstock.kit import errors, http, paging
from penstock.kit.db import Pool
from penstock.kit.streaming import Stream, Streams
from penstock.tables import access
from penstock.tables.bulk import export, quarantine
from penstock.tables.bulk.importing import Import, in_time, unique_of
from penstock.tables.bulk.options import MEDIA_TYPES, ExportOptions, Format, parse_export, parse_import
from penstock.tables.bulk.sending import Told
from penstock.tables.bulk.tally import Tally
from penstock.tables.graph.requests import as_conditions
from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature, mongodb
from penstock.tables.records.call import Call, enter, plan_around
from penstock.tables.records.plan import RecordPlan, plan_list
from penstock.tables.records.request import parse_list
from penstock.tables.records.routes import EXPORT, IMPORT
from penstock.tables.settings import TablesSettings

TABLE = "/api/apps/{app:str}/datatables/{table:str}"
QUARANTINE = f"{TABLE}/quarantine"
_NDJSON = "application/x-ndjson"


@post(IMPORT, status_code=200)
async def import_records(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write", Feature.FILES)
    if call.table.edges_of is not None:
        raise errors.BadRequest("Edges are not imported; create them, up to 10,000 in a request.")
    options = parse_import(http.query(request), request.headers.get("content-type", ""))
    if request.headers.get("idempotency-key") is not None:
        raise errors.Invalid({"Idempotency-Key": ["An import is not kept; send it again if it failed."]})
    settings = call.ctx.settings(TablesSettings)
    http.allow(request, settings.bulk_seconds)
    wanted = Import(call, options, settings, unique_of(call.table, options), Tally())
    if _NDJSON in (http.header(request, b"accept") or ""):
        return Told(wanted.run, wanted.tally.counts)
    return http.json(await wanted.run())


@get(EXPORT)
async def export_records(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.export", Feature.FILES)
    reading = access.authorize_table(call.principal, "record.read", call.table.definition)
    options = parse_export(http.query(request))
    pairs = options.rest
    if call.table.edges_of is not None:
        pairs = as_conditions(pairs)
    wanted = parse_list(pairs, call.table.columns)
    if wanted.traversal is not None:
        raise errors.BadRequest("An export takes conditions on records, and walks along no edges.")
    if wanted.near is not None:
        raise errors.Invalid(
            {wanted.near.parameter: ["An export is of all records that match, not of the nearest."]}
        )
    plan, pool = await plan_around(
        replace(call, grant=reading),
        lambda around: plan_list(wanted, call.table, reading, around),
        names_relations=wanted.names_relations,
    )
    if plan.populated is not None:
        raise errors.Invalid({"fields": ["An export has the fields of its own table alone."]})
    settings = call.ctx.settings(TablesSettings)
    http.allow(request, settings.bulk_seconds)
    headers = {
        "Content-Type": MEDIA_TYPES[options.format],
        "Content-Disposition": export.disposition(call.table, options),
    }
    return Stream(_opened(call, plan, pool, options, settings.bulk_seconds), headers, settings.bulk_patience)


@asynccontextmanager
async def _opened(
    call: Call, plan: RecordPlan, pool: Pool, options: ExportOptions, seconds: float
) -> AsyncGenerator[AsyncGenerator[bytes]]:
    with call.ctx.get(Streams).one(), in_time():
        writer = await asyncio.to_thread(export.writer_of, plan, options)
        if call.table.provider is ProviderType.MONGODB:
            records = await mongodb.load_engine().open_records(call.ctx, call.grant, call.table)
            as_json = options.format is Format.NDJSON
            lines = records.export(plan, options.limit, seconds, as_json=as_json)
            async with aclosing(export.pieces(lines, writer)) as source:
                yield source
            return
        async with (
            pool.transaction(isolation="repeatable_read") as conn,
            aclosing(export.pieces(export.copied(conn, plan, options), writer)) as source,
        ):
            # One statement, for as long as the whole export may take.
            await conn.execute(f"SET LOCAL statement_timeout = '{int(seconds * 1000)}ms'")
            yield source


@get(QUARANTINE)
async def list_quarantine(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write", Feature.FILES)
    page = _page(request)
    async with call.ctx.db.control.transaction() as conn:
        total, found = await quarantine.imports(
            conn, call.grant, call.table.definition, page, own=call.limits.is_limited
        )
    return _listed(request, page, total, found)


@get(f"{QUARANTINE}/{{number:str}}")
async def read_quarantine(request: http.AnyRequest) -> ASGIResponse:
    """Its rows, page by page, or all of them as a file."""
    call = await enter(request, "record.write", Feature.FILES)
    number = _number(request)
    page = _page(request, "format")
    kind = dict(http.query(request)).get("format")
    if kind not in (None, Format.NDJSON):
        raise errors.Invalid({"format": ["Rows in quarantine are written as ndjson only."]})
    async with call.ctx.db.control.transaction() as conn:
        found = await quarantine.one_import(
            conn, call.grant, call.table.definition, number, own=call.limits.is_limited
        )
        if kind is None:
            rows = await quarantine.rows_of(conn, number, page)
            return _listed(request, page, found["quarantined"], rows)
    settings = call.ctx.settings(TablesSettings)
    http.allow(request, settings.bulk_seconds)
    name = f"{call.table.name}-quarantine-{number}.ndjson"
    headers = {
        "Content-Type": _NDJSON,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Stream(_set_aside(call, number), headers, settings.bulk_patience)


@asynccontextmanager
async def _set_aside(call: Call, number: int) -> AsyncGenerator[AsyncGenerator[bytes]]:
    with call.ctx.get(Streams).one():
        async with (
            call.ctx.db.data.transaction(isolation="repeatable_read") as conn,
            aclosing(quarantine.lines_of(conn, number)) as source,
        ):
            yield source


@delete(f"{QUARANTINE}/{{number:str}}", status_code=200)
async def delete_quarantine(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write", Feature.FILES)
    number = _number(request)
    async with call.ctx.db.control.transaction() as conn:
        await quarantine.forget(conn, call.grant, call.table.definition, number, own=call.limits.is_limited)
        definition = call.table.definition
        await audit.record(
            conn,
            call.principal,
            "quarantine.delete",
            "data_table",
            definition.id,
            definition.name,
            {"import": number},
        )
    return http.empty()


def _number(request: http.AnyRequest) -> int:
    text = http.segment(request, "number")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise errors.NotFound
    return int(text)


def _page(request: http.AnyRequest, *others: str) -> paging.Page:
    pairs = http.query(request)
    known = ("page", "page_size", "api_key", *others)
    for name, _ in pairs:
        if name not in known:
            raise errors.Invalid({name[:80]: [f"This route has no parameter '{name[:80]}'."]})
    return paging.requested(pairs) or paging.Page(1, paging.DEFAULT_SIZE)


def _listed(request: http.AnyRequest, page: paging.Page, total: int, found: list[Any]) -> ASGIResponse:
    pairs = [pair for pair in http.query(request) if pair[0] != "api_key"]
    return http.json(paging.envelope(page, total, found, f"{http.address(request)}/", pairs))


ROUTES: tuple[Any, ...] = (
    import_records,
    export_records,
    list_quarantine,
    read_quarantine,
    delete_quarantine,
)
