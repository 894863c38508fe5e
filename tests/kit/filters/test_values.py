"""Casting: what each type takes, in text and in JSON, and what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from penstock.kit.filters.values import (
    CASTS,
    EXPECTED,
    RangeValue,
    Uncastable,
    cast_item,
    cast_range,
    decode_json,
    freeze,
    show,
    split_list,
)
from penstock.kit.operators import ValueType

D = Decimal
TAKEN: list[tuple[ValueType, Any, Any]] = [
    (ValueType.TEXT, "", ""),
    (ValueType.TEXT, " 5 ", " 5 "),
    (ValueType.UUID, "123E4567-e89b-12d3-a456-426614174000", UUID(int=0x123E4567E89B12D3A456426614174000)),
    (ValueType.UUID, "123e4567e89b12d3a456426614174000", UUID(int=0x123E4567E89B12D3A456426614174000)),
    (ValueType.INTEGER, "5", 5),
    (ValueType.INTEGER, " -5 ", -5),
    (ValueType.INTEGER, 5, 5),
    (ValueType.INTEGER, D("5.0"), 5),
    (ValueType.INTEGER, str(2**63 - 1), 2**63 - 1),
    (ValueType.NUMBER, "1.50", D("1.50")),
    (ValueType.NUMBER, "-1E5", D("-1E5")),
    (ValueType.NUMBER, ".5", D("0.5")),
    (ValueType.NUMBER, 10**30, D(10**30)),
    (ValueType.NUMBER, "9" * 1000, D("9" * 1000)),
    (ValueType.NUMBER, D("0.1"), D("0.1")),
    (ValueType.BOOLEAN, "True", True),
    (ValueType.BOOLEAN, "FALSE", False),
    (ValueType.BOOLEAN, "1", True),
    (ValueType.BOOLEAN, 0, False),
    (ValueType.BOOLEAN, True, True),
    (ValueType.DATE, "2024-02-29", date(2024, 2, 29)),
    (ValueType.TIME, "09:30", time(9, 30)),
    (ValueType.TIME, "09:30:00.5", time(9, 30, 0, 500000)),
    (ValueType.DATETIME, "2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
    (ValueType.DATETIME, "2024-02-29T09:30", datetime(2024, 2, 29, 9, 30, tzinfo=UTC)),
    (ValueType.DATETIME, "2024-02-29 09:30:00.123z", datetime(2024, 2, 29, 9, 30, 0, 123000, tzinfo=UTC)),
    (ValueType.DATETIME, "2024-02-29T09:30:00+05:30", datetime(2024, 2, 29, 4, tzinfo=UTC)),
    (ValueType.DATETIME, "2024-02-29T09:30:00+00", datetime(2024, 2, 29, 9, 30, tzinfo=UTC)),
    (ValueType.YEAR, "1", 1),
    (ValueType.YEAR, 9999, 9999),
    (ValueType.DURATION, "P1Y2M3W4DT5H6M7.5S", "P1Y2M3W4DT5H6M7.5S"),
    (ValueType.JSON_OBJECT, '{"k": [1.50]}', {"k": (D("1.50"),)}),
    (ValueType.JSON_OBJECT, {"k": 1}, {"k": 1}),
    (ValueType.JSON_ARRAY, "[1, null]", (1, None)),
    (ValueType.JSON, "5", 5),
    (ValueType.JSON, "five", "five"),
    (ValueType.JSON, '"5"', "5"),
]
REFUSED: list[tuple[ValueType, Any]] = [
    *[(ValueType.TEXT, value) for value in (5, True, (), {}, "a\0", "\ud800", D(1))],
    *[
        (ValueType.UUID, value)
        for value in (
            "",
            "1",
            5,
            "{123e4567-e89b-12d3-a456-426614174000}",
            "123e4567-e89b12d3a456426614174000",
        )
    ],
    *[
        (ValueType.INTEGER, value)
        for value in (
            "",
            "abc",
            "1.5",
            "1e3",
            "1_0",
            "٣",
            True,
            D("1.5"),
            D("1e999999"),
            2**63,
            "9" * 100,
            (),
            None,
        )
    ],
    *[
        (ValueType.NUMBER, value)
        for value in (
            "",
            "NaN",
            "Infinity",
            "1e1000",
            "1e-1001",
            "1e999999999",
            "9" * 1001,
            "1_0",
            True,
            D("1e5000"),
            (),
        )
    ],
    *[(ValueType.BOOLEAN, value) for value in ("", "yes", "2", 2, D(1), None)],
    *[
        (ValueType.DATE, value)
        for value in (
            "",
            "2023-02-29",
            "20240101",
            "2024-W01-1",
            "0000-01-01",
            "10000-01-01",
            "2024-01-01T00:00:00Z",
            5,
        )
    ],
    *[(ValueType.TIME, value) for value in ("", "9:30", "24:00", "09:30Z", "09:30:00.1234567", 5)],
    *[
        (ValueType.DATETIME, value)
        for value in (
            "",
            "today",
            "0001-01-01T00:00:00+01:00",
            "2024-01-01T23:59:60Z",
            "2024-01-01T00:00 00:00",
            5,
        )
    ],
    *[(ValueType.YEAR, value) for value in ("0", "10000", "-1", "x", True)],
    *[
        (ValueType.DURATION, value)
        for value in ("", "P", "PT", "P1", "1 day", "-P1D", "P1DT", "P1.5D", "P9999999D", 5)
    ],
    *[(ValueType.JSON_OBJECT, value) for value in ("", "x", "[]", "5", (), 5)],
    *[(ValueType.JSON_ARRAY, value) for value in ("", "x", "{}", {}, 5, '["\\u0000"]', "[1e5000]")],
    (ValueType.JSON, '{"\\u0000": 1}'),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), TAKEN)
def test_taken(kind: ValueType, value: Any, wanted: Any) -> None:
    found = CASTS[kind](value)
    assert found == wanted
    assert type(found) is type(wanted)
    assert getattr(found, "tzinfo", None) is getattr(wanted, "tzinfo", None)


@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_refused(kind: ValueType, value: Any) -> None:
    with pytest.raises(Uncastable):
        CASTS[kind](value)


def test_every_type_says_what_it_expects() -> None:
    assert set(EXPECTED) == set(ValueType)
    assert set(CASTS) == set(ValueType) - {ValueType.RANGE, ValueType.TSVECTOR, ValueType.VECTOR}


def test_lists() -> None:
    assert split_list("a, b,") == (("a", " b", ""), False)
    assert split_list("") == ((), False)
    assert split_list('["a,b", 1]') == (("a,b", 1), True)
    assert split_list(("a", 1)) == (("a", 1), True)
    for wrong in ("[1", 5, {}, "[" * 5000):
        with pytest.raises(Uncastable):
            split_list(wrong)


def test_items() -> None:
    assert cast_item(None, "5", exact=False) == (5, "5")
    assert cast_item(None, "true", exact=False) == (True, "true")
    assert cast_item(None, "1.50", exact=False) == (D("1.50"), "1.50")
    assert cast_item(None, "5", exact=True) == ("5",)
    assert cast_item(None, 5, exact=True) == (5,)
    assert cast_item(None, "a", exact=False) == ("a",)
    assert cast_item(None, "1e99999", exact=False) == ("1e99999",)
    assert cast_item(None, "9" * 5000, exact=False) == ("9" * 5000,)
    assert cast_item(ValueType.INTEGER, "5", exact=False) == (5,)
    assert cast_item(ValueType.TEXT, "5", exact=False) == ("5",)
    assert cast_item(ValueType.DATE, "2024-01-01", exact=True) == ("2024-01-01",)
    assert cast_item(ValueType.DATETIME, "2024-01-01T01:00:00+01:00", exact=True) == ("2024-01-01T00:00:00Z",)
    assert cast_item(ValueType.UUID, "0" * 32, exact=True) == ("00000000-0000-0000-0000-000000000000",)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("5", RangeValue(5, 6, "[)")),
        (5, RangeValue(5, 6, "[)")),
        ("1,5", RangeValue(1, 5, "[)")),
        ("1,", RangeValue(1, None, "[)")),
        (",5", RangeValue(None, 5, "[)")),
        ("[1,5]", RangeValue(1, 6, "[)")),
        ("(1, 5)", RangeValue(2, 5, "[)")),
        ("(1,2)", RangeValue(None, None, "()", True)),
        ("1,1", RangeValue(None, None, "()", True)),
        ("empty", RangeValue(None, None, "()", True)),
        ((1, 5), RangeValue(1, 5, "[)")),
        ((None, 5), RangeValue(None, 5, "[)")),
        ({"lower": 1, "upper": "5", "bounds": "[]", "empty": False}, RangeValue(1, 6, "[)")),
        ({"upper": 5}, RangeValue(None, 5, "[)")),
        ({"empty": True}, RangeValue(None, None, "()", True)),
        (f"[1,{2**63 - 1}]", RangeValue(1, None, "[)")),
        (f"({2**63 - 1},)", RangeValue(None, None, "()", True)),
    ],
)
def test_ranges(value: Any, wanted: RangeValue) -> None:
    assert cast_range(ValueType.INTEGER, value) == wanted


def test_ranges_of_other_types() -> None:
    assert cast_range(ValueType.NUMBER, "[1.5,2]") == RangeValue(D("1.5"), D(2), "[]")
    days = RangeValue(date(2024, 1, 1), date(2024, 1, 2), "[)")
    assert cast_range(ValueType.DATE, "2024-01-01,2024-01-02") == days
    printed = '["2024-01-01 00:00:00+00","2024-01-02 00:00:00+00")'
    moments = RangeValue(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC), "[)")
    assert cast_range(ValueType.DATETIME, printed) == moments


@pytest.mark.parametrize(
    "value",
    ["", "a", "1,2,3", "5,1", "[1", (1,), (1, 2, 3), {"low": 1}, {"bounds": "<>"}, {"bounds": []}, True],
)
def test_ranges_that_are_refused(value: Any) -> None:
    with pytest.raises(Uncastable):
        cast_range(ValueType.INTEGER, value)


def test_json_keeps_numbers() -> None:
    assert str(freeze(decode_json("[1.50, 1E+400]"))) == "(Decimal('1.50'), Decimal('1E+400'))"
    assert freeze(1.5) == D("1.5")
    for wrong in ("[1, 1", '{"a":1,"a":2}', "NaN", "[" * 100_000, "1e99999999999999999999", "9" * 5000):
        with pytest.raises(ValueError):
            decode_json(wrong)
    for value in (float("nan"), float("inf"), object(), {"a": "\ud800"}, b"x"):
        with pytest.raises(ValueError):
            freeze(value)


def test_messages_quote_values_safely() -> None:
    assert show("a") == "'a'"
    assert show("\ud800\0") == "'?\\0'"
    assert len(show("a" * 5000)) < 100
    assert show((1, "a")) == '[1,"a"]'
    assert show(10**5000) == "the value"
    assert show({"a": "\ud800"}) == "the value"
