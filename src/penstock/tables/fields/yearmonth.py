"""A month of a year, `2025-03`; as text it sorts by time."""

from __future__ import annotations

import re
from typing import Any

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import EVERYWHERE, Check, FieldType
from penstock.tables.models import Field

PATTERN = r"^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])$"


def year_and_month(value: str) -> str | None:
    return None if re.fullmatch(PATTERN, value) else f"'{value[:40]}' is not a month such as 2025-03."


class YearmonthType(FieldType):
    name = "yearmonth"
    constraints = EVERYWHERE | {"unique", "enum"}
    value_type = ValueType.TEXT

    def column(self, field: Field) -> str:
        return 'text COLLATE "C"'

    def annotation(self, field: Field) -> Any:
        return str

    def intrinsic(self, field: Field) -> Check | None:
        return year_and_month

    def incoming(self, field: Field) -> str:
        return "text"

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "pattern": PATTERN, "examples": ["2025-03"]}
