"""The verbs on records of MongoDB, as requests ask for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NoReturn

from penstock.identity import Grant
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.tables.aggregates.plan import AggregatePlan
from penstock.tables.graph.plan import WalkPlan
from penstock.tables.models import DataTable, TableSchema
from penstock.tables.providers.base import Feature
from penstock.tables.providers.mongodb import once, reading, upserting, writing
from penstock.tables.providers.mongodb.config import CAPABILITIES
from penstock.tables.providers.mongodb.definition import indexes, validator
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.keys import COUNTERS
from penstock.tables.providers.mongodb.servers import Place, Servers
from penstock.tables.providers.mongodb.writing import Writes
from penstock.tables.providers.verbs import Writing
from penstock.tables.records.codec import Incoming
from penstock.tables.records.idempotency import Once
from penstock.tables.records.plan import DetailPlan, RecordPlan
from penstock.tables.records.shape import Answer
from penstock.tables.schema import parse_schema
from penstock.tables.settings import TablesSettings

if TYPE_CHECKING:
    from penstock.tables.catalog import Table
    from penstock.tables.records.change import Versions


async def open_records(ctx: Context, grant: Grant, table: Table) -> MongoRecords:
    """The records of a table. Its collection is made, or brought in line, when a process first needs it."""
    place = await _servers(ctx).place(ctx, grant, table.definition.data_source_id)
    await _prepare(place, table.definition, table.schema)
    return MongoRecords(ctx, Writes(place))


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
        return await reading.list_records(self._writes.place, plan)

    async def get_record(self, plan: DetailPlan) -> Answer:
        return await reading.get_record(self._writes.place, plan)

    async def aggregate(self, plan: AggregatePlan) -> Answer:
        _refuse(Feature.AGGREGATES, plan.table)

    async def walk(self, plan: WalkPlan) -> Answer:
        _refuse(Feature.GRAPH, plan.table)

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

    async def perform_once(self, named: Once, verb: Callable[[Writing], Awaitable[Answer]]) -> Answer:
        """`verb`, or the answer it gave before."""
        settings = self._ctx.settings(TablesSettings)

        async def work(inner: Writes) -> Answer:
            return await verb(MongoRecords(self._ctx, inner))

        return await once.perform(self._writes, named, settings.idempotency_seconds, work)


def _refuse(feature: Feature, table: Table) -> NoReturn:
    CAPABILITIES.require(feature, table.name)
    raise AssertionError("unreachable")
