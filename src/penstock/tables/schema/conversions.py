"""What becomes of stored values when a field changes its type: whether anything can be lost, and the SQL that does it.

A value becomes what the API would show of it, read as the new type reads it.
"""

from __future__ import annotations

from penstock.kit import sql
from penstock.tables.fields import BY_NAME
from penstock.tables.fields.duration import PATTERN as DURATION
from penstock.tables.fields.number import MAX_DIGITS
from penstock.tables.fields.yearmonth import PATTERN as YEARMONTH
from penstock.tables.models import Field

_JSON = ("object", "array", "any", "geopoint", "geojson")
_TEXTS = ("string", "yearmonth", "duration")
# Conversions in which every value has a place; all others may fail or lose something. Whatever there is can
# besides become text or JSON. This is the table of docs/reference/migrations.md.
WIDENINGS = frozenset(
    {
        ("year", "integer"),
        ("year", "number"),
        ("integer", "number"),
        ("date", "datetime"),
        ("geopoint", "array"),
        ("geojson", "object"),
        ("range of integer", "range of number"),
        ("range of date", "range of datetime"),
    }
)
_FROM_NUMBER = {"integer": "trim_scale({c})::text::bigint", "year": "trim_scale({c})::text::smallint"}
# SQL that reads more out of a value than its text says.
_DIRECT = {
    ("year", "integer"): "{c}::bigint",
    ("year", "number"): "{c}::numeric",
    ("integer", "number"): "{c}::numeric",
    ("boolean", "integer"): "{c}::integer::bigint",
    ("boolean", "number"): "{c}::integer::numeric",
    ("date", "datetime"): "({c}::timestamp AT TIME ZONE 'UTC')",
    ("datetime", "date"): "({c} AT TIME ZONE 'UTC')::date",
    ("datetime", "time"): "({c} AT TIME ZONE 'UTC')::time",
    ("datetime", "year"): "extract(year FROM {c} AT TIME ZONE 'UTC')::smallint",
    ("date", "year"): "extract(year FROM {c})::smallint",
    ("date", "yearmonth"): "to_char({c}, 'YYYY-MM')",
    ("range of integer", "range of number"): "numrange(lower({c})::numeric, upper({c})::numeric, '[)')",
}
# What the new type's own rules ask of a converted value, where PostgreSQL's type allows more.
_SOUND = {
    "year": "{c} BETWEEN 1 AND 9999",
    "number": "{c} NOT IN ('NaN', 'Infinity', '-Infinity') AND scale({c}) <= "
    f"{MAX_DIGITS} AND abs({{c}}) < '1e{MAX_DIGITS}'::numeric",
    "date": "{c} BETWEEN '0001-01-01' AND '9999-12-31'",
    "datetime": "{c} >= '0001-01-01 00:00:00+00' AND {c} < '10000-01-01 00:00:00+00'",
    "time": "{c} < '24:00'",
    "yearmonth": "{c} ~ " + sql.literal(YEARMONTH),
    "duration": "{c} ~ " + sql.literal(DURATION),
    "object": "jsonb_typeof({c}) = 'object'",
    "array": "jsonb_typeof({c}) = 'array'",
    "geojson": "jsonb_typeof({c}) = 'object' AND {c}->>'type' IN ('Point', 'MultiPoint', 'LineString', "
    "'MultiLineString', 'Polygon', 'MultiPolygon', 'GeometryCollection', 'Feature', 'FeatureCollection')",
    "geopoint": "CASE WHEN jsonb_typeof({c}) = 'array' AND jsonb_array_length({c}) = 2 "
    "AND jsonb_typeof({c}->0) = 'number' AND jsonb_typeof({c}->1) = 'number' "
    "THEN abs(({c}->>0)::numeric) <= 180 AND abs(({c}->>1)::numeric) <= 90 ELSE false END",
}


def kind(field: Field) -> str:
    """The type as far as conversions tell types apart: `uuid` also for text of that format, `range of integer`."""
    if field.type == "string" and field.format == "uuid":
        return "uuid"
    if field.vector:
        return f"vector of {field.vector.dimensions:,}"
    return f"range of {field.of}" if field.type == "range" else field.type


def widens(before: Field, after: Field) -> bool:
    """True when every value of the old type has a place in the new one."""
    pair = (kind(before), kind(after))
    return pair[0] == pair[1] or pair in WIDENINGS or pair[1] in ("string", "any")


def possible(before: Field, after: Field) -> bool:
    """Ranges are made of ranges only, vectors of none but vectors."""
    if after.vector:
        return before.vector is not None
    return kind(before) == kind(after) or after.type != "range" or widens(before, after)


def column_type(field: Field) -> str:
    return BY_NAME[field.type].column(field)


def rewrites(before: Field, after: Field) -> bool:
    """True when PostgreSQL must write every row anew."""
    return column_type(before) != column_type(after)


def using(before: Field, after: Field, column: str) -> str:  # noqa: PLR0911  (a table, one row a return)
    """The new value as SQL over the old column."""
    pair = (kind(before), kind(after))
    if after.vector:
        # A vector of other dimensions is of another model, and says nothing about this one's.
        return f"NULL::{column_type(after)}"
    if pair in _DIRECT:
        return _DIRECT[pair].format(c=column)
    if pair[0] == "number" and pair[1] in _FROM_NUMBER:
        return _FROM_NUMBER[pair[1]].format(c=column)
    shown = BY_NAME[before.type].render(before, column)
    if after.type in _JSON and before.type not in _TEXTS:
        return column if before.type in _JSON else f"to_jsonb({shown})"
    text = _text(before, column, shown)
    if after.type == "any":
        return f"to_jsonb({text})"
    if after.type in _TEXTS and pair[1] != "uuid":
        return text
    if after.type == "range":
        return BY_NAME["range"].store(after, f"(({text})::jsonb)")
    return f"({text})::{column_type(after)}"


def unsound(before: Field, after: Field, column: str) -> str | None:
    """A condition that converted values of the wrong kind meet; None when there can be none."""
    if widens(before, after):
        return None
    rule = _SOUND.get(kind(after))
    return f"NOT ({rule.replace('{c}', column)})" if rule else None


def _text(field: Field, column: str, shown: str) -> str:
    if field.type in _JSON:
        return f"({column} #>> '{{}}')"
    if field.type == "range":
        return f"({shown})::text"
    is_text = field.type == "datetime" or (field.type in _TEXTS and kind(field) != "uuid")
    return shown if is_text else f"{column}::text"
