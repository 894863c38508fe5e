"""The checks of one field's values in Python, and the same as `CHECK` constraints in SQL."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
import re2 as _re2  # pyright: ignore[reportMissingTypeStubs]  (it ships none)

from penstock.kit import sql
from penstock.tables.fields import BY_NAME, Check
from penstock.tables.models import Constraints, Field

_ENGINE: Any = _re2
_OPTIONS = _ENGINE.Options()
_OPTIONS.log_errors = False


@lru_cache(maxsize=4096)
def pattern(text: str) -> Any:
    """The pattern compiled by RE2, whose matching time is linear in the input; raises ValueError."""
    try:
        return _ENGINE.compile(text, _OPTIONS)
    except _ENGINE.error as error:
        raise ValueError(
            "it is not a regular expression of RE2 syntax (no look-around and no back-references)"
        ) from error


def comparable(value: Any) -> Any:
    """Naive instants are UTC, so that they compare with aware ones."""
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=datetime.UTC)
    return value


def for_field(field: Field) -> Check | None:
    """One function that says what is wrong with a (non-null) value, or None when nothing can be."""
    checks = [
        check for check in (BY_NAME[field.type].intrinsic(field), *_of(field.constraints, field)) if check
    ]
    if not checks:
        return None
    if len(checks) == 1:
        return checks[0]

    def check_all(value: Any) -> str | None:
        for check in checks:
            if message := check(value):
                return message
        return None

    return check_all


def _of(constraints: Constraints, field: Field) -> list[Check]:
    checks: list[Check] = []
    if constraints.min_length is not None or constraints.max_length is not None:
        checks.append(_length(constraints.min_length or 0, constraints.max_length, field.type == "array"))
    if constraints.minimum is not None:
        checks.append(_bound(constraints.minimum, lambda value, bound: value >= bound, "at least"))
    if constraints.maximum is not None:
        checks.append(_bound(constraints.maximum, lambda value, bound: value <= bound, "at most"))
    if constraints.pattern is not None:
        checks.append(_pattern(constraints.pattern))
    if constraints.enum is not None:
        checks.append(_enum(constraints.enum))
    return checks


def _length(least: int, most: int | None, is_array: bool) -> Check:
    unit = "items" if is_array else "characters"

    def check(value: Any) -> str | None:
        size = len(msgspec.json.decode(value, type=list[msgspec.Raw])) if is_array else len(value)
        if size < least:
            return f"Has {size} {unit}; at least {least} are needed."
        if most is not None and size > most:
            return f"Has {size} {unit}; at most {most} are allowed."
        return None

    return check


def _bound(bound: Any, holds: Callable[[Any, Any], bool], words: str) -> Check:
    limit = comparable(bound)

    def check(value: Any) -> str | None:
        return None if holds(comparable(value), limit) else f"{value} must be {words} {bound}."

    return check


def _pattern(text: str) -> Check:
    compiled = pattern(text)

    def check(value: str) -> str | None:
        return None if compiled.fullmatch(value) else f"'{value[:80]}' does not match the pattern {text}."

    return check


def _enum(members: tuple[Any, ...]) -> Check:
    known = frozenset(comparable(member) for member in members)
    listed = ", ".join(str(member) for member in members[:20])

    def check(value: Any) -> str | None:
        return None if comparable(value) in known else f"'{str(value)[:80]}' is not one of: {listed}."

    return check


def as_sql(field: Field, column: str) -> list[tuple[str, str]]:
    """`(kind, condition)` for each `CHECK` that the column carries."""
    constraints = field.constraints
    size = f"jsonb_array_length({column})" if field.type == "array" else f"char_length({column})"
    found: list[tuple[str, str]] = []
    if constraints.min_length is not None:
        found.append(("minlength", f"{size} >= {int(constraints.min_length)}"))
    if constraints.max_length is not None:
        found.append(("maxlength", f"{size} <= {int(constraints.max_length)}"))
    if constraints.minimum is not None:
        found.append(("minimum", f"{column} >= {sql.literal(comparable(constraints.minimum))}"))
    if constraints.maximum is not None:
        found.append(("maximum", f"{column} <= {sql.literal(comparable(constraints.maximum))}"))
    if constraints.pattern is not None:
        found.append(("pattern", f"{column} ~ {sql.literal(anchored(constraints.pattern))}"))
    if constraints.enum is not None:
        members = ", ".join(sql.literal(comparable(member)) for member in constraints.enum)
        found.append(("enum", f"{column} IN ({members})"))
    return found


def anchored(text: str) -> str:
    """The pattern as PostgreSQL must read it to match the whole value."""
    return f"^(?:{text})$"
