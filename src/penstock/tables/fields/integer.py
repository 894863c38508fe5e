"""Whole numbers of 64 bits."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import BOUNDS, EVERYWHERE, FieldType
from penstock.tables.models import Field

LEAST, MOST = -(2**63), 2**63 - 1
Int64 = Annotated[int, msgspec.Meta(ge=LEAST, le=MOST)]


class IntegerType(FieldType):
    name = "integer"
    constraints = EVERYWHERE | BOUNDS | {"unique", "enum"}
    value_type = ValueType.INTEGER

    def column(self, field: Field) -> str:
        return "bigint"

    def annotation(self, field: Field) -> Any:
        return Int64

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "integer", "format": "int64", "minimum": LEAST, "maximum": MOST}
