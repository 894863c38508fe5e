"""From what a caller wrote to what a column compares with: JSON that keeps all digits, and one cast per type.

A cast that fails raises `Uncastable`, whose text goes on from the value; `bind` adds value and parameter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from typing import cast as typed
from uuid import UUID

import msgspec

from penstock.kit.operators import ValueType

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
MAX_DIGITS = 1000
MAX_NESTING = 32

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_JSON_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}(?:\1[0-9a-fA-F]{4}){2}\1[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?")
_DATETIME = re.compile(
    _DATE.pattern + r"(?:[Tt ]" + _TIME.pattern + r"(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_DURATION = re.compile(
    r"P(?=[0-9T])(?:[0-9]{1,6}Y)?(?:[0-9]{1,6}M)?(?:[0-9]{1,6}W)?(?:[0-9]{1,6}D)?"
    r"(?:T(?=[0-9])(?:[0-9]{1,6}H)?(?:[0-9]{1,6}M)?(?:[0-9]{1,6}(?:\.[0-9]{1,6})?S)?)?"
)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

EXPECTED: dict[ValueType, str] = {
    ValueType.TEXT: "text (a JSON string)",
    ValueType.UUID: "a UUID, for example 123e4567-e89b-12d3-a456-426614174000",
    ValueType.INTEGER: f"an integer between {INT64_MIN} and {INT64_MAX}",
    ValueType.NUMBER: f"a finite number of at most {MAX_DIGITS} digits",
    ValueType.BOOLEAN: "a boolean: true, false, 1 or 0",
    ValueType.DATE: "a date such as 2024-02-29",
    ValueType.TIME: "a time such as 09:30:00",
    ValueType.DATETIME: "a datetime such as 2024-02-29T09:30:00Z (years 1 to 9999, at most microseconds)",
    ValueType.YEAR: "a year between 1 and 9999",
    ValueType.DURATION: "an ISO 8601 duration such as P1DT12H",
    ValueType.JSON_OBJECT: "a JSON object",
    ValueType.JSON_ARRAY: "a JSON array",
    ValueType.JSON: "a JSON value",
    ValueType.RANGE: "a range: a value, lower,upper or [lower,upper)",
    ValueType.TSVECTOR: "text",
    ValueType.VECTOR: "an array of numbers",
}


class Uncastable(ValueError):
    """The value does not fit; the text says what would, as in "is not an integer"."""


class RangeValue(msgspec.Struct, frozen=True):
    """A range; None is an open end. `bounds` is one of `[)`, `[]`, `(]`, `()`; for integers always `[)`."""

    lower: Any
    upper: Any
    bounds: str
    empty: bool = False


class Duplicate(ValueError):
    """A JSON object names one key twice; taking either would drop a condition silently."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise Duplicate(f"the key {show(twice)} occurs twice in one object")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def decode_json(text: str | bytes) -> Any:
    """Decode JSON, keeping numbers exact (int or Decimal); ValueError for anything that is not sane JSON."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ArithmeticError:
        raise ValueError("a number in it is too large") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode_json(value: Any) -> str:
    """The JSON text of a frozen value, digits kept."""
    return _ENCODER.encode(value).decode()


def freeze(value: Any, depth: int = 0) -> Any:
    """A decoded JSON value as trees hold it: tuples for arrays, Decimal for fractions; else ValueError."""
    if value is None or isinstance(value, (bool, int, Decimal)):
        return value
    if isinstance(value, str):
        if clean(value) != value:
            raise ValueError("a text in it is not valid Unicode")
        return value
    if depth >= MAX_NESTING:
        raise ValueError(f"values nest deeper than {MAX_NESTING} levels")
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item, depth + 1) for item in typed("list[Any]", value))
    if isinstance(value, dict):
        entries = typed("dict[str, Any]", value)
        return {freeze(key): freeze(item, depth + 1) for key, item in entries.items()}
    if isinstance(value, float) and value - value == 0:
        return Decimal(repr(value))
    raise ValueError(f"{show(value)} is not a JSON value")


def show(value: Any) -> str:
    """The value as an error message quotes it: short, and always valid Unicode."""
    text = f"'{value}'" if isinstance(value, str) else _plain(value)
    text = text if len(text) <= 80 else f"{text[:76]}…{text[-1]}"
    return clean(text.replace("\0", "\\0"))


def clean(text: str) -> str:
    """The text without lone surrogates, which no response could carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _plain(value: Any) -> str:
    try:
        return encode_json(value)
    except (TypeError, ValueError, RecursionError):
        return "the value"


