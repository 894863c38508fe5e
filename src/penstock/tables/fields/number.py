"""Decimal numbers that keep every digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import BOUNDS, EVERYWHERE, Check, FieldType
from penstock.tables.models import Field

# PostgreSQL's numeric goes further, but one number of 100 kB would be an odd thing to serve.
MAX_DIGITS = 1000


def finite(value: Decimal) -> str | None:
    if not value.is_finite():
        return f"{value} is not a number that JSON can carry."
    text = str(value)
    if len(text) <= MAX_DIGITS and "E" not in text:
        return None  # as nearly all are, found out in half the time
    exponent = value.as_tuple().exponent
    if value.adjusted() >= MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_DIGITS):
        return f"The number has more than {MAX_DIGITS} digits."
    return None


class NumberType(FieldType):
    name = "number"
    constraints = EVERYWHERE | BOUNDS | {"unique", "enum"}
    value_type = ValueType.NUMBER

    def column(self, field: Field) -> str:
        return "numeric"

    def annotation(self, field: Field) -> Any:
        return Decimal

    def intrinsic(self, field: Field) -> Check | None:
        return finite

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "number"}
