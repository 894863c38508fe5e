"""What a storage provider does for requests: the verbs on records. Plans and rows are the same for every provider.

A request is parsed, planned and granted before any of this; each verb carries a plan or rows out and gives the whole
answer. A verb that writes several records writes all of them or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from penstock.identity import Grant
from penstock.tables.records.shape import Answer

if TYPE_CHECKING:
    from penstock.tables.aggregates.plan import AggregatePlan
    from penstock.tables.catalog import Table
    from penstock.tables.graph.path import PathPlan
    from penstock.tables.graph.plan import WalkPlan
    from penstock.tables.records.change import Versions
    from penstock.tables.records.codec import Incoming
    from penstock.tables.records.plan import DetailPlan, RecordPlan
    from penstock.tables.records.reach import Reach


class Reading(Protocol):
    """The verbs that change nothing."""

    async def list_records(self, plan: RecordPlan) -> Answer: ...

    async def get_record(self, plan: DetailPlan) -> Answer:
        """Raises `NotFound`."""
        ...

    async def aggregate(self, plan: AggregatePlan) -> Answer: ...

    async def walk(self, plan: WalkPlan) -> Answer:
        """Records along the edges of a table."""
        ...

    async def path(self, plan: PathPlan) -> Answer:
        """The shortest way between two records. Raises `Invalid` when one of them is not there."""
        ...


class Writing(Protocol):
    """The verbs that change records. They raise what the request is answered with when the records forbid it."""

    async def create(self, table: Table, grant: Grant, incoming: Incoming, *, brief: bool) -> Answer: ...

    async def upsert(
        self, table: Table, grant: Grant, incoming: Incoming, unique: tuple[str, ...]
    ) -> Answer: ...

    async def update_one(
        self, table: Table, grant: Grant, key: str, incoming: Incoming, versions: Versions
    ) -> Answer: ...

    async def update_many(self, table: Table, grant: Grant, incoming: Incoming) -> Answer: ...

    async def delete_one(self, table: Table, grant: Grant, key: str, versions: Versions) -> Answer: ...

    async def delete_by_keys(self, table: Table, grant: Grant, text: str) -> Answer: ...

    async def delete_by_filter(self, table: Table, grant: Grant, text: str) -> Answer: ...

    async def create_edges(self, edges: Table, grant: Grant, nodes: Reach, incoming: Incoming) -> Answer:
        """`nodes` are the records that edges may lead to, here and below."""
        ...

    async def update_edges(
        self,
        edges: Table,
        grant: Grant,
        nodes: Reach,
        incoming: Incoming,
        ids: list[int],
        versions: Versions,
    ) -> Answer: ...

    async def delete_edges(self, edges: Table, grant: Grant, ids: list[int]) -> Answer: ...
