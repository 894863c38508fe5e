"""Calendar years, 1 to 9999."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import BOUNDS, EVERYWHERE, FieldType
from penstock.tables.models import Field


class YearType(FieldType):
    name = "year"
    constraints = EVERYWHERE | BOUNDS | {"unique", "enum"}
    value_type = ValueType.YEAR

    def column(self, field: Field) -> str:
        return "smallint"

    def annotation(self, field: Field) -> Any:
        return Annotated[int, msgspec.Meta(ge=1, le=9999)]

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": 9999}
