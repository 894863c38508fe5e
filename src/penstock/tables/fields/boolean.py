"""True or false."""

from __future__ import annotations

from typing import Any

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import EVERYWHERE, FieldType
from penstock.tables.models import Field


class BooleanType(FieldType):
    name = "boolean"
    constraints = EVERYWHERE | {"enum"}
    value_type = ValueType.BOOLEAN

    def column(self, field: Field) -> str:
        return "boolean"

    def annotation(self, field: Field) -> Any:
        return bool

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "boolean"}
