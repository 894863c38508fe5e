"""ISO 8601 durations, kept as written: `P1M` and `P30D` are different things, so they have no order."""

from __future__ import annotations

import re
from typing import Any

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import EVERYWHERE, Check, FieldType
from penstock.tables.models import Field

PATTERN = (
    r"^[-+]?P(?!$)(\d{1,9}Y)?(\d{1,9}M)?(\d{1,9}W)?(\d{1,9}D)?"
    r"(T(?=\d)(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}(\.\d{1,9})?S)?)?$"
)


def iso_duration(value: str) -> str | None:
    return (
        None
        if re.fullmatch(PATTERN, value, re.ASCII)
        else f"'{value[:40]}' is not an ISO 8601 duration such as PT15M."
    )


class DurationType(FieldType):
    name = "duration"
    constraints = EVERYWHERE | {"unique", "enum"}
    value_type = ValueType.TEXT
    orderable = False

    def column(self, field: Field) -> str:
        return 'text COLLATE "C"'

    def annotation(self, field: Field) -> Any:
        return str

    def intrinsic(self, field: Field) -> Check | None:
        return iso_duration

    def incoming(self, field: Field) -> str:
        return "text"

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "duration", "examples": ["PT15M"]}
