"""Integer keys that a request brings along, and the sequence that must not give them again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from penstock.tables.models import Field
from penstock.tables.records import change
from penstock.tables.records.change import Keys
from penstock.tables.records.codec import Incoming
from penstock.tables.records.execute import Runner

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# No sequence counts this far. It is not moved beyond, since moving it is never rolled back, not even with the
# request that asked for it, and at its end a table could take no record any more.
_FARTHEST = 2**62


def source_of_keys(table: Table, incoming: Incoming) -> Keys:
    """Whether the rows bring their own integer keys."""
    key = _sequential(table)
    if key is None:
        return Keys.GIVEN
    given = sum(table.codec.value(row, key.name) is not None for row in incoming.rows)
    if given == 0:
        return Keys.GENERATED
    return Keys.GIVEN if given == len(incoming.rows) else Keys.MIXED


async def advance(runner: Runner, table: Table, rows: Iterable[Any]) -> None:
    """Move the sequence past the keys of these rows, which all may carry one.

    Done before the rows go in: the keys that the sequence gives to the others must lie beyond.
    """
    key = _sequential(table)
    if key is None:
        return
    values = (table.codec.value(row, key.name) for row in rows)
    highest = max((value for value in values if isinstance(value, int) and value <= _FARTHEST), default=0)
    if highest > 0:
        statement = change.advance_sequence(table, key, highest)
        await runner.row(statement.sql, statement.values)


def _sequential(table: Table) -> Field | None:
    key = table.schema.generates_key()
    return key if key is not None and key.type == "integer" else None
