"""Conditions on related records: stages of one pipeline, with a `$lookup` for each step, whatever the depth.

A foreign key leads to the key of a table, so one side of each step is never null, and nulls do not meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.kit.filters import EVERYTHING, And, BoundTree, Condition, Not, Related, conjunction
from penstock.tables.providers.mongodb.match import Match, compile_match, every
from penstock.tables.providers.mongodb.shape import not_deleted, path_of
from penstock.tables.records.reach import End, Reach
from penstock.tables.relations.hop import Hop

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

Stage: TypeAlias = "dict[str, Any]"

# What stages put beside the fields of a document is called as no field is.
_FOUND = "#t"
_ONE: tuple[Stage, ...] = ({"$limit": 1}, {"$project": {"_id": 1}})


def selection(
    table: Table,
    tree: BoundTree,
    *,
    hide_deleted: bool,
    also: Sequence[Match] = (),
    sort: Stage | None = None,
) -> list[Stage]:
    """The stages that leave the documents of a table for which a tree holds, and everything in `also`.

    What needs no other table comes first; `sort` comes between, while an index can still give the order.
    """
    parts = tree.items if isinstance(tree, And) else (tree,)
    plain = [_match(table, part) for part in parts if not _leads_away(part)]
    if hide_deleted:
        plain.append(not_deleted(table))
    stages: list[Stage] = [{"$match": every([*plain, *also])}]
    if sort is not None:
        stages.append(sort)
    for part in parts:
        if _leads_away(part):
            joins = _Joins(table)
            match = compile_match(part, lambda name: path_of(table, name), joins.found)
            stages += [*joins.stages, {"$match": match}, {"$unset": joins.names}]
    return stages


def _match(table: Table, tree: BoundTree) -> Match:
    return compile_match(tree, lambda name: path_of(table, name))


def _leads_away(tree: BoundTree) -> bool:
    if isinstance(tree, Related):
        return True
    if isinstance(tree, Condition):
        return False
    return _leads_away(tree.item) if isinstance(tree, Not) else any(_leads_away(item) for item in tree.items)


def readable(reach: Reach, item: BoundTree = EVERYTHING, *, shows_deleted: bool = False) -> list[Stage]:
    """The stages that leave the documents that a caller may read and for which an item holds."""
    hides = reach.table.schema.soft_deletes and not shows_deleted
    stages = selection(reach.table, conjunction([reach.rows, item]), hide_deleted=hides)
    return stages if stages[0]["$match"] else stages[1:]


def lookup(table: Table, here: str, there: str, steps: Sequence[Stage], name: str) -> Stage:
    """The documents of `table` whose path `there` equals the path `here`, after some steps, as an array."""
    return {
        "$lookup": {
            "from": table.place.name,
            "localField": here,
            "foreignField": there,
            "pipeline": list(steps),
            "as": name,
        }
    }


class _Joins:
    """The lookups of one condition on documents of a table; they put one document or none beside each."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.stages: list[Stage] = []
        self.names: list[str] = []

    def found(self, node: Related[Condition], truth: bool) -> Match:
        name = f"#c{len(self.names)}"
        self.names.append(name)
        self.stages.append(self.stage(node, name))
        return {name: {"$ne": []} if truth else []}

    def stage(self, node: Related[Condition], name: str) -> Stage:
        hop, item = node.hop, node.item
        if isinstance(hop, End):
            steps = selection(hop.nodes, item, hide_deleted=False)
            key = path_of(hop.nodes, hop.nodes.schema.primary_key[0])
            return lookup(hop.nodes, path_of(self.table, hop.field), key, [*steps, *_ONE], name)
        assert isinstance(hop, Hop)
        steps = [*readable(hop.target, item, shows_deleted=hop.shows_deleted), *_ONE]
        target, relation = hop.target.table, hop.relation
        if relation.through is None:
            ((here, there),) = relation.pairs
            return lookup(target, path_of(self.table, here), path_of(target, there), steps, name)
        return through(self.table, hop, [far(hop, steps), {"$match": {_FOUND: {"$ne": []}}}, *_ONE], name)


def through(table: Table, hop: Hop, steps: Sequence[Stage], name: str) -> Stage:
    """The rows of the junction of a hop that belong to a document of `table`, after some steps."""
    assert hop.relation.through is not None and hop.through is not None
    ((here, there),) = hop.relation.through.near
    junction = hop.through.table
    return lookup(
        junction, path_of(table, here), path_of(junction, there), [*readable(hop.through), *steps], name
    )


def far(hop: Hop, steps: Sequence[Stage], *, here: str | None = None) -> Stage:
    """From a row of the junction to the record behind it, as the array `#t`; `here` is where its key is."""
    assert hop.relation.through is not None and hop.through is not None
    ((key, there),) = hop.relation.through.far
    target = hop.target.table
    return lookup(target, here or path_of(hop.through.table, there), path_of(target, key), steps, _FOUND)
