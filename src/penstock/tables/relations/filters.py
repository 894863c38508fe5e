"""Paths with dots in a filter to `Related` nodes: conditions on one path that are ANDed share the related row.

Each branch of an `or`, and what stands under a `not`, looks for rows of its own: `not` means that none fulfils.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from penstock.kit import errors
from penstock.kit.filters import And, Compare, Not, Or, Related, Tree, leaves
from penstock.tables.relations.hop import Surroundings
from penstock.tables.relations.models import MAX_HOPS, Relation

MAX_PATHS = 5
# Conditions that do not share a row are looked up one by one.
MAX_LOOKUPS = 30

_Join: TypeAlias = "type[And[Compare]] | type[Or[Compare]]"
# A relation, and whether its deleted rows are asked for too.
_Way: TypeAlias = tuple[Relation, bool]


def names_relations(tree: Tree) -> bool:
    return any("." in leaf.path for leaf in leaves(tree))


def relate(tree: Tree, table: str, around: Surroundings) -> Tree:
    """Raises `errors.Invalid` naming the parameter whose path leads nowhere, or which is one too many."""
    ways: set[str] = set()
    for leaf in leaves(tree):
        way, dot, _ = leaf.path.rpartition(".")
        if dot:
            ways.add(way)
            _check(leaf, ways)
    return _Relater(around).node(tree, table, 0)


def _check(leaf: Compare, ways: set[str]) -> None:
    param = leaf.param[:100]
    hops = leaf.path.count(".")
    if hops > MAX_HOPS:
        raise errors.Invalid({param: [f"The path has {hops} hops; a path has at most {MAX_HOPS}."]})
    if len(ways) > MAX_PATHS:
        raise errors.Invalid({param: [f"A request takes conditions on at most {MAX_PATHS} related paths."]})


class _Relater:
    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.lookups = 0

    def node(self, tree: Tree, table: str, hops: int) -> Tree:
        if isinstance(tree, Or):
            # Some row that fulfils one or the other is some row that fulfils either.
            return _one_or(Or, self.grouped(tree.items, table, hops, Or))
        if isinstance(tree, Not):
            return Not(self.node(tree.item, table, hops))
        return _one_or(And, self.grouped(list(_conjuncts(tree)), table, hops, And))

    def grouped(self, items: Sequence[Tree], table: str, hops: int, kind: _Join) -> list[Tree]:
        """The conditions of one path meet in the place of its first one."""
        groups: dict[_Way, list[Compare]] = {}
        found: list[Tree | _Way] = []
        for item in items:
            if not isinstance(item, Compare):
                found.append(self.node(item, table, hops))
            elif item.path.count(".") == hops:
                found.append(item)
            else:
                way = self.way(item, table, hops), kind is Or and _asks_deleted(item, hops)
                if way not in groups:
                    found.append(way)
                groups.setdefault(way, []).append(item)
        return [
            self.related(one[0], groups[one], table, hops, kind) if isinstance(one, tuple) else one
            for one in found
        ]

    def way(self, leaf: Compare, table: str, hops: int) -> Relation:
        token = leaf.path.split(".")[hops]
        return self.around.hop(table, token, hops + 1, leaf.param[:100]).relation.way

    def related(
        self, way: Relation, members: list[Compare], table: str, hops: int, kind: _Join
    ) -> Related[Compare]:
        param = members[0].param[:100]
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            message = f"A request looks at related records at most {MAX_LOOKUPS} times; join conditions on one path."
            raise errors.Invalid({param: [message]})
        hop = self.around.along(way, table, hops + 1, param)
        shows_deleted = any(_asks_deleted(leaf, hops) for leaf in members)
        inner = self.grouped(members, way.target, hops + 1, kind)
        return Related(replace(hop, shows_deleted=shows_deleted), _one_or(kind, inner))


def _asks_deleted(leaf: Compare, hops: int) -> bool:
    return leaf.path.count(".") == hops + 1 and leaf.path.endswith(".is_deleted")


def _one_or(kind: _Join, parts: Sequence[Tree]) -> Tree:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _conjuncts(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, And):
        for item in tree.items:
            yield from _conjuncts(item)
    else:
        yield tree
