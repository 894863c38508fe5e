"""JSON in and out without losing numbers: integers of any size, decimals with all their digits, no NaN.

Encoding refuses what JSON cannot carry instead of writing `null` in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import msgspec


def _convert(value: object) -> object:
    """Types msgspec does not know: numpy and pyarrow scalars give their Python value."""
    for name in ("item", "as_py"):
        method = getattr(value, name, None)
        if callable(method):
            return cast("Callable[[], object]", method)()
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent as JSON")


def _exact(digits: str) -> float | Decimal:
    number = float(digits)
    return number if math.isfinite(number) else Decimal(digits)


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_convert)
_plain = msgspec.json.Decoder()
_with_decimals = msgspec.json.Decoder(float_hook=Decimal)
_with_large = msgspec.json.Decoder(float_hook=_exact)


def encode(value: object) -> bytes:
    """`value` as JSON. A ValueError names what has no JSON form (NaN and the infinities)."""
    _refuse_nan(value)
    return _encoder.encode(value)


def decode(body: bytes, *, decimals: bool = False) -> Any:
    """The value of a JSON text; numbers with a fraction become float, or Decimal when `decimals` is set."""
    if decimals:
        return _with_decimals.decode(body)
    try:
        return _plain.decode(body)
    except msgspec.ValidationError:  # a number beyond the range of float
        return _with_large.decode(body)


def _refuse_nan(value: object, where: str = "") -> None:
    kind = value.__class__
    if kind is float or kind is Decimal:
        number = cast("float", value)
        if not math.isfinite(number):
            raise ValueError(f"{number} has no JSON form{where}: send None for a missing value")
    elif kind is dict:
        for key, item in cast("dict[object, object]", value).items():
            inner = item.__class__
            if inner is float or inner is Decimal or inner is dict or inner is list:
                _refuse_nan(item, f" (field {key!r})")
    elif kind is list or kind is tuple:
        for item in cast("list[object]", value):
            _refuse_nan(item, where)


def to_builtins(value: object) -> Any:
    """Models as dictionaries, inside lists too; everything else as it is."""
    if isinstance(value, msgspec.Struct):
        return {name: to_builtins(item) for name, item in msgspec.structs.asdict(value).items()}
    if isinstance(value, list):
        return [to_builtins(item) for item in cast("list[object]", value)]
    return value
