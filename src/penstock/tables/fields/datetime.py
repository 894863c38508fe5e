"""Instants; without an offset they are UTC, and they are always answered in UTC with `Z`."""

from __future__ import annotations

import datetime
from typing import Any

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import BOUNDS, EVERYWHERE, Check, FieldType
from penstock.tables.models import Field


def within_calendar(value: datetime.datetime) -> str | None:
    """An offset may carry the first or last day of the calendar out of it."""
    if 1 < value.year < datetime.MAXYEAR or value.tzinfo is None:
        return None
    try:
        value.astimezone(datetime.UTC)
    except OverflowError:
        return "In UTC this instant lies outside the years 1 to 9999."
    return None


class DatetimeType(FieldType):
    name = "datetime"
    constraints = EVERYWHERE | BOUNDS | {"unique", "enum"}
    value_type = ValueType.DATETIME

    def column(self, field: Field) -> str:
        return "timestamptz"

    def annotation(self, field: Field) -> Any:
        return datetime.datetime

    def parse(self, field: Field, raw: Any) -> Any:
        value: datetime.datetime = super().parse(field, raw)
        return value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value

    def intrinsic(self, field: Field) -> Check | None:
        return within_calendar

    def render(self, field: Field, column: str) -> str:
        return f"replace(({column} AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z'"

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}
