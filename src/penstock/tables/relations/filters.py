"""Paths with dots in a filter to `Related` nodes: conditions on one path that are ANDed share the related row.

Each branch of an `or`, and what stands under a `not`, looks for rows of its own: `not` means that none fulfils.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from penstock.kit import errors
from penstock.kit.filters import And, Compare, Not, Or, Related, Tree, leaves
from penstock.tables.relations.hop import Surroundings
from penstock.tables.relations.models import MAX_HOPS, Relation

MAX_PATHS = 5

_Groups: TypeAlias = dict[Relation, list[Compare]]


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

    def node(self, tree: Tree, table: str, hops: int) -> Tree:
        if isinstance(tree, Or):
            return Or(tuple(self.node(item, table, hops) for item in tree.items))
        if isinstance(tree, Not):
            return Not(self.node(tree.item, table, hops))
        items = list(_conjuncts(tree))
        if isinstance(tree, Compare) and tree.path.count(".") == hops:
            return tree
        return self.conjunction(items, table, hops)

    def conjunction(self, items: list[Tree], table: str, hops: int) -> Tree:
        """The conditions of one path meet in the place of its first one."""
        groups: _Groups = {}
        found: list[Tree | Relation] = []
        for item in items:
            if not isinstance(item, Compare):
                found.append(self.node(item, table, hops))
            elif item.path.count(".") == hops:
                found.append(item)
            else:
                way = self.way(item, table, hops)
                if way not in groups:
                    found.append(way)
                groups.setdefault(way, []).append(item)
        parts = [
            self.related(one, groups[one], table, hops) if isinstance(one, Relation) else one for one in found
        ]
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def way(self, leaf: Compare, table: str, hops: int) -> Relation:
        token = leaf.path.split(".")[hops]
        return self.around.hop(table, token, hops + 1, leaf.param[:100]).relation.way

    def related(self, way: Relation, members: list[Compare], table: str, hops: int) -> Tree:
        hop = self.around.along(way, table, hops + 1, members[0].param[:100])
        asks_deleted = any(
            leaf.path.count(".") == hops + 1 and leaf.path.endswith(".is_deleted") for leaf in members
        )
        inner = self.conjunction(list(members), way.target, hops + 1)
        return Related(replace(hop, shows_deleted=asks_deleted), inner)


def _conjuncts(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, And):
        for item in tree.items:
            yield from _conjuncts(item)
    else:
        yield tree
