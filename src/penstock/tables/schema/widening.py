"""Giving a column of a large table a type that is stored otherwise, while others read and write.

A column of the new type is added beside it, a trigger fills it in whatever is written from then on, batches fill it in
the rows that are there, and at last it takes the place of the old one, which needs a lock for a moment only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.kit import sql
from penstock.tables.schema.ddl import Later, Place

TRIGGER = "#widen"
# Begins the names of columns, constraints and indexes that stand in for others; no field has such a name.
MARK = "#"


@dataclass(frozen=True, slots=True)
class Widening:
    """A column, which before the change is called `column`, on its way to another type."""

    column: str
    after: str
    type: str
    # SQL over `NEW.<column>`.
    value: str
    required: bool
    # The name of the constraint that keeps it unique; None when nothing does.
    unique: str | None

    @property
    def shadow(self) -> str:
        return sql.derived_name(MARK, "new", self.after)

    @property
    def filled(self) -> str:
        """The constraint that shows that no row lacks a value."""
        return sql.derived_name(MARK, "filled", self.after)


def function_name(place: Place) -> str:
    return sql.derived_name(place.name, "widen")


def begin(place: Place, columns: Sequence[Widening]) -> list[str]:
    """The columns beside the old ones, and the trigger."""
    function = sql.qualified(place.schema, function_name(place))
    lines = " ".join(f"NEW.{sql.identifier(one.shadow)} := {one.value};" for one in columns)
    body = sql.literal(f"BEGIN {lines} RETURN NEW; END")
    actions = [f"ADD COLUMN {sql.identifier(one.shadow)} {one.type}" for one in columns]
    actions += [
        f"ADD CONSTRAINT {sql.identifier(one.filled)} CHECK ({sql.identifier(one.shadow)} IS NOT NULL) NOT VALID"
        for one in columns
        if one.required
    ]
    return [
        f"ALTER TABLE {place.sql} {', '.join(actions)};",
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {body};",
        f"CREATE TRIGGER {sql.identifier(TRIGGER)} BEFORE INSERT OR UPDATE ON {place.sql} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}();",
    ]


def unfilled(columns: Sequence[Widening]) -> str:
    """The condition on a row that the trigger has not seen it."""
    return " OR ".join(
        f"({sql.identifier(one.shadow)} IS NULL AND {sql.identifier(one.column)} IS NOT NULL)"
        for one in columns
    )


def batch(place: Place, columns: Sequence[Widening]) -> str:
    """Fills the rows of the pages from `$1` up to `$2`.

    Rows that somebody is writing are left out, so that nobody waits for this while it waits for them.
    """
    first = sql.identifier(columns[0].shadow)
    rows = (
        f"SELECT ctid FROM {place.sql} WHERE ctid >= $1::text::tid AND ctid < $2::text::tid "
        f"AND ({unfilled(columns)}) FOR NO KEY UPDATE SKIP LOCKED"
    )
    return f"UPDATE {place.sql} SET {first} = {first} WHERE ctid = ANY(ARRAY({rows}));"


def missing(place: Place, columns: Sequence[Widening]) -> str:
    """Whether there is a row still to be filled."""
    return f"SELECT EXISTS (SELECT FROM {place.sql} WHERE {unfilled(columns)});"


def after_batches(place: Place, columns: Sequence[Widening]) -> list[Later]:
    """What can be seen to before the columns change places."""
    found: list[Later] = []
    for one in columns:
        if one.required:
            found.append(Later(f"ALTER TABLE {place.sql} VALIDATE CONSTRAINT {sql.identifier(one.filled)};"))
        if one.unique:
            index = index_name(place, one)
            build = f"CREATE UNIQUE INDEX CONCURRENTLY {sql.identifier(index)} ON {place.sql} "
            found.append(Later(f"{build}({sql.identifier(one.shadow)});", index))
    return found


def index_name(place: Place, one: Widening) -> str:
    return sql.derived_name(f"{MARK}{place.name}", "unique", one.after)


def swap(place: Place, one: Widening, default: str | None) -> str:
    """The new column takes the place of the old one."""
    column, shadow = sql.identifier(one.after), sql.identifier(one.shadow)
    statements = [
        *_no_trigger(place),
        f"ALTER TABLE {place.sql} DROP COLUMN {column};",
        f"ALTER TABLE {place.sql} RENAME COLUMN {shadow} TO {column};",
    ]
    actions: list[str] = []
    if default is not None:
        actions.append(f"ALTER COLUMN {column} SET DEFAULT {default}")
    if one.required:
        actions += [f"ALTER COLUMN {column} SET NOT NULL", f"DROP CONSTRAINT {sql.identifier(one.filled)}"]
    if one.unique:
        index = sql.identifier(index_name(place, one))
        actions.append(f"ADD CONSTRAINT {sql.identifier(one.unique)} UNIQUE USING INDEX {index}")
    if actions:
        statements.append(f"ALTER TABLE {place.sql} {', '.join(actions)};")
    return "\n".join(statements)


def clear(place: Place, shadows: Sequence[str]) -> str:
    """Nothing of it, whatever there was; constraints and indexes go with the columns."""
    statements = _no_trigger(place)
    if shadows:
        drops = ", ".join(f"DROP COLUMN IF EXISTS {sql.identifier(one)}" for one in shadows)
        statements.append(f"ALTER TABLE {place.sql} {drops};")
    return "\n".join(statements)


def _no_trigger(place: Place) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {sql.identifier(TRIGGER)} ON {place.sql};",
        f"DROP FUNCTION IF EXISTS {sql.qualified(place.schema, function_name(place))}();",
    ]


def text(place: Place, columns: Sequence[Widening]) -> str:
    """All that comes before the columns change places, to be read by people."""
    statements = [*begin(place, columns), batch(place, columns)]
    return "\n".join([*statements, *(one.sql for one in after_batches(place, columns))])
