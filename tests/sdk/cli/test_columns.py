from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from penstock_sdk.cli._columns import Columns, as_text


def columns(kind: str) -> Columns:
    return Columns({"fields": [{"name": "x", "type": kind}]})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "42", 42),
        ("integer", "-9223372036854775808", -(2**63)),
        ("integer", "+7", 7),
        ("number", "10.357019999999999", Decimal("10.357019999999999")),
        ("number", "1e3", Decimal("1e3")),
        ("boolean", "TRUE", True),
        ("boolean", "0", False),
        ("year", "2013", 2013),
        ("string", " kept ", " kept "),
        ("datetime", "2013-01-01T10:00:00Z", "2013-01-01T10:00:00Z"),
        ("object", '{"a":1.10}', {"a": Decimal("1.10")}),
        ("array", "[1,2]", [1, 2]),
        ("any", "plain", "plain"),
        ("any", "[1]", [1]),
        ("string", "", None),
        ("integer", "NA", None),
    ],
)
def test_text_becomes_a_value(kind: str, text: str, value: Any) -> None:
    assert columns(kind).reader(["x"], frozenset({"NA"}))([text]) == ({"x": value}, {})


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("integer", "1.0", "not a whole number"),
        ("integer", "١", "not a whole number"),
        ("integer", "1_000", "not a whole number"),
        ("number", "NaN", "not a finite number"),
        ("number", "ten", "not a number"),
        ("boolean", "maybe", "neither true nor false"),
        ("object", "{", "not JSON"),
    ],
)
def test_text_that_cannot_be_read_gives_a_reason(kind: str, text: str, reason: str) -> None:
    values, reasons = columns(kind).reader(["x"], frozenset())([text])
    assert values == {}
    assert reason in reasons["x"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (Decimal("1E+2"), "100"),
        (Decimal("0.10"), "0.10"),
        ({"a": 1}, '{"a":1}'),
        (2**70, str(2**70)),
        ("ü", "ü"),
    ],
)
def test_values_become_text(value: Any, text: str) -> None:
    assert as_text(value) == text
