"""Times of day without a zone."""

from __future__ import annotations

import datetime
from typing import Any

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import BOUNDS, EVERYWHERE, Check, FieldType
from penstock.tables.models import Field


def without_zone(value: datetime.time) -> str | None:
    return None if value.tzinfo is None else "A time of day has no time zone; write it like 09:30:00."


class TimeType(FieldType):
    name = "time"
    constraints = EVERYWHERE | BOUNDS | {"unique", "enum"}
    value_type = ValueType.TIME

    def column(self, field: Field) -> str:
        return "time"

    def annotation(self, field: Field) -> Any:
        return datetime.time

    def intrinsic(self, field: Field) -> Check | None:
        return without_zone

    def describe(self, field: Field) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$",
            "examples": ["09:30:00"],
        }
