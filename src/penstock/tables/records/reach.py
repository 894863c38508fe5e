"""What of a table a caller may read: its fields, and which of its rows.

Whoever names a table in a statement, the one asked for or a related one, takes its rows and fields from here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.identity import Grant
from penstock.kit import sql
from penstock.kit.filters import EVERYTHING, And, BoundTree, Column, Related

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


@dataclass(frozen=True, slots=True)
class Reach:
    """`fields` in schema order; `rows` is a condition that every row the caller may see fulfils."""

    table: Table
    fields: tuple[str, ...]
    rows: BoundTree


def reach(table: Table, grant: Grant) -> Reach:
    """The whole table, for whoever holds a grant to read it; of edges, those between records within reach."""
    assert grant.action == "record.read"
    rows: BoundTree = EVERYTHING
    if table.edges_of is not None:
        nodes = reach(table.edges_of, grant)
        if nodes.rows != EVERYTHING:
            rows = And(tuple(Related(End(nodes.table, name), nodes.rows) for name in ("from_id", "to_id")))
    return Reach(table, table.schema.names, rows)


@dataclass(frozen=True, slots=True)
class End:
    """From an edge to the record at one end of it: a hop of a `Related` node."""

    nodes: Table
    field: str

    @property
    def names(self) -> Collection[str]:
        return self.nodes.schema.names

    def column(self, path: str) -> Column | None:
        return self.nodes.columns.get(path)

    def exists(self, item: BoundTree) -> Sequence[str | BoundTree]:
        """The condition on an edge `t` that the record fulfils the item."""
        key = sql.identifier(self.nodes.schema.primary_key[0])
        return [f't."{self.field}" IN (SELECT t.{key} FROM {self.nodes.rows} AS t WHERE ', item, ")"]
