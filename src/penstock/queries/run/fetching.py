"""What PostgreSQL says of the columns of a query, and how each is asked for so that nothing of it is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.kit import sql
from penstock.queries.results.columns import Column, Kind, distinct

_NAME: Final = b"POSTGRESQL:type"
# How it calls a type whose name it does not know.
_UNKNOWN: Final = "unnamed<"
_AS_TEXT: Final = "{0}::text"
_AS_JSON: Final = "pg_catalog.to_json({0})::text"
# Infinity is no moment, and what is beyond is none that Arrow can write.
_FINITE: Final = "CASE WHEN pg_catalog.isfinite({0}) AND {0} < '32000-01-01' THEN {0} END"
# By the name of PostgreSQL's type: what the values are, and how they are asked for. Any other type comes as text.
_KINDS: Final[Mapping[str, tuple[Kind, str]]] = {
    **dict.fromkeys(("int2", "int4", "int8"), (Kind.INTEGER, "{0}")),
    **dict.fromkeys(("float4", "float8"), (Kind.FLOAT, "{0}")),
    "oid": (Kind.INTEGER, "{0}::int8"),
    "numeric": (Kind.DECIMAL, _AS_TEXT),
    "bool": (Kind.BOOLEAN, "{0}"),
    **dict.fromkeys(("text", "varchar"), (Kind.STRING, "{0}")),
    "bytea": (Kind.BYTES, "{0}"),
    "date": (Kind.DATE, _FINITE),
    **dict.fromkeys(("timestamp", "timestamptz"), (Kind.DATETIME, _FINITE)),
    "time": (Kind.TIME, "{0}"),
    **dict.fromkeys(("json", "jsonb"), (Kind.JSON, _AS_TEXT)),
    "record": (Kind.JSON, _AS_JSON),
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A column of the answer, and the expression that fetches it from the query `q`, where it is at `place`."""

    column: Column
    sql: str
    place: str
    # PostgreSQL has it as text, too.
    is_text: bool


def fetched(schema: Any, names: Sequence[str] | None = None) -> list[Fetched]:
    """For each column of the Arrow schema that the driver makes of the query."""
    found: list[Fetched] = []
    for number, (name, field) in enumerate(zip(distinct(names or schema.names), schema, strict=True)):
        place = f"q.{_alias(number)}"
        kind, expression = _of(field, place)
        found.append(Fetched(Column(name, kind), expression, place, _named(field) in ("text", "varchar")))
    return found


def has_unknown(schema: Any) -> bool:
    """Whether a type is none that the driver has heard of."""
    return any(_named(field).startswith(_UNKNOWN) for field in schema)


def statement(
    query: str, columns: Sequence[Fetched], wanted: Sequence[Fetched] | None = None, where: str = ""
) -> str:
    """The query with its columns as they are fetched, all or the wanted ones; its order stays.

    `where` is a condition of ours on their places.
    """
    aliases = ", ".join(_alias(number) for number in range(len(columns)))
    asked = columns if wanted is None else wanted
    shown = ", ".join(f"{one.sql} AS {_alias(number)}" for number, one in enumerate(asked))
    text = f"SELECT {shown} FROM (\n{query}\n) AS q ({aliases})"  # noqa: S608  (a statement of ours around one re-emitted)
    return f"{text} WHERE {where}" if where else text


def _alias(number: int) -> str:
    return sql.identifier(f"c{number}")


def _of(field: Any, place: str) -> tuple[Kind, str]:
    name = _named(field)
    # The names of arrays begin with an underscore.
    kind, expression = _KINDS.get(name, (Kind.JSON, _AS_JSON) if name[:1] == "_" else (Kind.STRING, _AS_TEXT))
    return kind, expression.format(place)


def _named(field: Any) -> str:
    """The name of PostgreSQL's type."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return metadata.get(_NAME, b"").decode("utf-8", "replace")
