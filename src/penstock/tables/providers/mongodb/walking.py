"""Walks along edges, level by level: each is one look at the edges that leave the level before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from penstock.kit.filters import EVERYTHING
from penstock.tables.graph import shape
from penstock.tables.graph.compile import DEPTH, TYPE, shown_fields
from penstock.tables.graph.plan import MAX_BYTES, WalkPlan
from penstock.tables.graph.traversal import Format, Include, ends
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.joining import Stage
from penstock.tables.providers.mongodb.match import Match, every
from penstock.tables.providers.mongodb.reading import (
    documents_of,
    key_stages,
    list_stages,
    matching,
    ordered,
    size_of,
)
from penstock.tables.providers.mongodb.searching import Found
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import projection, row_json, value_json
from penstock.tables.providers.mongodb.values import quoted
from penstock.tables.records.plan import RecordPlan
from penstock.tables.records.shape import Answer

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_AT_ONCE = 5_000
_NAMES = {Include.DESCENDANTS: "down", Include.ANCESTORS: "up"}
_EDGE = {
    "id": "id", "from": "from_id", "to": "to_id", "from_id": "from_id", "to_id": "to_id", "type": "type",
    "metadata": "metadata",
}  # fmt: skip


@dataclass
class _Seen:
    """What one direction reached: by key its depth, and the types of the edges that led to it."""

    depths: dict[Any, int]
    types: dict[Any, set[str]] = field(default_factory=dict[Any, set[str]])
    # Where the walk began, in order.
    places: dict[Any, int] = field(default_factory=dict[Any, int])

    def in_order(self) -> list[Any]:
        return sorted(self.depths, key=lambda key: (self.depths[key], self.places.get(key, 0), key))


async def walk(place: Place, plan: WalkPlan, found: Found | None) -> Answer:
    """`found` are the records that it may begin with, where words were searched."""
    return shape.answer(plan, await Walk(place, plan, found).row())


class Walk:
    """One walk; `row` is what its answer is shaped from, as the statement of PostgreSQL gives it."""

    def __init__(self, place: Place, plan: WalkPlan, found: Found | None) -> None:
        self.place = place
        self.plan = plan
        self.found = found
        self.seen: dict[Include, _Seen] = {}

    async def row(self) -> dict[str, Any]:
        plan = self.plan
        start = await self.start()
        for direction in plan.directions():
            self.seen[direction] = await self.reach(direction, start)
        found: dict[str, Any] = {"visited": sum(len(one.depths) for one in self.seen.values())}
        if found["visited"] > plan.limit or not start:
            return found | self.nothing()
        keys = list(dict.fromkeys(key for one in self.seen.values() for key in one.depths))
        self.documents = await self.records(keys)
        if plan.walk.format is Format.TREE:
            for direction in plan.directions():
                found |= await self.tree(direction)
        elif plan.walk.format is Format.FLAT and not isinstance(plan.begin, RecordPlan):
            found["record"] = row_json(plan.table, plan.fields, self.documents[start[0]])
            found |= {_NAMES[direction]: self.lists(direction) for direction in plan.directions()}
        else:
            found |= self.page()
        if plan.walk.format is Format.GRAPH:
            edges = await self.edges(keys)
            found |= {"edge_count": len(edges), "edges": ",".join(edges)}
        return found

    def nothing(self) -> dict[str, Any]:
        found: dict[str, Any] = {"page": "", "total": 0, "edges": "", "edge_count": 0, "record": ""}
        for name in (_NAMES[direction] for direction in self.plan.directions()):
            found[name] = []
            found |= {f"{name}_{column}": [] for column in "kdjpct"} | {f"{name}_edges": 0}
        return found

    # --- where it begins, and what it reaches

    async def start(self) -> list[Any]:
        plan, begin = self.plan, self.plan.begin
        if not isinstance(begin, RecordPlan):
            return await self.keys_of(key_stages(plan.table, begin, self.visible() or {}))
        stages = list_stages(begin, *([] if self.found is None else [self.found.match()]))
        by_rank = self.found if begin.by_rank else None
        if by_rank is None:
            stages += ordered(plan.table, begin.order)
        if plan.roots is not None:
            stages += self.only_roots()
        first, count = begin.window.offset, min(begin.window.limit, plan.limit + 1)
        if by_rank is not None:
            ranked = by_rank.sorted((key, None) for key in await self.keys_of(stages))
            return [key for key, _ in ranked[first : first + count]]
        if first:
            stages.append({"$skip": first})
        return await self.keys_of([*stages, {"$limit": count}])

    async def keys_of(self, stages: Sequence[Stage]) -> list[Any]:
        found = await documents_of(self.place, self.plan.table, [*stages, {"$project": {"_id": 1}}])
        return [one["_id"] for one in found]

    def only_roots(self) -> list[dict[str, Any]]:
        """Records to which no step leads."""
        plan = self.plan
        direction = Include.ANCESTORS if plan.walk.include is Include.ANCESTORS else Include.DESCENDANTS
        near, far = ends(direction)
        steps: list[dict[str, Any]] = [{"$match": self.of_types()}]
        if (visible := self.visible()) is not None:
            steps += [
                _joined(plan.table.place.name, near, "_id", [{"$match": visible}]),
                {"$match": {"#": {"$ne": []}}},
            ]
        steps += [{"$limit": 1}, {"$project": {"_id": 1}}]
        return [_joined(plan.edges.place.name, "_id", far, steps), {"$match": {"#": []}}]

    def of_types(self) -> Match:
        names = list(self.plan.walk.types or self.plan.graph.by_name)
        return {"type": {"$in": names}} if names else {}

    def visible(self) -> Match | None:
        """The condition that the caller may see a record and that it is not deleted; None when all are."""
        nodes = self.plan.nodes
        hides = nodes.table.schema.soft_deletes
        if nodes.rows == EVERYTHING and not hides:
            return None
        return matching(nodes.table, nodes.rows, hide_deleted=hides)

    async def reach(self, direction: Include, start: Sequence[Any]) -> _Seen:
        near, far = ends(direction)
        seen = _Seen(dict.fromkeys(start, 0), places={key: n for n, key in enumerate(start)})
        level: list[Any] = list(start)
        for depth in range(1, self.plan.walk.depth + 1):
            if not level or len(seen.depths) > self.plan.limit:
                break
            met: dict[Any, set[str]] = {}
            async for edge in self.steps(near, level, {far: 1, "type": 1}):
                if edge[far] not in seen.depths:
                    met.setdefault(edge[far], set()).add(edge["type"])
                    if len(met) > self.plan.limit:
                        break
            level = await self.kept(list(met))
            for key in level:
                seen.depths[key], seen.types[key] = depth, met[key]
        return seen

    async def steps(
        self, near: str, keys: Sequence[Any], shown: dict[str, int]
    ) -> AsyncIterator[dict[str, Any]]:
        """The edges of the walk's types that have one of these records at this end."""
        edges = self.place.collection(self.plan.edges.place.name)
        for part in _parts(keys):
            match = every([{near: {"$in": part}}, self.of_types()])
            with translated():
                async for edge in edges.find(match, {"_id": 0, **shown}, max_time_ms=self.place.patience):
                    yield edge

    async def kept(self, keys: list[Any]) -> list[Any]:
        visible = self.visible()
        if visible is None:
            return keys
        found: set[Any] = set()
        records = self.place.collection(self.plan.table.place.name)
        for part in _parts(keys):
            with translated():
                cursor = records.find(every([{"_id": {"$in": part}}, visible]), {"_id": 1})
                found.update([one["_id"] async for one in cursor])
        return [key for key in keys if key in found]

    # --- what is shown

    async def records(self, keys: Sequence[Any]) -> dict[Any, dict[str, Any]]:
        found: dict[Any, dict[str, Any]] = {}
        size = 0
        names = projection(self.plan.table, (*self.plan.fields, *self.plan.table.schema.primary_key))
        for part in _parts(keys):
            stages = [{"$match": {"_id": {"$in": part}}}, {"$project": names}]
            for one in await documents_of(self.place, self.plan.table, stages):
                found[one["_id"]] = one
                size += size_of(one)
            if size > MAX_BYTES:
                raise shape.too_large(MAX_BYTES, "bytes")
        return found

    def type_of(self, seen: _Seen, key: Any) -> list[str]:
        if seen.depths[key] == 0:
            return []
        only = self.plan.only_type
        return [only] if only is not None else sorted(seen.types[key])

    def said(self, key: Any, depth: int, kind: str | None) -> str:
        """A record and what the walk says of it."""
        shown = row_json(self.plan.table, shown_fields(self.plan), self.documents[key])
        text = "null" if kind is None else quoted(kind)
        return f'{shown[:-1]},"{DEPTH}":{depth},"{TYPE}":{text}}}'

    def page(self) -> dict[str, Any]:
        """The records of all directions, each once, where it is nearest."""
        nearest: dict[Any, tuple[int, _Seen]] = {}
        for seen in self.seen.values():
            for key, depth in seen.depths.items():
                if key not in nearest or depth < nearest[key][0]:
                    nearest[key] = (depth, seen)
        order = sorted(nearest, key=lambda key: (nearest[key][0], nearest[key][1].places.get(key, 0), key))
        rows = [
            self.said(key, nearest[key][0], next(iter(self.type_of(nearest[key][1], key)), None))
            for key in order
            if key in self.documents
        ]
        return {"page": ",".join(rows), "total": len(nearest)}

    def lists(self, direction: Include) -> list[list[str]]:
        seen = self.seen[direction]
        found: dict[str, list[str]] = {}
        for key in seen.in_order():
            for kind in self.type_of(seen, key):
                found.setdefault(kind, []).append(self.said(key, seen.depths[key], kind))
        return [[kind, ",".join(found[kind])] for kind in sorted(found)]

    async def tree(self, direction: Include) -> dict[str, Any]:
        seen, name = self.seen[direction], _NAMES[direction]
        near, far = ends(direction)
        order = [key for key in seen.in_order() if key in self.documents]
        inner = [key for key in order if seen.depths[key] < self.plan.walk.depth]
        kinds: dict[tuple[Any, Any], str] = {}
        count = 0
        async for edge in self.steps(near, inner, {near: 1, far: 1, "type": 1}):
            pair = (edge[near], edge[far])
            kinds[pair] = min(edge["type"], kinds.get(pair, edge["type"]))
            count += 1
            if count > self.plan.limit:
                break
        pairs = sorted(kinds)
        shown = shown_fields(self.plan)
        return {
            f"{name}_k": [str(key) for key in order],
            f"{name}_d": [seen.depths[key] for key in order],
            f"{name}_j": [row_json(self.plan.table, shown, self.documents[key]) for key in order],
            f"{name}_p": [str(parent) for parent, _ in pairs],
            f"{name}_c": [str(child) for _, child in pairs],
            f"{name}_t": [kinds[pair] for pair in pairs],
            f"{name}_edges": count,
        }

    async def edges(self, keys: Sequence[Any]) -> list[str]:
        """Those between records that the walk reached, as JSON, in the order of their ids."""
        known = set(keys)
        found: dict[Any, str] = {}
        table = self.plan.edges
        async for edge in self.steps("from_id", keys, edge_names(table)):
            if edge["to_id"] in known:
                found[edge["_id"]] = edge_json(table, edge)
                if len(found) > self.plan.limit:
                    break
        return [found[key] for key in sorted(found)]


def edge_names(table: Table) -> dict[str, int]:
    """What is to be read of each edge that is shown."""
    return {**projection(table, table.schema.names), "_id": 1}


def edge_json(table: Table, edge: dict[str, Any]) -> str:
    """An edge as answers show it, its ends under both of their names."""
    return "{" + ",".join(f'"{name}":{_value(table, one, edge)}' for name, one in _EDGE.items()) + "}"


def _value(table: Table, name: str, edge: dict[str, Any]) -> str:
    value = edge.get("_id" if name == "id" else name)
    return "null" if value is None else value_json(table, name, value)


def _joined(collection: str, here: str, there: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "$lookup": {
            "from": collection,
            "localField": here,
            "foreignField": there,
            "pipeline": steps,
            "as": "#",
        }
    }


def _parts(keys: Sequence[Any]) -> Iterable[list[Any]]:
    return ([*keys[start : start + _AT_ONCE]] for start in range(0, len(keys), _AT_ONCE))
