"""The verbs on records of MongoDB, as requests ask for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.filters import BoundTree
from penstock.tables import store
from penstock.tables.aggregates.plan import AggregatePlan
from penstock.tables.graph.plan import WalkPlan
from penstock.tables.models import DataTable
from penstock.tables.providers.mongodb import (
    aggregating,
    edging,
    exporting,
    listing,
    once,
    pathing,
    streaming,
    upserting,
    walking,
    writing,
)
from penstock.tables.providers.mongodb.altering import Alteration
from penstock.tables.providers.mongodb.changing import Changing, apply_all, bring_in_line
from penstock.tables.providers.mongodb.definition import Layout, read_layout
from penstock.tables.providers.mongodb.failures import Ended, Unexpected, Unfit, translated
from penstock.tables.providers.mongodb.joining import selection
from penstock.tables.providers.mongodb.keys import COUNTERS
from penstock.tables.providers.mongodb.linking import Links
from penstock.tables.providers.mongodb.loading import DocumentsTarget
from penstock.tables.providers.mongodb.resolving import resolved
from penstock.tables.providers.mongodb.searching import Found, find
from penstock.tables.providers.mongodb.servers import Place, Servers
from penstock.tables.providers.mongodb.writing import Writes
from penstock.tables.providers.verbs import Writing
from penstock.tables.records.codec import Incoming
from penstock.tables.records.idempotency import Once
from penstock.tables.records.plan import DetailPlan, RecordPlan
from penstock.tables.records.reach import Reach, limits_in
from penstock.tables.records.shape import Answer
from penstock.tables.schema import Done, edges_definition, edges_place, parse_schema, place_of
from penstock.tables.schema.apply import Limits
from penstock.tables.schema.companion import keeps_edges
from penstock.tables.settings import TablesSettings

if TYPE_CHECKING:
    from penstock.tables.catalog import Table
    from penstock.tables.graph.path import PathPlan
    from penstock.tables.reading import Documents
    from penstock.tables.records.change import Versions

P = TypeVar("P", RecordPlan, AggregatePlan)
# A transaction that ended sooner did not end for its age.
_SOON = 10.0  # seconds


async def open_records(ctx: Context, grant: Grant, table: Table) -> MongoRecords:
    """The records of a table. Its collection is brought in line when a process first needs it."""
    place = await _servers(ctx).place(ctx, grant, table.definition.data_source_id)
    # Whatever the caller may know of it.
    whole = (table.edges_of or table).whole
    if _mark(place, whole.definition) not in place.server.ready:
        await line_up(ctx, grant, whole.definition)
    return MongoRecords(ctx, Writes(place, Links(ctx, grant)), grant, table)


async def open_batch(ctx: Context, grant: Grant, tables: Sequence[Table]) -> MongoRecords:
    """The records of several tables of one data source."""
    opened = [await open_records(ctx, grant, table) for table in tables]
    return opened[0].beside(tables[1:])


def said(table: Table, rows: BoundTree, *, hide_deleted: bool) -> str:
    """The same where the same documents are read."""
    stages = streaming.stages_of(table, rows, hide_deleted=hide_deleted)
    return f"{table.definition.id} {table.definition.layout} {stages!r}"


async def stream(
    ctx: Context,
    wanted: Documents,
    names: tuple[str, ...],
    conditions: Sequence[tuple[str, str, Any]],
    seconds: float,
) -> AsyncGenerator[list[str]]:
    """The values of these fields, as the JSON array of each record, some records at a time."""
    table = wanted.table
    place = await _servers(ctx).place(ctx, wanted.grant, table.definition.data_source_id)
    if _mark(place, table.whole.definition) not in place.server.ready:
        await line_up(ctx, wanted.grant, table.whole.definition)
    also = [found for one in conditions if (found := streaming.match_of(table, *one)) is not None]
    stages = streaming.stages_of(table, wanted.rows, hide_deleted=wanted.hide_deleted, also=also)
    async for piece in streaming.pieces(place, table, stages, names, seconds):
        yield piece


async def prepare(ctx: Context, conn: Connection, grant: Grant, table: DataTable) -> None:
    """Make the collection of a table. Raises `Unavailable` when MongoDB cannot be reached."""
    await _prepare(await _servers(ctx).place(ctx, grant, table.data_source_id, conn), table)


async def estimate(ctx: Context, conn: Connection, grant: Grant, table: DataTable) -> int:
    """About how many records a table has; 0 is exact."""
    place = await _servers(ctx).place(ctx, grant, table.data_source_id, conn)
    with translated():
        records = place.collection(table.physical_name)
        found = await records.estimated_document_count(maxTimeMS=place.patience)
        return found or await records.count_documents({}, limit=1, maxTimeMS=place.patience)


async def alter(
    ctx: Context,
    conn: Connection,
    grant: Grant,
    alterations: Sequence[Alteration],
    limits: Limits,
    *,
    rehearsal: bool,
) -> list[Done]:
    """Change these collections, all of them or none; a rehearsal only looks at the records.

    Nobody else may be changing them: `conn` holds the app. Raises `StepFailed`.
    """
    longest = ctx.settings(TablesSettings).schema_widening_seconds
    changes: list[Changing] = []
    for one in alterations:
        if one.acts:
            place = await _servers(ctx).place(ctx, grant, one.table.data_source_id, conn)
            changes.append(Changing(place, conn, one, limits, longest))
    looked = [done for one in changes for done in await one.examine(thoroughly=rehearsal)]
    return looked if rehearsal else await apply_all(changes)


async def close(ctx: Context) -> None:
    await _servers(ctx).close()


def _servers(ctx: Context) -> Servers:
    return ctx.singletons.setdefault(Servers, Servers())


def _mark(place: Place, table: DataTable) -> tuple[str, str, str]:
    return place.database.name, table.physical_name, table.updated_at.isoformat()


async def _prepare(place: Place, table: DataTable) -> bool:
    """Nobody may be changing the table. True when something was not as its definition says."""
    schema = parse_schema(table.json_schema)
    with translated():
        differs = await bring_in_line(place, table.physical_name, schema, read_layout(table.layout))
        if keeps_edges(schema):
            edges = parse_schema(edges_definition(table.name, schema))
            name = edges_place(place_of(table)).name
            differs = await bring_in_line(place, name, edges, Layout()) or differs
        for name in (COUNTERS, upserting.LOCKS):
            await place.make(name)
    place.server.ready.add(_mark(place, table))
    return differs


async def line_up(ctx: Context, grant: Grant, table: DataTable) -> DataTable | None:
    """Have the collection be what the definition says, which is returned; None while somebody is changing it.

    A change holds the app until it is done or taken back, also when its process dies: so whoever holds the app knows
    that no change is under way.
    """
    try:
        async with ctx.db.control.transaction() as conn:
            await conn.execute("SET LOCAL lock_timeout = '100ms'")
            await store.lock_app(conn, grant)
            fresh = await store.table_by_id(conn, table.id)
            if fresh is None:
                raise errors.NotFound
            await _prepare(await _servers(ctx).place(ctx, grant, fresh.data_source_id, conn), fresh)
            return fresh
    except asyncpg.LockNotAvailableError:
        return None


class MongoRecords:
    """Reads and writes; each verb that writes several records opens a transaction, or joins the one it is in."""

    def __init__(
        self, ctx: Context, writes: Writes, grant: Grant, table: Table, others: Sequence[Table] = ()
    ) -> None:
        """`others` are tables that are written besides."""
        self._ctx = ctx
        self._writes = writes
        self._grant = grant
        self._table = table
        self._others = others

    def beside(self, others: Sequence[Table]) -> MongoRecords:
        return MongoRecords(self._ctx, self._writes, self._grant, self._table, others)

    async def list_records(self, plan: RecordPlan) -> Answer:
        plan, found = await self._searched(replace(plan, where=await self._resolved(plan.where)))
        return await listing.list_records(self._writes.place, plan, found)

    async def get_record(self, plan: DetailPlan) -> Answer:
        return await listing.get_record(self._writes.place, plan)

    async def aggregate(self, plan: AggregatePlan) -> Answer:
        most = self._ctx.settings(TablesSettings).max_collected
        plan, found = await self._searched(replace(plan, where=await self._resolved(plan.where)))
        return await aggregating.aggregate(self._writes.place, plan, found, most)

    async def walk(self, plan: WalkPlan) -> Answer:
        begin, found = plan.begin, None
        if isinstance(begin, RecordPlan):
            begin = replace(begin, where=await self._resolved(begin.where))
            begin, found = await self._searched(begin)
        return await walking.walk(self._writes.place, replace(plan, begin=begin), found)

    async def path(self, plan: PathPlan) -> Answer:
        return await pathing.find(self._writes.place, plan)

    async def _resolved(self, tree: BoundTree) -> BoundTree:
        most = self._ctx.settings(TablesSettings).max_graph_size
        return await resolved(self._writes.place, tree, most)

    async def _searched(self, plan: P) -> tuple[P, Found | None]:
        """The plan without a search by words, and what it finds."""
        search, most = plan.search, self._ctx.settings(TablesSettings).mongodb_max_searched
        if search is None or not search.by_vector:
            return plan, None
        stages = selection(plan.table, plan.where, hide_deleted=plan.hide_deleted, wide=True)
        found = await find(self._writes.place, self._ctx.db.data, plan.table, stages, search, most)
        return replace(plan, search=None), found

    async def create(self, table: Table, grant: Grant, incoming: Incoming, *, brief: bool) -> Answer:
        return await writing.create(self._writes, table, grant, incoming, brief=brief)

    async def upsert(self, table: Table, grant: Grant, incoming: Incoming, unique: tuple[str, ...]) -> Answer:
        return await upserting.upsert(self._writes, table, grant, incoming, unique)

    async def update_one(
        self, table: Table, grant: Grant, key: str, incoming: Incoming, versions: Versions
    ) -> Answer:
        return await writing.update_one(self._writes, table, grant, key, incoming, versions)

    async def update_many(self, table: Table, grant: Grant, incoming: Incoming) -> Answer:
        return await writing.update_many(self._writes, table, grant, incoming)

    async def delete_one(self, table: Table, grant: Grant, key: str, versions: Versions) -> Answer:
        return await writing.delete_one(self._writes, table, grant, key, versions)

    async def delete_by_keys(self, table: Table, grant: Grant, text: str) -> Answer:
        return await writing.delete_by_keys(self._writes, table, grant, text)

    async def delete_by_filter(self, table: Table, grant: Grant, text: str) -> Answer:
        return await writing.delete_by_filter(self._writes, table, grant, text)

    async def create_edges(self, edges: Table, grant: Grant, nodes: Reach, incoming: Incoming) -> Answer:
        _refuse_rules(edges, grant)
        return await edging.create(self._writes, edges, grant, nodes, incoming)

    async def update_edges(
        self,
        edges: Table,
        grant: Grant,
        nodes: Reach,
        incoming: Incoming,
        ids: list[int],
        versions: Versions,
    ) -> Answer:
        _refuse_rules(edges, grant)
        return await edging.update(self._writes, edges, grant, nodes, incoming, ids, versions)

    async def delete_edges(self, edges: Table, grant: Grant, ids: list[int]) -> Answer:
        _refuse_rules(edges, grant)
        return await edging.delete(self._writes, edges, grant, ids)

    async def perform(
        self, verb: Callable[[Writing], Awaitable[Answer]], named: Once | None = None
    ) -> Answer:
        """`verb`, or the answer that it gave before under this name.

        Raises `Outdated` when the schema has been changed since the request was planned.
        """
        try:
            return await self._attempt(verb, named)
        except (Unfit, Unexpected):
            # A change is under way, or one was not taken back to its end; or the record does not fit.
            await self._catch_up()
        try:
            return await self._attempt(verb, named)
        except Unexpected as refused:
            raise errors.Contended from refused

    async def perform_all(
        self, verb: Callable[[Writing], Awaitable[Answer]], named: Once | None = None
    ) -> Answer:
        """As `perform`, with all that the verb does in one transaction."""

        async def whole(inner: Writing) -> Answer:
            assert isinstance(inner, MongoRecords)
            return await inner._writes.together(
                lambda writes: verb(MongoRecords(self._ctx, writes, self._grant, self._table))
            )

        return await self.perform(whole, named)

    async def _attempt(self, verb: Callable[[Writing], Awaitable[Answer]], named: Once | None) -> Answer:
        if named is None:
            return await verb(self)

        async def work(inner: Writes) -> Answer:
            return await verb(MongoRecords(self._ctx, inner, self._grant, self._table))

        settings = self._ctx.settings(TablesSettings)
        return await once.perform(self._writes, named, settings.idempotency_seconds, work)

    async def require_transactions(self) -> None:
        """Raises `BadRequest` where several records are not written wholly or not at all."""
        await self._writes.require_transactions(limits_in(self._table, self._grant.principal))

    async def load(
        self, unique: tuple[str, ...], work: Callable[[DocumentsTarget], Awaitable[None]], *, again: bool
    ) -> None:
        """An import, in one transaction. `again` is that it was tried before.

        Raises `Contended` when it should be tried again, `Outdated` when the schema has been changed.
        """
        table, grant, started = self._table, self._grant, time.monotonic()
        try:
            await self._writes.together(
                lambda writes: work(DocumentsTarget(writes, table, grant, unique)),
                limits_in(table, grant.principal),
            )
        except (Unfit, Unexpected) as refused:
            await self._catch_up()
            if again and isinstance(refused, Unfit):
                raise
            raise errors.Contended from refused
        except Ended as error:
            spent = time.monotonic() - started
            if spent < _SOON:
                raise
            raise errors.BadRequest(
                f"An import into MongoDB is one transaction, and MongoDB ended this one after {spent:.0f} seconds; "
                "nothing was imported.",
                hint="Send it in parts, or let transactions last longer (transactionLifetimeLimitSeconds).",
            ) from error

    async def export(
        self, plan: RecordPlan, limit: int | None, seconds: float, *, as_json: bool
    ) -> AsyncGenerator[bytes]:
        """Every record of a plan in its order, as lines of JSON or of CSV."""
        plan, found = await self._searched(replace(plan, where=await self._resolved(plan.where)))
        wanted = exporting.Export(plan, found, limit, seconds, as_json=as_json)
        async with aclosing(exporting.pieces(self._writes.place, wanted)) as source:
            async for piece in source:
                yield piece

    async def _catch_up(self) -> None:
        """Wait for the end of a change, and bring in line what it has left."""
        patience = self._ctx.settings(TablesSettings).schema_lock_patience
        until = time.monotonic() + patience
        bases = [(one.edges_of or one).whole for one in (self._table, *self._others)]
        around = [found for base in bases for found in await self._writes.links.around(base)]
        for known in {one.definition.id: one for one in around}.values():
            while (fresh := await line_up(self._ctx, self._grant, known.definition)) is None:
                if time.monotonic() > until:
                    message = f"The schema of '{known.name}' is being changed; try again shortly."
                    raise errors.Contended(message)
                await asyncio.sleep(0.1)
            if (fresh.schema_hash, fresh.layout) != (known.definition.schema_hash, known.definition.layout):
                raise errors.Outdated


def _refuse_rules(edges: Table, grant: Grant) -> None:
    if limits_in(edges, grant.principal).is_limited:
        message = (
            f"Under the rules of a table in MongoDB, you read its edges ('{edges.name}') and write none."
        )
        raise errors.Forbidden(message)
