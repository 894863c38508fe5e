from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from penstock_sdk import _json


@pytest.mark.parametrize(
    "value",
    [2**63 - 1, -(2**63), 2**64 + 1, 10**40, Decimal("1.10"), Decimal("12345678901234567890.123456789")],
)
def test_numbers_keep_every_digit(value: Any) -> None:
    assert _json.decode(_json.encode([value]), decimals=True) == [value]
    assert _json.encode(value).decode() == str(value)


def test_fractions_are_floats_unless_decimals_are_wanted() -> None:
    assert _json.decode(b"[0.1]") == [0.1]
    assert _json.decode(b"[0.10]", decimals=True) == [Decimal("0.10")]
    assert str(_json.decode(b"[0.10]", decimals=True)[0]) == "0.10"


def test_a_number_beyond_float_becomes_decimal() -> None:
    assert _json.decode(b"[1e400, 0.5]") == [Decimal("1e400"), 0.5]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: {"a": v}, lambda v: [{"a": {"b": [1, v]}}]])
def test_nan_is_refused_wherever_it_is(bad: Any, wrap: Any) -> None:
    with pytest.raises(ValueError, match="no JSON form"):
        _json.encode(wrap(bad))


def test_times_are_iso_with_z() -> None:
    assert _json.encode(datetime(2025, 3, 1, 9, 30, tzinfo=UTC)) == b'"2025-03-01T09:30:00Z"'


def test_scalars_of_numpy_give_their_value() -> None:
    numpy = pytest.importorskip("numpy")
    assert _json.encode({"n": numpy.int64(3), "x": numpy.float32(0.5)}) == b'{"n":3,"x":0.5}'


def test_what_has_no_json_form_is_named() -> None:
    with pytest.raises(TypeError, match="object"):
        _json.encode({"a": object()})
