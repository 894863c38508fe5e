"""What of a table a caller may read: its fields, and which of its rows.

Whoever names a table in a statement, the one asked for or a related one, takes its rows and fields from here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from penstock.identity import Grant, Principal
from penstock.kit import errors, sql
from penstock.kit.filters import EVERYTHING, And, BoundTree, Column, Related
from penstock.tables.rules.language import NOTHING
from penstock.tables.rules.limits import limits_of
from penstock.tables.rules.models import Limits

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


@dataclass(frozen=True, slots=True)
class Reach:
    """`fields` in schema order; `rows` is a condition that every row the caller may see fulfils.

    `table` has no field that the caller may not know of.
    """

    table: Table
    fields: tuple[str, ...]
    rows: BoundTree


def reach(table: Table, grant: Grant) -> Reach:
    """What the rules of the table let the holder of a grant read; of edges, those between records within reach."""
    assert grant.action == "record.read"
    limits = limits_in(table, grant.principal)
    return Reach(limits.table, limits.table.schema.names, limits.rows)


def limits_in(table: Table, principal: Principal) -> Limits:
    """What a caller has to do with a table, be it one of edges: these they see between records within reach.

    An edge is written by who may write the record that it leads from. Raises `NotFound` for edges that are said by a
    field of which the caller may not know.
    """
    limits = limits_of(table, principal)
    if table.edges_of is None:
        return limits
    nodes, edges = limits.table, limits.table.edges
    if edges is None:
        raise errors.NotFound
    if not limits.is_limited:
        return replace(limits, table=edges)
    rows: BoundTree = EVERYTHING
    if limits.rows != EVERYTHING:
        rows = And(tuple(Related(End(nodes, name), limits.rows) for name in ("from_id", "to_id")))
    writable = limits.writable
    if writable != NOTHING:
        writable = Related(End(nodes, "from_id"), writable)
    return replace(limits, table=edges, rows=rows, writable=writable)


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
