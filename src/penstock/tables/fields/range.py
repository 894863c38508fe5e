"""Ranges of integers, numbers, dates or datetimes: `{"type": "range", "of": "integer"}`."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

import msgspec

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import EVERYWHERE, Check, FieldType
from penstock.tables.fields.datetime import DatetimeType, within_calendar
from penstock.tables.fields.integer import Int64
from penstock.tables.fields.number import finite
from penstock.tables.models import Field

Bound = TypeVar("Bound")
# Bound type -> (range type, type of a bound, Python type of a bound).
OF: dict[str, tuple[str, str, Any]] = {
    "integer": ("int8range", "bigint", Int64),
    "number": ("numrange", "numeric", Decimal),
    "date": ("daterange", "date", datetime.date),
    "datetime": ("tstzrange", "timestamptz", datetime.datetime),
}


class Range(msgspec.Struct, Generic[Bound], forbid_unknown_fields=True):
    """A range as the API carries it; a bound that is null is open."""

    lower: Bound | None = None
    upper: Bound | None = None
    bounds: Literal["[)", "[]", "(]", "()"] = "[)"
    empty: bool = False


def _instant(bound: Any) -> Any:
    return (
        bound.replace(tzinfo=datetime.UTC)
        if isinstance(bound, datetime.datetime) and not bound.tzinfo
        else bound
    )


def sound(value: Range[Any]) -> str | None:
    for bound in (value.lower, value.upper):
        reason = None
        if isinstance(bound, Decimal):
            reason = finite(bound)
        elif isinstance(bound, datetime.datetime):
            reason = within_calendar(bound)
        if reason:
            return reason
    if value.lower is not None and value.upper is not None and _instant(value.lower) > _instant(value.upper):
        return "The lower bound of a range must not be above its upper bound."
    return None


class RangeType(FieldType):
    name = "range"
    constraints = EVERYWHERE
    value_type = ValueType.RANGE
    orderable = False

    def column(self, field: Field) -> str:
        return OF[field.of or "integer"][0]

    def annotation(self, field: Field) -> Any:
        return Range[OF[field.of or "integer"][2]]

    def intrinsic(self, field: Field) -> Check | None:
        return sound

    def incoming(self, field: Field) -> str:
        return "jsonb"

    def store(self, field: Field, expression: str) -> str:
        kind, bound, _ = OF[field.of or "integer"]
        return (
            f"CASE WHEN {expression} IS NULL THEN NULL WHEN ({expression}->>'empty')::boolean THEN 'empty'::{kind} "
            f"ELSE {kind}(({expression}->>'lower')::{bound}, ({expression}->>'upper')::{bound}, "
            f"{expression}->>'bounds') END"
        )

    def render(self, field: Field, column: str) -> str:
        lower, upper = f"lower({column})", f"upper({column})"
        if field.of == "datetime":
            instants = DatetimeType()
            lower, upper = instants.render(field, lower), instants.render(field, upper)
        return (
            f"CASE WHEN {column} IS NOT NULL THEN json_build_object('lower', {lower}, 'upper', {upper}, 'bounds', "
            f"(CASE WHEN lower_inc({column}) THEN '[' ELSE '(' END) || "
            f"(CASE WHEN upper_inc({column}) THEN ']' ELSE ')' END), "
            f"'empty', isempty({column})) END"
        )

    def describe(self, field: Field) -> dict[str, Any]:
        bounds: dict[str, dict[str, Any]] = {
            "integer": {"type": ["integer", "null"]},
            "number": {"type": ["number", "null"]},
            "date": {"type": ["string", "null"], "format": "date"},
            "datetime": {"type": ["string", "null"], "format": "date-time"},
        }
        bound = bounds[field.of or "integer"]
        return {
            "type": "object",
            "properties": {
                "lower": bound,
                "upper": bound,
                "bounds": {"enum": ["[)", "[]", "(]", "()"]},
                "empty": {"type": "boolean"},
            },
            "additionalProperties": False,
        }
