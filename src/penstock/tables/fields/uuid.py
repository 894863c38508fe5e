"""UUIDs as a type of their own; the same as a string with format `uuid`."""

from __future__ import annotations

import uuid
from typing import Any

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import EVERYWHERE, FieldType
from penstock.tables.models import Field


class UuidType(FieldType):
    name = "uuid"
    formats = frozenset({"default", "uuid"})
    constraints = EVERYWHERE | {"unique", "enum"}
    value_type = ValueType.UUID

    def column(self, field: Field) -> str:
        return "uuid"

    def annotation(self, field: Field) -> Any:
        return uuid.UUID

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}
