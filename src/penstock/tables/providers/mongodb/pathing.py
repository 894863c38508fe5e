"""The shortest way from one record to another: level by level until it is met, then back the same way every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.kit.filters import BoundTree
from penstock.tables.graph.compile import DEPTH, shown_fields
from penstock.tables.graph.path import PathPlan, answer
from penstock.tables.graph.traversal import ends
from penstock.tables.providers.mongodb.reading import key_stages
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import row_json
from penstock.tables.providers.mongodb.walking import Walk, edge_json, edge_names
from penstock.tables.records.shape import Answer


async def find(place: Place, plan: PathPlan) -> Answer:
    return answer(plan, await _Path(place, plan).row())


class _Path:
    """One search; `row` is what its answer is shaped from, as the statement of PostgreSQL gives it."""

    def __init__(self, place: Place, plan: PathPlan) -> None:
        self.plan, self.walk = plan, Walk(place, plan.walk, None)
        self.levels: list[list[Any]] = []

    async def row(self) -> dict[str, Any]:
        first, last = await self.end(self.plan.first), await self.end(self.plan.last)
        found: dict[str, Any] = {"has_from": bool(first), "has_to": bool(last), "steps": None, "visited": 0}
        if not first or not last:
            return found
        found["visited"] = await self.search(first[0], last[0])
        if last[0] not in self.levels[-1]:
            return found
        way, edges = await self.back(last[0])
        documents = await self.walk.records(way)
        table, shown = self.plan.walk.table, shown_fields(self.plan.walk)
        nodes = [
            f'{row_json(table, shown, documents[key])[:-1]},"{DEPTH}":{depth}}}'
            for depth, key in enumerate(way)
            if key in documents
        ]
        return found | {"steps": len(edges), "nodes": ",".join(nodes), "edges": ",".join(edges)}

    async def end(self, tree: BoundTree) -> Sequence[Any]:
        stages = key_stages(self.plan.walk.table, tree, self.walk.visible() or {})
        return await self.walk.keys_of(stages)

    async def search(self, first: Any, last: Any) -> int:
        """Fill the levels, the last one of which has the record when there is a way; how many were met."""
        walk = self.plan.walk
        seen = {first}
        level: list[Any] = [first]
        self.levels.append(level)
        while last not in level and len(self.levels) <= walk.walk.depth and len(seen) <= walk.limit:
            met: dict[Any, None] = {}
            for direction in walk.directions():
                near, far = ends(direction)
                async for edge in self.walk.steps(near, level, {far: 1}):
                    if edge[far] not in seen:
                        met[edge[far]] = None
                        if len(met) > walk.limit:
                            break
            level = await self.walk.kept(list(met))
            if not level:
                break
            seen.update(level)
            self.levels.append(level)
        return len(seen)

    async def back(self, last: Any) -> tuple[list[Any], list[str]]:
        """The records and the edges of the way, from its beginning."""
        way, edges = [last], list[str]()
        for level in reversed(self.levels[:-1]):
            before = set(level)
            best: tuple[Any, ...] | None = None
            for direction in self.plan.walk.directions():
                near, far = ends(direction)
                async for edge in self.walk.steps(far, way[:1], edge_names(self.plan.walk.edges)):
                    place = (edge[near], edge["type"], edge["_id"])
                    if edge[near] in before and (best is None or place < best[:3]):
                        best = (*place, edge)
            assert best is not None
            way.insert(0, best[0])
            edges.insert(0, edge_json(self.plan.walk.edges, best[3]))
        return way, edges