def check_text(value: str) -> str:
    """The text itself when PostgreSQL can hold it."""
    if "\0" in value:
        raise Uncastable("contains a NUL character, which text cannot hold")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Uncastable("is not valid Unicode") from None
    return value


def _not(value_type: ValueType) -> Uncastable:
    return Uncastable(f"is not {EXPECTED[value_type]}")


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _not(ValueType.TEXT)
    return check_text(value)


def _uuid(value: Any) -> UUID:
    if type(value) is str and _UUID.fullmatch(text := value.strip()):
        return UUID(text)
    raise _not(ValueType.UUID)


def _whole(value: Any) -> int | None:
    if type(value) is str:
        text = value.strip()
        return int(text) if _INTEGER.fullmatch(text) else None
    if type(value) is int:
        return value
    # The size is looked at first: int(Decimal("1e999999")) would work for a minute.
    if (
        type(value) is Decimal
        and value.is_finite()
        and value.adjusted() < 20
        and value == value.to_integral_value()
    ):
        return int(value)
    return None


def _integer(value: Any) -> int:
    number = _whole(value)
    if number is None or not INT64_MIN <= number <= INT64_MAX:
        raise _not(ValueType.INTEGER)
    return number


def _year(value: Any) -> int:
    number = _whole(value)
    if number is None or not 1 <= number <= 9999:
        raise _not(ValueType.YEAR)
    return number


def check_number(value: Decimal) -> Decimal:
    """The number itself when it is finite and has at most `MAX_DIGITS` digits written out."""
    if value.is_finite():
        first, last = value.adjusted(), int(value.as_tuple().exponent)
        if max(first, 0) - min(last, 0) < MAX_DIGITS:
            return value
    raise _not(ValueType.NUMBER)


def _number(value: Any) -> Decimal:
    if type(value) is str:
        text = value.strip()
        if len(text) > 2 * MAX_DIGITS or not _NUMBER.fullmatch(text):
            raise _not(ValueType.NUMBER)
        return check_number(Decimal(text))
    if type(value) is int or type(value) is Decimal:
        return check_number(Decimal(value))
    raise _not(ValueType.NUMBER)


def _boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    if type(value) is int and value in (0, 1):
        return value == 1
    if type(value) is str and (found := _BOOLEANS.get(value.strip().lower())) is not None:
        return found
    raise _not(ValueType.BOOLEAN)


def _date(value: Any) -> date:
    if type(value) is str and _DATE.fullmatch(text := value.strip()):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise _not(ValueType.DATE)


def _time(value: Any) -> time:
    if type(value) is str and _TIME.fullmatch(text := value.strip()):
        try:
            return time.fromisoformat(text)
        except ValueError:
            pass
    raise _not(ValueType.TIME)


def _datetime(value: Any) -> datetime:
    if type(value) is str and _DATETIME.fullmatch(text := value.strip()):
        try:
            moment = datetime.fromisoformat(text.upper())
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _not(ValueType.DATETIME)


def _duration(value: Any) -> str:
    if type(value) is str and _DURATION.fullmatch(text := value.strip()):
        return text
    raise _not(ValueType.DURATION)


def check_json(value: Any, depth: int = 0) -> Any:
    """A frozen JSON value itself when jsonb can hold it exactly."""
    if isinstance(value, str):
        return check_text(value)
    if isinstance(value, (bool, type(None))):
        return value
    if isinstance(value, (int, Decimal)):
        check_number(Decimal(value))
        return value
    if depth >= MAX_NESTING:
        raise Uncastable(f"nests deeper than {MAX_NESTING} levels")
    if isinstance(value, tuple):
        return tuple(check_json(item, depth + 1) for item in typed("tuple[Any, ...]", value))
    return {
        check_text(key): check_json(item, depth + 1) for key, item in typed("dict[str, Any]", value).items()
    }


def _read_json(value: Any) -> Any:
    if type(value) is str:
        try:
            return freeze(decode_json(value))
        except ValueError:
            return value
    return value


def _object_value(value: Any) -> Any:
    read = _read_json(value)
    if not isinstance(read, dict):
        raise _not(ValueType.JSON_OBJECT)
    return check_json(read)


def _array_value(value: Any) -> Any:
    read = _read_json(value)
    if not isinstance(read, tuple):
        raise _not(ValueType.JSON_ARRAY)
    return check_json(read)


def _json(value: Any) -> Any:
    return check_json(_read_json(value))


