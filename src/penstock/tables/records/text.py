"""Records as JSON text that is put together piece by piece.

`row_to_json` looks the type of every column up again for each row, which costs more than the text itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from penstock.kit import sql
from penstock.tables.records.compile import ROW

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# PostgreSQL's functions take a hundred arguments, and a member is two.
_MOST = 45
# A member of an object: its name, and SQL whose text is its JSON, or the JSON itself.
Member = tuple[str, str | msgspec.Raw]


def object_text(table: Table, fields: tuple[str, ...], more: Sequence[Member] = ()) -> str:
    """SQL for a row `t` as the text of a JSON object, the same that `row_to_json` gives, and `more` members."""
    if len(fields) + len(more) > _MOST:
        return _from_row(table, fields, more)
    pieces: list[str] = []
    text = "{"
    for name, value in [*((name, _value(table, name)) for name in fields), *more]:
        text += f"{msgspec.json.encode(name).decode()}:"
        if isinstance(value, str):
            pieces += [sql.literal(text), value]
            text = ","
        else:
            text += f"{bytes(value).decode()},"
    pieces.append(sql.literal(f"{text.removesuffix(',')}}}"))
    return f"concat({', '.join(pieces)})"


def _value(table: Table, name: str) -> str:
    field, value = table.schema.by_name[name], table.rendered[name]
    text = value if field.type in ("integer", "year") else f"to_json({value})"
    # What is NULL, `concat` leaves out.
    return text if name in table.schema.primary_key else f"coalesce({text}::text, 'null')"


def _from_row(table: Table, fields: tuple[str, ...], more: Sequence[Member]) -> str:
    said = [
        f"({value if isinstance(value, str) else sql.literal(bytes(value).decode())})::text::json "
        f"AS {sql.identifier(name)}"
        for name, value in more
    ]
    return (
        f"(SELECT row_to_json({ROW})::text FROM (SELECT {', '.join([table.select(fields), *said])}) AS {ROW})"
    )
