"""What the rows of one request have in common, and what they must not: groups, repetitions, missing fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.kit import errors
from penstock.tables.models import Field
from penstock.tables.records.codec import MAX_REPORTED, Incoming
from penstock.tables.records.compile import Statement
from penstock.tables.schema.checks import comparable

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that carry the same fields, and so are one statement; `positions` are their places in the request.

    `match` names the fields by which a row finds the record it changes, if it may change one.
    """

    present: tuple[int, ...]
    positions: Sequence[int]
    fields: Sequence[Field]
    payload: str
    match: tuple[str, ...]

    def statement(self, sql: str) -> Statement:
        """`sql` over these rows."""
        return Statement(sql, [self.payload])


def groups(table: Table, incoming: Incoming, match: tuple[str, ...]) -> list[Group]:
    """The rows by the fields they carry, in the order in which these first occur.

    Inside a group they are in the order of `match`, so that two requests that change the same records lock them
    in the same order, whatever the order of their rows.
    """
    found: dict[tuple[int, ...], list[int]] = {}
    for position, present in enumerate(incoming.present):
        found.setdefault(present, []).append(position)
    for positions in found.values():
        positions.sort(key=lambda position: _place(table, incoming.rows[position], match))
    return [group(table, incoming, present, positions, match) for present, positions in found.items()]


def _place(table: Table, row: Any, match: tuple[str, ...]) -> tuple[tuple[bool, Any], ...]:
    """Where a row comes in the order of these fields, null last."""
    values = [comparable(table.codec.value(row, name)) for name in match]
    return tuple((value is None, 0 if value is None else value) for value in values)


def group(
    table: Table,
    incoming: Incoming,
    present: tuple[int, ...],
    positions: Sequence[int],
    match: tuple[str, ...] = (),
) -> Group:
    """These rows of the request."""
    payload = incoming.encode([incoming.rows[position] for position in positions])
    return Group(present, positions, [table.schema.fields[one] for one in present], payload, match)


def alone(table: Table, incoming: Incoming) -> Group:
    """The one row of a request that is written without a payload."""
    return Group(incoming.present[0], (0,), table.schema.fields, "", ())


def require(table: Table, incoming: Incoming, names: tuple[str, ...], message: str) -> None:
    """Every row carries these fields. Raises `Invalid` with `message` for each that one lacks."""
    places = {name: table.schema.names.index(name) for name in names}
    rows: list[errors.RowError] = []
    for position, present in enumerate(incoming.present):
        if absent := [name for name, place in places.items() if place not in present]:
            rows.append(errors.RowError(position, {name: [message] for name in absent}))
    if not rows:
        return
    if not incoming.is_list:
        raise errors.Invalid(rows[0].errors)
    lack = "1 row lacks" if len(rows) == 1 else f"{len(rows):,} rows lack"
    sentence = f"{lack} {', '.join(names)}; nothing was written."
    raise errors.Invalid({}, message=sentence, rows=rows[:MAX_REPORTED])


def refuse_repeated(table: Table, incoming: Incoming, names: tuple[str, ...]) -> None:
    """No two rows have the same values in these fields. Raises `Invalid`; null is the same as nothing."""
    seen: dict[Any, int] = {}
    rows: list[errors.RowError] = []
    for position, row in enumerate(incoming.rows):
        value = tuple(comparable(table.codec.value(row, name)) for name in names)
        if None in value:
            continue
        first = seen.setdefault(value, position)
        if first != position:
            rows.append(errors.RowError(position, {names[0]: [f"The same as in row {first}."]}))
    if rows:
        message = f"{len(rows):,} rows repeat {', '.join(names)} of an earlier row; nothing was written."
        raise errors.Invalid({}, message=message, rows=rows[:MAX_REPORTED])