CASTS: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: _text,
    ValueType.UUID: _uuid,
    ValueType.INTEGER: _integer,
    ValueType.NUMBER: _number,
    ValueType.BOOLEAN: _boolean,
    ValueType.DATE: _date,
    ValueType.TIME: _time,
    ValueType.DATETIME: _datetime,
    ValueType.YEAR: _year,
    ValueType.DURATION: _duration,
    ValueType.JSON_OBJECT: _object_value,
    ValueType.JSON_ARRAY: _array_value,
    ValueType.JSON: _json,
}


def split_list(value: Any) -> tuple[tuple[Any, ...], bool]:
    """The items of a list value, and whether they were typed (a JSON array) or are text cut at the commas."""
    if isinstance(value, tuple):
        return typed("tuple[Any, ...]", value), True
    if type(value) is not str:
        raise Uncastable("is not a list")
    if value.startswith("["):
        try:
            return freeze(decode_json(value)), True
        except ValueError as error:
            raise Uncastable(f"begins with '[' but is not a JSON array: {error}") from None
    return tuple(value.split(",")) if value else (), False


def cast_item(item: ValueType | None, value: Any, *, exact: bool) -> tuple[Any, ...]:
    """The JSON readings that an array item given as `value` may have; more than one only for untyped text."""
    if item is None or item not in CASTS:
        checked = check_json(value)
        return (checked,) if exact else (*_scalar_reading(value), checked)
    found = CASTS[item](value)
    if isinstance(found, datetime):
        return (found.isoformat().replace("+00:00", "Z"),)
    if isinstance(found, (date, time)):
        return (found.isoformat(),)
    return (str(found),) if isinstance(found, UUID) else (found,)


def has_json_reading(text: str) -> bool:
    """Whether the text of an untyped array item may also mean a JSON number or boolean."""
    return bool(_scalar_reading(text))


def _scalar_reading(text: str) -> tuple[Any, ...]:
    if not _JSON_SCALAR.fullmatch(stripped := text.strip()):
        return ()
    try:
        return (check_json(decode_json(stripped)),)
    except ValueError:
        return ()


def cast_range(item: ValueType, value: Any) -> RangeValue:
    """A range from one value, `lower,upper`, `[lower,upper)`, a pair, or `{lower, upper, bounds, empty}`."""
    lower, upper, bounds = _range_parts(value)
    if bounds == "empty":
        return _EMPTY
    to = CASTS[item]
    low = None if lower is None else to(lower)
    high = None if upper is None else to(upper)
    if low is not None and high is not None and low > high:
        raise Uncastable("is not a range: its lower end is above its upper end")
    if item is ValueType.INTEGER:
        return _half_open(low, high, bounds)
    return RangeValue(low, high, bounds)


_EMPTY = RangeValue(None, None, "()", True)
_BOUNDS = ("[)", "[]", "(]", "()")


def _half_open(low: int | None, high: int | None, bounds: str) -> RangeValue:
    # PostgreSQL does the same, but fails at the end of int8, where nothing lies beyond the bound anyway.
    if low is not None and bounds[0] == "(":
        if low == INT64_MAX:
            return _EMPTY
        low += 1
    if high is not None and bounds[1] == "]":
        high = None if high == INT64_MAX else high + 1
    if low is not None and high is not None and low >= high:
        return _EMPTY
    return RangeValue(low, high, "[)")


def _range_parts(value: Any) -> tuple[Any, Any, str]:
    if isinstance(value, dict):
        return _range_object(typed("dict[str, Any]", value))
    if isinstance(value, tuple):
        pair = typed("tuple[Any, ...]", value)
        if len(pair) != 2:
            raise _not(ValueType.RANGE)
        return pair[0], pair[1], "[)"
    if type(value) is not str:
        return value, value, "[]"
    text = value.strip()
    if text.lower() == "empty":
        return None, None, "empty"
    bounds = "[)"
    if text[:1] in ("[", "(") and text[-1:] in ("]", ")"):
        bounds, text = text[0] + text[-1], text[1:-1]
    elif "," not in text:
        return text, text, "[]"
    ends = [end.strip().strip('"') or None for end in text.split(",")]
    if len(ends) != 2:
        raise _not(ValueType.RANGE)
    return ends[0], ends[1], bounds


def _range_object(value: dict[str, Any]) -> tuple[Any, Any, str]:
    bounds = value.get("bounds", "[)")
    if value.keys() - {"lower", "upper", "bounds", "empty"} or bounds not in _BOUNDS:
        raise Uncastable(
            f"is not a range object: lower, upper, bounds ({', '.join(_BOUNDS)}) and empty are known"
        )
    return value.get("lower"), value.get("upper"), "empty" if value.get("empty") is True else bounds
