"""Refuses an aggregate of a large table that would cost too much, before it runs."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from penstock.kit import errors
from penstock.kit.db import Pool
from penstock.tables.records.compile import Statement
from penstock.tables.records.execute import read

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# One pass over a table that is smaller takes no longer than asking the planner and some more.
_LARGE = 32 * 1024 * 1024  # bytes
_FRESH = 60.0  # seconds
_MOST_ENTRIES = 10_000


class Sizes:
    """How large tables are, asked for once a minute."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, bool]] = {}

    async def is_large(self, pool: Pool, table: Table) -> bool:
        known = self._known.get(table.rows)
        if known is not None and known[0] > monotonic():
            return known[1]
        row = await read(pool, Statement("SELECT pg_relation_size($1::text::regclass)", [table.rows]))
        is_large = row is not None and row[0] is not None and row[0] > _LARGE
        if len(self._known) >= _MOST_ENTRIES:
            self._known.clear()
        self._known[table.rows] = (monotonic() + _FRESH, is_large)
        return is_large


async def check_cost(
    pool: Pool, table: Table, statement: Statement, sizes: Sizes, most: int, *, limited: bool = False
) -> None:
    """`most` in the planner's units; 0 is no limit. Raises `errors.Invalid`."""
    if not most or not await sizes.is_large(pool, table):
        return
    row = await read(pool, Statement(f"EXPLAIN (FORMAT JSON) {statement.sql}", statement.values))
    assert row is not None
    cost = msgspec.json.decode(row[0])[0]["Plan"]["Total Cost"]
    if cost > most:
        raise errors.Invalid(
            {
                # The figure would say something of rows that are kept back.
                "_aggregate": [
                    f"It would cost too much; this server runs aggregates of up to {most:,}."
                    if limited
                    else f"It would cost about {cost:,.0f}; this server runs aggregates of up to {most:,}."
                ]
            },
            hint="Narrow it by filters on fields that have an index.",
        )
