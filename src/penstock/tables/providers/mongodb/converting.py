"""Stored values as values of another type. PostgreSQL converts them, as it does those of ordinary tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from penstock.kit.db import Connection
from penstock.tables.fields import BY_NAME
from penstock.tables.models import Field
from penstock.tables.providers.mongodb.shape import rendering, stored_value
from penstock.tables.providers.mongodb.values import Unstorable
from penstock.tables.schema import checks, conversions

_NOTHING = object()


@dataclass(frozen=True)
class Converter:
    """From one type of a field to another."""

    before: Field
    after: Field

    @cached_property
    def _statement(self) -> str:
        before, after = BY_NAME[self.before.type], BY_NAME[self.after.type]
        given = before.store(self.before, "x.c")
        unsound = conversions.unsound(self.before, self.after, "v.c") or "FALSE"
        return (
            f"SELECT to_json({after.render(self.after, 'v.c')})::text AS value, {unsound} AS unsound "  # noqa: S608  (of our own)
            f"FROM (SELECT {conversions.using(self.before, self.after, 's.c')} AS c, s.n FROM (SELECT {given} AS c, "
            f"x.n FROM ROWS FROM (json_to_recordset($1::text::json) AS (c {before.incoming(self.before)})) "
            "WITH ORDINALITY AS x(c, n)) AS s) AS v ORDER BY v.n"
        )

    async def convert(self, conn: Connection, values: Sequence[Any]) -> list[Any]:
        """The stored values of the new type, `UNFIT` where there is none. Raises the error of PostgreSQL."""
        show = rendering(self.before)
        given = ",".join(f'{{"c":{show(value)}}}' for value in values)
        async with conn.savepoint():
            rows = await conn.rows(self._statement, f"[{given}]")
        read = reader(self.after)
        return [_NOTHING if row["unsound"] else _stored(read, row["value"]) for row in rows]


UNFIT = _NOTHING


def _stored(read: Callable[[str], Any], text: str | None) -> Any:
    if text is None:
        return None
    try:
        return stored_value(read(text))
    except (Unstorable, msgspec.ValidationError):
        return _NOTHING


def reader(field: Field) -> Callable[[str], Any]:
    """JSON to what requests are read into."""
    decoder: Any = msgspec.json.Decoder(BY_NAME[field.type].annotation(field))
    return decoder.decode


def breaks(field: Field) -> Callable[[Any], bool]:
    """Whether a stored value breaks the rules of its field."""
    show, read, check = rendering(field), reader(field), checks.for_field(field)
    if check is None:
        return lambda _: False
    return lambda value: check(read(show(value))) is not None
