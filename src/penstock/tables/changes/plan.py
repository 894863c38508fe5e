"""A `ChangesRequest` meets a table and a grant: which records the reader sees changes of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.filters import BoundTree, Tree, bind, conjunction, paths
from penstock.tables.records.reach import reach

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


@dataclass(frozen=True, slots=True)
class ChangesPlan:
    """`rows` is what a record fulfils as long as the reader sees it.

    With `in_part` there are fields that the reader may not know of, nor that they change.
    """

    table: Table
    fields: tuple[str, ...]
    rows: BoundTree
    hide_deleted: bool
    in_part: bool


def plan_changes(filters: Tree, table: Table, grant: Grant) -> ChangesPlan:
    """Raises `BadRequest` for a table that keeps no changes."""
    require_feed(table)
    readable = reach(table, grant)
    known = readable.table
    return ChangesPlan(
        known,
        readable.fields,
        conjunction([bind(filters, known.columns.get, known.columns), readable.rows]),
        hide_deleted=known.schema.soft_deletes and "is_deleted" not in paths(filters),
        in_part=known.schema.names != known.whole.schema.names,
    )


def require_feed(table: Table) -> None:
    if table.edges_of is not None:
        raise errors.BadRequest("Edges have no change feed of their own.")
    if not table.schema.changes:
        raise errors.BadRequest(
            f"'{table.name}' keeps no changes.",
            hint='Set "changes": true in its json_schema; changes are kept from then on.',
        )
