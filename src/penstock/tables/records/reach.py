"""What of a table a caller may read: its fields, and which of its rows.

Whoever names a table in a statement, the one asked for or a related one, takes its rows and fields from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.identity import Grant
from penstock.kit.filters import EVERYTHING, BoundTree

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


@dataclass(frozen=True, slots=True)
class Reach:
    """`fields` in schema order; `rows` is a condition that every row the caller may see fulfils."""

    table: Table
    fields: tuple[str, ...]
    rows: BoundTree


def reach(table: Table, grant: Grant) -> Reach:
    """The whole table, for whoever holds a grant to read it."""
    assert grant.action == "record.read"
    return Reach(table, table.schema.names, EVERYTHING)
