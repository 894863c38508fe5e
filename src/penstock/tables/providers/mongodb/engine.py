"""The verbs on records of MongoDB, as requests ask for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from penstock.identity import Grant
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.filters import BoundTree
from penstock.tables.aggregates.plan import AggregatePlan
from penstock.tables.graph.plan import WalkPlan
from penstock.tables.models import DataTable, TableSchema
from penstock.tables.providers.mongodb import aggregating, edging, listing, once, upserting, walking, writing
from penstock.tables.providers.mongodb.definition import indexes, validator
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.joining import selection
from penstock.tables.providers.mongodb.keys import COUNTERS
from penstock.tables.providers.mongodb.linking import Links
from penstock.tables.providers.mongodb.resolving import resolved
from penstock.tables.providers.mongodb.searching import Found, find
from penstock.tables.providers.mongodb.servers import Place, Servers
from penstock.tables.providers.mongodb.writing import Writes
from penstock.tables.providers.verbs import Writing
from penstock.tables.records.codec import Incoming
from penstock.tables.records.idempotency import Once
from penstock.tables.records.plan import DetailPlan, RecordPlan
from penstock.tables.records.reach import Reach
from penstock.tables.records.shape import Answer
from penstock.tables.schema import parse_schema
from penstock.tables.settings import TablesSettings

if TYPE_CHECKING:
    from penstock.tables.catalog import Table
    from penstock.tables.records.change import Versions

P = TypeVar("P", RecordPlan, AggregatePlan)


async def open_records(ctx: Context, grant: Grant, table: Table) -> MongoRecords:
    """The records of a table. Its collection is made, or brought in line, when a process first needs it."""
    place = await _servers(ctx).place(ctx, grant, table.definition.data_source_id)
    # Whatever the caller may know of it.
    whole = (table.edges_of or table).whole
    for one in (whole, whole.edges):
        if one is not None:
            await _prepare(place, one.definition, one.schema)
    return MongoRecords(ctx, Writes(place, Links(ctx, grant)))


async def prepare(ctx: Context, conn: Connection, grant: Grant, table: DataTable) -> None:
    """Make the collection of a table. Raises `Unavailable` when MongoDB cannot be reached."""
    place = await _servers(ctx).place(ctx, grant, table.data_source_id, conn)
    await _prepare(place, table, parse_schema(table.json_schema))


async def close(ctx: Context) -> None:
    await _servers(ctx).close()


def _servers(ctx: Context) -> Servers:
    return ctx.singletons.setdefault(Servers, Servers())


async def _prepare(place: Place, table: DataTable, schema: TableSchema) -> None:
    """Does again what is done already: so it does not matter who did how much of it before."""
    mark = (place.database.name, table.physical_name, table.schema_hash)
    if mark in place.server.ready:
        return
    rules = validator(schema)
    with translated():
        if not await place.make(table.physical_name, validator=rules):
            await place.database.command({"collMod": table.physical_name, "validator": rules})
        wishes = [wish.arguments(schema) for wish in indexes(schema)]
        if wishes:
            await place.database.command({"createIndexes": table.physical_name, "indexes": wishes})
        for name in (COUNTERS, upserting.LOCKS):
            await place.make(name)
    place.server.ready.add(mark)


class MongoRecords:
    """Reads and writes; each verb that writes several records opens a transaction, or joins the one it is in."""

    def __init__(self, ctx: Context, writes: Writes) -> None:
        self._ctx = ctx
        self._writes = writes

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
        return await edging.update(self._writes, edges, grant, nodes, incoming, ids, versions)

    async def delete_edges(self, edges: Table, grant: Grant, ids: list[int]) -> Answer:
        return await edging.delete(self._writes, edges, grant, ids)

    async def perform_once(self, named: Once, verb: Callable[[Writing], Awaitable[Answer]]) -> Answer:
        """`verb`, or the answer it gave before."""
        settings = self._ctx.settings(TablesSettings)

        async def work(inner: Writes) -> Answer:
            return await verb(MongoRecords(self._ctx, inner))

        return await once.perform(self._writes, named, settings.idempotency_seconds, work)
