"""Conditions on what a walk leads to become lists of keys before MongoDB sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.kit import errors
from penstock.kit.filters import And, BoundTree, Column, Condition, Not, Or, Related
from penstock.kit.operators import BY_NAME
from penstock.tables.graph.filters import Below
from penstock.tables.graph.traversal import ends
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.match import Match, every
from penstock.tables.providers.mongodb.reading import matching
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.records.reach import Reach

_AT_ONCE = 5_000


async def resolved(place: Place, tree: BoundTree, most: int) -> BoundTree:
    """The tree without walks in it. Raises `BadRequest` when one leads to more than `most` records."""
    if isinstance(tree, Condition):
        return tree
    if isinstance(tree, Not):
        return Not(await resolved(place, tree.item, most))
    if isinstance(tree, Related):
        return await _keys(place, tree, most)
    items = tuple([await resolved(place, item, most) for item in tree.items])
    return And(items) if isinstance(tree, And) else Or(items)


async def _keys(place: Place, tree: Related[Condition], most: int) -> BoundTree:
    hop, item = tree.hop, tree.item
    if isinstance(hop, Below):
        (name,) = hop.nodes.table.schema.primary_key
        return _among(hop.nodes.table.columns[name], await _below(place, hop, item, most))
    return tree


def _among(column: Column, keys: Sequence[Any]) -> Condition:
    return Condition(column, BY_NAME["in"], tuple(keys))


async def _below(place: Place, hop: Below, item: BoundTree, most: int) -> Sequence[Any]:
    """The records that a walk from those that fulfil `item` leads to, however far."""
    nodes, (near, far) = hop.nodes, ends(hop.direction)
    edges, graph = nodes.table.edges, nodes.table.schema.graph
    assert edges is not None and graph is not None
    names = list(graph.by_name)
    start = await _visible(place, nodes, matching(nodes.table, item, hide_deleted=False), most)
    seen: dict[Any, None] = {}
    level: list[Any] = [*start]
    while level:
        met: dict[Any, None] = {}
        for part in (level[at : at + _AT_ONCE] for at in range(0, len(level), _AT_ONCE)):
            match: Match = {near: {"$in": part}, **({"type": {"$in": names}} if names else {})}
            with translated():
                async for edge in place.collection(edges.place.name).find(
                    match, {"_id": 0, far: 1}, max_time_ms=place.patience
                ):
                    if edge[far] not in seen:
                        met[edge[far]] = None
        level = await _visible(place, nodes, {"_id": {"$in": [*met]}}, most) if met else []
        seen |= dict.fromkeys(level)
        if len(seen) > most:
            raise _too_many(most)
    return [*seen]


async def _visible(place: Place, nodes: Reach, match: Match, most: int) -> list[Any]:
    rows = matching(nodes.table, nodes.rows, hide_deleted=nodes.table.schema.soft_deletes)
    return await _found(place, nodes.table, every([match, rows]), most)


async def _found(place: Place, table: Any, match: Match, most: int) -> list[Any]:
    with translated():
        cursor = (
            place.collection(table.place.name)
            .find(match, {"_id": 1}, max_time_ms=place.patience)
            .limit(most + 1)
        )
        keys = [one["_id"] async for one in cursor]
    if len(keys) > most:
        raise _too_many(most)
    return keys


def _too_many(most: int) -> errors.BadRequest:
    return errors.BadRequest(
        f"A condition leads to more than {most:,} records, which is the most that MongoDB is asked about.",
        hint="Narrow it.",
    )
