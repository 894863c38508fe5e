"""Values of parameters: held to their definitions and put into one canonical form each.

What goes on from here is never what was sent, but what it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import re2 as _re2  # pyright: ignore[reportMissingTypeStubs]  (it ships none)

from penstock.kit import clock
from penstock.queries.days import RANGES, SINGLE, moment_of, range_of
from penstock.queries.errors import ValuesInvalid
from penstock.queries.models import Joined, Parameter, ParameterType

_ENGINE: Any = _re2
MAX_TEXT: Final = 100_000
MAX_VALUES: Final = 1000
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_FORMATS: Final = {
    ParameterType.DATE: "%Y-%m-%d",
    ParameterType.DATE_RANGE: "%Y-%m-%d",
    ParameterType.DATETIME: "%Y-%m-%d %H:%M",
    ParameterType.DATETIME_RANGE: "%Y-%m-%d %H:%M",
    ParameterType.DATETIME_SECONDS: "%Y-%m-%d %H:%M:%S",
    ParameterType.DATETIME_RANGE_SECONDS: "%Y-%m-%d %H:%M:%S",
}
_RANGE_TYPES: Final = {
    ParameterType.DATE_RANGE,
    ParameterType.DATETIME_RANGE,
    ParameterType.DATETIME_RANGE_SECONDS,
}


class Form(Enum):
    """What a value is in SQL."""

    NUMBER = "number"
    DAY = "date"
    INSTANT = "timestamp"
    TEXT = "text"
    # One of a list that somebody has written down: a constant that takes the type of what it is compared with.
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Value:
    """One value, or several where `joined` says how strings have them."""

    form: Form
    texts: tuple[str, ...]
    joined: Joined | None = None

    @property
    def text(self) -> str:
        """The value inside a string."""
        if self.joined is None:
            return self.texts[0]
        how = self.joined
        return how.separator.join(f"{how.prefix}{one}{how.suffix}" for one in self.texts)


def canonical(
    parameters: Sequence[Parameter], values: Mapping[str, Any], time_zone: str, now: datetime | None = None
) -> dict[str, Value]:
    """The values by the names that placeholders have; a range gives `name.start` and `name.end`.

    Raises `ValuesInvalid` with every name whose value does not fit, or that no definition knows. Without definitions
    any text, number or range of them will do.
    """
    declared = {one.name: one for one in parameters}
    at = (now or clock.now()).astimezone(_zone(time_zone))
    found: dict[str, Value] = {}
    wrong: list[str] = []
    for name, raw in values.items():
        try:
            if name in declared:
                found |= _declared(declared[name], raw, at)
            elif declared:
                wrong.append(name)
            else:
                found |= _undeclared(name, raw)
        except ValueError:
            wrong.append(name)
    if wrong:
        raise ValuesInvalid(wrong)
    return found


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _declared(parameter: Parameter, raw: Any, now: datetime) -> dict[str, Value]:
    name, kind = parameter.name, parameter.type
    if kind in _RANGE_TYPES:
        start, end = _ends(raw, now)
        return {
            f"{name}.start": _moment(kind, start, now),
            f"{name}.end": _moment(kind, end, now),
        }
    if kind in _FORMATS:
        return {name: _moment(kind, raw, now)}
    if kind is ParameterType.NUMBER:
        return {name: Value(Form.NUMBER, (number(raw),))}
    if kind in (ParameterType.ENUM, ParameterType.QUERY):
        return {name: _choice(parameter, raw)}
    text = _text(raw)
    if kind is ParameterType.TEXT_PATTERN and not _fits(parameter.pattern, text):
        raise ValueError(name)
    return {name: Value(Form.TEXT, (text,))}


def _undeclared(name: str, raw: Any) -> dict[str, Value]:
    if isinstance(raw, Mapping):
        ends = cast("Mapping[str, Any]", raw)
        if set(ends) != {"start", "end"}:
            raise ValueError(name)
        return {f"{name}.{end}": Value(Form.TEXT, (_text(ends[end]),)) for end in ("start", "end")}
    if isinstance(raw, (int, float, Decimal)) and not isinstance(raw, bool):
        return {name: Value(Form.NUMBER, (number(raw),))}
    return {name: Value(Form.TEXT, (_text(raw),))}


def number(raw: Any) -> str:
    """A finite number, its digits as written and without an exponent. Raises ValueError."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str, Decimal)):
        raise ValueError(raw)
    text = raw.strip() if isinstance(raw, str) else str(raw) if not isinstance(raw, float) else repr(raw)
    if len(text) > 200 or not _NUMBER.fullmatch(text):
        raise ValueError(text)
    try:
        return format(Decimal(text), "f")
    except InvalidOperation as error:
        raise ValueError(text) from error


def _choice(parameter: Parameter, raw: Any) -> Value:
    options = {one: one for one in parameter.options}
    items: list[Any] = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    if (isinstance(raw, list) and parameter.joined is None) or not items or len(items) > MAX_VALUES:
        raise ValueError(parameter.name)
    if any(isinstance(one, (bool, Mapping, list)) or one is None for one in items):
        raise ValueError(parameter.name)
    try:
        texts = tuple(options[str(one)] for one in items)
    except KeyError as error:
        raise ValueError(parameter.name) from error
    return Value(Form.CHOICE, texts, parameter.joined)


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) > MAX_TEXT or _unprintable(raw):
        raise ValueError(raw)
    return raw


def _unprintable(text: str) -> bool:
    return any(one == "\0" or "\ud800" <= one <= "\udfff" for one in text)


def _fits(pattern: str | None, text: str) -> bool:
    """RE2, which takes no longer the longer one thinks about a pattern."""
    options: Any = _ENGINE.Options()
    options.log_errors = False
    try:
        return pattern is not None and _ENGINE.compile(pattern, options).fullmatch(text) is not None
    except _ENGINE.error:
        return False


def _ends(raw: Any, now: datetime) -> tuple[Any, Any]:
    if isinstance(raw, str):
        if raw in RANGES:
            return range_of(raw, now)
        start, dashes, end = raw.partition("--")
        if not dashes:
            raise ValueError(raw)
        return start, end
    if not isinstance(raw, Mapping) or set(cast("Mapping[str, Any]", raw)) != {"start", "end"}:
        raise ValueError("no range")
    ends = cast("Mapping[str, Any]", raw)
    return ends["start"], ends["end"]


def _moment(kind: ParameterType, raw: Any, now: datetime) -> Value:
    if isinstance(raw, str):
        raw = moment_of(raw, now) if raw in SINGLE else datetime.fromisoformat(raw.strip())
    if not isinstance(raw, datetime):
        raise ValueError(kind)
    if raw.tzinfo is not None:
        raw = raw.astimezone(now.tzinfo)
    # Years before 1000 would be printed with fewer than four digits.
    if raw.year < 1000:
        raise ValueError(raw)
    format_ = _FORMATS[kind]
    return Value(Form.DAY if format_ == "%Y-%m-%d" else Form.INSTANT, (raw.strftime(format_),))
