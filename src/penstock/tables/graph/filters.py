"""`key__descendants=5` and `key__ancestors=5` in a filter: the records below and above one, however far away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from penstock.kit import errors, sql
from penstock.kit.filters import EVERYTHING, And, BoundTree, Column, Compare, Not, Or, Related, Tree
from penstock.tables.graph.traversal import Include, ends
from penstock.tables.records.reach import Reach

OPERATORS = {one.value: one for one in (Include.DESCENDANTS, Include.ANCESTORS)}
# Each is a walk of its own through the table.
MAX_WALKS = 10
_START = '"#n"'


def walked(tree: Tree, nodes: Reach) -> Tree:
    """The tree with walks in the place of these conditions. Raises `errors.Invalid` for too many of them."""
    return tree if nodes.table.edges is None else _Walks(nodes).node(tree)


class _Walks:
    def __init__(self, nodes: Reach) -> None:
        self.nodes = nodes
        self.count = 0

    def node(self, tree: Tree) -> Tree:
        if isinstance(tree, Compare):
            return self.leaf(tree)
        if isinstance(tree, And):
            return And(tuple(self.node(item) for item in tree.items))
        if isinstance(tree, Or):
            return Or(tuple(self.node(item) for item in tree.items))
        return Not(self.node(tree.item)) if isinstance(tree, Not) else tree

    def leaf(self, leaf: Compare) -> Tree:
        direction = OPERATORS.get(leaf.op)
        (key,) = self.nodes.table.schema.primary_key
        if direction is None or leaf.path != key:
            return leaf
        self.count += 1
        if self.count > MAX_WALKS:
            message = f"A filter takes at most {MAX_WALKS} conditions on descendants and ancestors."
            raise errors.Invalid({leaf.param: [message]})
        hop = Below(self.nodes, direction)
        # In a circle a record would be below itself.
        return And((Related(hop, Compare(key, "eq", leaf.value)), Compare(key, "ne", leaf.value)))


@dataclass(frozen=True, slots=True)
class Below:
    """From a record to those that it is below, or above: a hop of a `Related` node."""

    nodes: Reach
    direction: Include

    @property
    def names(self) -> Collection[str]:
        return self.nodes.table.schema.primary_key

    def column(self, path: str) -> Column | None:
        return self.nodes.table.under(_START).columns.get(path)

    def exists(self, item: BoundTree) -> Sequence[str | BoundTree]:
        """The condition on a row `t` that some record, which fulfils the item, is above it, or below."""
        edges = self.nodes.table.edges
        assert edges is not None
        key, (near, far) = self._key, ends(self.direction)
        step = f"SELECT e.{far} FROM {edges.rows} AS e"
        ahead = [*self._visible(f"e.{far}"), f" AND {self._types()}"]
        return [
            f't.{key} IN (WITH RECURSIVE "#w"(k) AS ({step} JOIN ',
            *self._rows(),
            f" ON e.{near} = {_START}.{key} WHERE ",
            item,
            *ahead,
            f' UNION {step} JOIN "#w" AS w ON e.{near} = w.k WHERE TRUE',
            *ahead,
            ') SELECT k FROM "#w")',
        ]

    def _rows(self) -> list[str | BoundTree]:
        table = self.nodes.table
        if not self._hides:
            return [f"{table.rows} AS {_START}"]
        return [
            f"(SELECT t.* FROM {table.rows} AS t WHERE ",
            self.nodes.rows,
            f"{self._deleted}) AS {_START}",
        ]

    def _visible(self, key: str) -> list[str | BoundTree]:
        table = self.nodes.table
        if not self._hides:
            return []
        exists = f" AND EXISTS (SELECT FROM {table.rows} AS t WHERE t.{self._key} = {key} AND "
        return [exists, self.nodes.rows, f"{self._deleted})"]

    @property
    def _key(self) -> str:
        return sql.identifier(self.nodes.table.schema.primary_key[0])

    @property
    def _hides(self) -> bool:
        return self.nodes.table.schema.soft_deletes or self.nodes.rows != EVERYTHING

    @property
    def _deleted(self) -> str:
        return ' AND t."is_deleted" IS NOT TRUE' if self.nodes.table.schema.soft_deletes else ""

    def _types(self) -> str:
        graph = self.nodes.table.schema.graph
        assert graph is not None
        names = ", ".join(sql.literal(name) for name in graph.by_name)
        return f"e.type IN ({names})" if names else "TRUE"
