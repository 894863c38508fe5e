"""Days, years 1 to 9999 (ISO 8601)."""

from __future__ import annotations

import datetime
from typing import Any

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import BOUNDS, EVERYWHERE, FieldType
from penstock.tables.models import Field


class DateType(FieldType):
    name = "date"
    constraints = EVERYWHERE | BOUNDS | {"unique", "enum"}
    value_type = ValueType.DATE

    def column(self, field: Field) -> str:
        return "date"

    def annotation(self, field: Field) -> Any:
        return datetime.date

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "date"}
