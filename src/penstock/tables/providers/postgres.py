"""The verbs on records that are rows of PostgreSQL: one statement each, in the transaction of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.identity import Grant
from penstock.kit.context import Context
from penstock.kit.db import Pool
from penstock.tables.aggregates.cost import Sizes
from penstock.tables.aggregates.plan import AggregatePlan
from penstock.tables.aggregates.service import aggregate
from penstock.tables.graph import path, walking
from penstock.tables.graph import service as graph
from penstock.tables.graph.path import PathPlan
from penstock.tables.graph.plan import WalkPlan
from penstock.tables.records import service
from penstock.tables.records.change import Versions
from penstock.tables.records.codec import Incoming
from penstock.tables.records.execute import Runner
from penstock.tables.records.plan import DetailPlan, RecordPlan
from penstock.tables.records.reach import Reach
from penstock.tables.records.shape import Answer
from penstock.tables.records.upsert import upsert
from penstock.tables.settings import TablesSettings

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


class PostgresReading:
    """Reads, each on any connection of the pool."""

    __slots__ = ("_ctx", "_pool")

    def __init__(self, ctx: Context, pool: Pool) -> None:
        self._ctx = ctx
        self._pool = pool

    async def list_records(self, plan: RecordPlan) -> Answer:
        return await service.list_records(self._pool, plan)

    async def get_record(self, plan: DetailPlan) -> Answer:
        return await service.get_record(self._pool, plan)

    async def aggregate(self, plan: AggregatePlan) -> Answer:
        ctx = self._ctx
        return await aggregate(self._pool, plan, ctx.settings(TablesSettings), ctx.get(Sizes))

    async def walk(self, plan: WalkPlan) -> Answer:
        return await walking.walk(self._pool, plan)

    async def path(self, plan: PathPlan) -> Answer:
        return await path.find(self._pool, plan)


class PostgresWriting:
    """Writes, all by one runner."""

    __slots__ = ("_runner",)

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def create(self, table: Table, grant: Grant, incoming: Incoming, *, brief: bool) -> Answer:
        return await service.create(self._runner, table, grant, incoming, brief=brief)

    async def upsert(self, table: Table, grant: Grant, incoming: Incoming, unique: tuple[str, ...]) -> Answer:
        return await upsert(self._runner, table, grant, incoming, unique)

    async def update_one(
        self, table: Table, grant: Grant, key: str, incoming: Incoming, versions: Versions
    ) -> Answer:
        return await service.update_one(self._runner, table, grant, key, incoming, versions)

    async def update_many(self, table: Table, grant: Grant, incoming: Incoming) -> Answer:
        return await service.update_many(self._runner, table, grant, incoming)

    async def delete_one(self, table: Table, grant: Grant, key: str, versions: Versions) -> Answer:
        await service.delete_one(self._runner, table, grant, key, versions)
        return Answer(204, b"")

    async def delete_by_keys(self, table: Table, grant: Grant, text: str) -> Answer:
        return await service.delete_by_keys(self._runner, table, grant, text)

    async def delete_by_filter(self, table: Table, grant: Grant, text: str) -> Answer:
        return await service.delete_by_filter(self._runner, table, grant, text)

    async def create_edges(self, edges: Table, grant: Grant, nodes: Reach, incoming: Incoming) -> Answer:
        return await graph.create(self._runner, edges, grant, nodes, incoming)

    async def update_edges(
        self,
        edges: Table,
        grant: Grant,
        nodes: Reach,
        incoming: Incoming,
        ids: list[int],
        versions: Versions,
    ) -> Answer:
        return await graph.update(self._runner, edges, grant, nodes, incoming, ids, versions)

    async def delete_edges(self, edges: Table, grant: Grant, ids: list[int]) -> Answer:
        return await graph.delete(self._runner, edges, grant, ids)
