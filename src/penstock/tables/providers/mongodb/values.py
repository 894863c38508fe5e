"""Typed values to BSON and back to the JSON that PostgreSQL writes, so that no digit and no microsecond is lost.

An instant is a 64-bit count of microseconds, a time of day one since midnight, a day a date of BSON at midnight, a
number a Decimal128. Inside documents, keys are in the order of jsonb, and those that MongoDB gives a meaning are
escaped.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

import msgspec
from bson.decimal128 import Decimal128
from bson.int64 import Int64

MAX_DIGITS = 34
MAX_NESTING = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000  # microseconds
_INT64 = 2**63


class Unstorable(ValueError):
    """MongoDB cannot hold the value; the text is a sentence about it."""


def number(value: Decimal) -> Decimal128:
    """Raises `Unstorable` for more digits than a Decimal128 has."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if not any(digits):
        sign = 0  # PostgreSQL has no negative zero
    if len(digits) > MAX_DIGITS and exponent >= 0:
        # Zeros before the decimal point need not be kept as digits.
        while len(digits) > MAX_DIGITS and digits[-1] == 0:
            digits, exponent = digits[:-1], exponent + 1
    if len(digits) > MAX_DIGITS:
        raise Unstorable(f"The number has {len(digits)} digits; MongoDB keeps {MAX_DIGITS}.")
    return Decimal128(Decimal((sign, digits, exponent)))


def instant(value: datetime) -> Int64:
    """Without an offset it is UTC."""
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return Int64((aware - _EPOCH) // _MICROSECOND)


def day(value: date) -> datetime:
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def clock(value: time) -> Int64:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return Int64(seconds * 1_000_000 + value.microsecond)


def text(value: str) -> str:
    """Raises `Unstorable` for half of a surrogate pair, which JSON can write and UTF-8 cannot."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unstorable("The text is not valid Unicode.") from None
    return value


def document(value: Any, depth: int = 0) -> Any:
    """A decoded JSON value: objects in the order of jsonb, so that equal ones are equal byte by byte."""
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return Int64(value) if -_INT64 <= value < _INT64 else number(Decimal(value))
    if isinstance(value, Decimal):
        return number(value)
    if depth >= MAX_NESTING:
        raise Unstorable(f"The document is nested deeper than {MAX_NESTING} levels.")
    if isinstance(value, (list, tuple)):
        return [document(item, depth + 1) for item in cast("Sequence[Any]", value)]
    entries = cast("dict[str, Any]", value)
    ordered = sorted(((text(key).encode(), key) for key in entries), key=lambda pair: (len(pair[0]), pair[0]))
    return {_escaped(key): document(entries[key], depth + 1) for _, key in ordered}


def raw(value: msgspec.Raw) -> Any:
    """The JSON text of a field as it is stored; of a repeated key the last counts, as in jsonb."""
    try:
        return document(json.loads(bytes(value), parse_float=Decimal))
    except RecursionError:
        raise Unstorable(f"The document is nested deeper than {MAX_NESTING} levels.") from None


_ESCAPES = {"~": "~0", ".": "~1", "$": "~2"}


def _escaped(key: str) -> str:
    """No key of a caller begins with a dollar or has a dot, whatever MongoDB makes of these."""
    if key.isalnum():
        return key
    return "".join(_ESCAPES.get(letter, letter) for letter in key)


def _unescaped(key: str) -> str:
    if "~" not in key:
        return key
    return key.replace("~2", "$").replace("~1", ".").replace("~0", "~")


_STORE: dict[type, Callable[[Any], Any]] = {
    str: text,
    bool: lambda value: value,
    int: Int64,
    Int64: lambda value: value,
    Decimal: number,
    uuid.UUID: lambda value: value,
    datetime: instant,
    date: day,
    time: clock,
    msgspec.Raw: raw,
}


def stored(value: Any) -> Any:
    """A value of a record or of a condition on a field that is no document. Raises `Unstorable`."""
    return _STORE[type(value)](value)


# --- back to JSON, as PostgreSQL writes it

_encode = msgspec.json.Encoder().encode


def quoted(value: str) -> str:
    return _encode(value).decode()


def _number(value: Any) -> str:
    return format(value.to_decimal() if isinstance(value, Decimal128) else Decimal(value), "f")


def _instant(value: int) -> str:
    moment = (_EPOCH + value * _MICROSECOND).replace(tzinfo=None)
    return f'"{_trimmed(moment.isoformat())}Z"'


def _clock(value: int) -> str:
    seconds, microseconds = divmod(value % _DAY, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f'"{_trimmed(time(hour, minute, second, microseconds).isoformat())}"'


def _trimmed(iso: str) -> str:
    return iso.rstrip("0") if "." in iso else iso


def json_text(value: Any) -> str:
    """A stored document as jsonb writes it: a blank after each colon and comma."""
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return "{" + ", ".join(f"{quoted(_unescaped(key))}: {json_text(item)}" for key, item in entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(json_text(item) for item in cast("list[Any]", value)) + "]"
    return _number(value)


RENDER: dict[str, Callable[[Any], str]] = {
    "string": quoted,
    "uuid": lambda value: f'"{value}"',
    "integer": str,
    "year": str,
    "number": _number,
    "boolean": lambda value: "true" if value else "false",
    "date": lambda value: f'"{value.date().isoformat()}"',
    "time": _clock,
    "datetime": _instant,
    "duration": quoted,
    "yearmonth": quoted,
    "object": json_text,
    "array": json_text,
    "any": json_text,
    "geopoint": json_text,
    "geojson": json_text,
}
"""By the type of a field: the JSON of a stored value."""
