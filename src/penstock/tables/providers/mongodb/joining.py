"""Conditions on related records: stages of one pipeline, with a `$lookup` for each step, whatever the depth.

A foreign key leads to the key of a table, so one side of each step is never null, and nulls do not meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from penstock.kit.filters import EVERYTHING, And, BoundTree, Condition, Not, Related, conjunction
from penstock.tables.providers.mongodb.definition import KEY
from penstock.tables.providers.mongodb.match import Match, compile_match, every
from penstock.tables.providers.mongodb.shape import not_deleted, path_of
from penstock.tables.records.reach import End, Reach
from penstock.tables.relations.hop import Hop

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

Stage: TypeAlias = "dict[str, Any]"

# What stages put beside the fields of a document is called as no field is.
_FOUND, _NEAR, _KEYS, _NUMBER = "#t", "#near", "#k", "#n"
_ONE: tuple[Stage, ...] = ({"$limit": 1}, {"$project": {"_id": 1}})
_IN_PLACE: tuple[Stage, ...] = ({"$unwind": f"${_NEAR}"}, {"$replaceRoot": {"newRoot": f"${_NEAR}"}})
# By more keys than these nothing is looked for.
MOST_KEYS = 20_000
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Window:
    """An order that an index has, and how many documents are needed in it."""

    sort: Stage
    most: int


def selection(
    table: Table,
    tree: BoundTree,
    *,
    hide_deleted: bool,
    also: Sequence[Match] = (),
    window: Window | None = None,
    wide: bool = False,
) -> list[Stage]:
    """The stages that leave the documents of a table for which a tree holds, and everything in `also`.

    `wide` says that they begin a pipeline, so that documents may be found by what they are related to. With a window
    the documents come in its order, and there may be fewer of those that it does not show.
    """
    parts = tree.items if isinstance(tree, And) else (tree,)
    plain = [part for part in parts if not _leads_away(part)]
    away = [part for part in parts if _leads_away(part)]
    match = every(
        [*(_match(table, part) for part in plain), *([not_deleted(table)] if hide_deleted else []), *also]
    )
    tried = _tried(table, match, away, window)
    first = next((one for one in away if isinstance(one, Related) and isinstance(one.hop, Hop)), None)
    if first is None or not wide or any(_is_narrow(table, part) for part in plain):
        return tried
    rest = [one for one in away if one is not first]
    found = [*_by_keys(table, first, match), *_related(table, rest), _instead(table, first, tried)]
    return found if window is None else [*found, window.sort]


def _tried(table: Table, match: Match, away: Sequence[BoundTree], window: Window | None) -> list[Stage]:
    """One document after the other, in order as long as an index gives it, until the window is full."""
    stages: list[Stage] = [{"$match": match}]
    if window is not None:
        stages.append(window.sort)
    stages += _related(table, away)
    if window is not None:
        stages.append({"$limit": window.most})
    return stages


def _related(table: Table, away: Sequence[BoundTree]) -> list[Stage]:
    stages: list[Stage] = []
    for part in away:
        joins = _Joins(table)
        match = compile_match(part, lambda name: path_of(table, name), joins.found)
        stages += [*joins.stages, {"$match": match}, {"$unset": joins.names}]
    return stages


def _is_narrow(table: Table, part: BoundTree) -> bool:
    """True for a condition that an index answers with few documents."""
    if not isinstance(part, Condition) or part.operator.name not in ("eq", "in"):
        return False
    schema, name = table.schema, part.column.name
    first = {one.fields[0] for one in schema.indexes if one.fields} | {
        one.fields[0] for one in schema.foreign_keys
    }
    return name in first or name in schema.primary_key[:1] or schema.by_name[name].constraints.unique


# --- from what documents are related to


def _by_keys(table: Table, node: Related[Condition], match: Match) -> list[Stage]:
    """The documents by the keys of what fulfils the condition, when there are few."""
    hop = cast("Hop", node.hop)
    here = hop.relation.near_fields[0]
    near = lookup(table, f"{_FOUND}.{_KEYS}", path_of(table, here), [{"$match": match}], _NEAR)
    return [*_keys(table, node), {"$match": {f"{_FOUND}.{_NUMBER}": {"$lte": MOST_KEYS}}}, near, *_IN_PLACE]


def _instead(table: Table, node: Related[Condition], tried: Sequence[Stage]) -> Stage:
    """When there are many, the documents one after the other."""
    every_one = {"$lookup": {"from": table.place.name, "pipeline": list(tried), "as": _NEAR}}
    many = {"$match": {f"{_FOUND}.{_NUMBER}": {"$gt": MOST_KEYS}}}
    steps = [*_keys(table, node), many, every_one, *_IN_PLACE]
    return {"$unionWith": {"coll": table.place.name, "pipeline": steps}}


def _keys(table: Table, node: Related[Condition]) -> list[Stage]:
    """One document or none: in `#t`, the keys that lead back from what fulfils a condition, and its number.

    It begins with any document of the table; without one, nothing is found.
    """
    hop = cast("Hop", node.hop)
    target, relation = hop.target.table, hop.relation
    hides = target.schema.soft_deletes and not hop.shows_deleted
    rows = conjunction([hop.target.rows, node.item])
    steps = selection(target, rows, hide_deleted=hides, wide=True)
    steps += _collected(path_of(target, relation.far_fields[0]))
    if relation.through is not None and hop.through is not None:
        ((_, back),), ((_, there),) = relation.through.near, relation.through.far
        junction = hop.through.table
        steps += [
            lookup(junction, _KEYS, path_of(junction, there), readable(hop.through), _NEAR),
            # When no row leads to these, others may lead to more of them.
            {"$unwind": {"path": f"${_NEAR}", "preserveNullAndEmptyArrays": True}},
            *_collected(f"{_NEAR}.{path_of(junction, back)}"),
        ]
    found = {"$lookup": {"from": target.place.name, "pipeline": steps, "as": _FOUND}}
    return [*_ONE, found, {"$unwind": f"${_FOUND}"}]


def _collected(path: str) -> list[Stage]:
    """One document or none with the values of a path; values too long to be listed count as too many."""
    group = {
        "_id": None,
        _KEYS: {"$addToSet": f"${path}"},
        _NUMBER: {"$sum": 1},
        "before": {"$max": f"${_NUMBER}"},
        "size": {"$sum": {"$bsonSize": {"k": f"${path}"}}},
    }
    long = {"$cond": [{"$gt": ["$size", _MOST_BYTES]}, MOST_KEYS + 1, 0]}
    return [
        {"$limit": MOST_KEYS + 1},
        {"$group": group},
        {"$set": {_NUMBER: {"$max": [f"${_NUMBER}", "$before", long]}}},
    ]


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


def marking(table: Table, tree: BoundTree, name: str) -> Stage:
    """Puts beside each document of a table something, if a tree holds for it, or nothing."""
    return lookup(table, KEY, KEY, [*selection(table, tree, hide_deleted=False), *_ONE], name)


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
