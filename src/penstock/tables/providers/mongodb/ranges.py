"""Ranges in MongoDB: kept in the form that PostgreSQL gives them, so that equal ranges are equal documents.

An end that is open is absent. `li` and `ui` say whether the lower and the upper end are included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeAlias

from penstock.tables.providers.mongodb.values import Unstorable, stored

Match: TypeAlias = "dict[str, Any]"
_LAST_INTEGER = 2**63 - 1


class Ends(Protocol):
    """A range as a request has it; None is an open end."""

    lower: Any
    upper: Any
    bounds: Any
    empty: bool


def range_stored(value: Ends) -> dict[str, Any]:
    """The document of a range. Raises `Unstorable` for one that ends where its type does."""
    lower, upper = value.lower, value.upper
    includes_lower, includes_upper = value.bounds[0] == "[", value.bounds[1] == "]"
    if value.empty:
        return {"empty": True}
    if _is_discrete(lower) and not includes_lower:
        lower, includes_lower = _next(lower), True
    if _is_discrete(upper) and includes_upper:
        upper, includes_upper = _next(upper), False
    low = None if lower is None else stored(lower)
    high = None if upper is None else stored(upper)
    if low is not None and high is not None:
        first, last = _comparable(low), _comparable(high)
        if first > last or (first == last and not (includes_lower and includes_upper)):
            return {"empty": True}
    found: dict[str, Any] = {} if low is None else {"lower": low}
    if high is not None:
        found["upper"] = high
    return {**found, "li": includes_lower and low is not None, "ui": includes_upper and high is not None}


def _is_discrete(end: Any) -> bool:
    return isinstance(end, (int, date)) and not isinstance(end, datetime)


def _next(end: Any) -> Any:
    if isinstance(end, int):
        if end >= _LAST_INTEGER:
            raise Unstorable("The range goes beyond the largest integer.")
        return end + 1
    if end == date.max:
        raise Unstorable("The range goes beyond the year 9999.")
    return end + timedelta(days=1)


def _comparable(end: Any) -> Any:
    return end.to_decimal() if hasattr(end, "to_decimal") else end


def range_json(value: Mapping[str, Any], end: Callable[[Any], str]) -> str:
    """As PostgreSQL builds it: with blanks around colons."""
    if value.get("empty"):
        return '{"lower" : null, "upper" : null, "bounds" : "()", "empty" : true}'
    lower, upper = (end(value[name]) if name in value else "null" for name in ("lower", "upper"))
    bounds = ("[" if value["li"] else "(") + ("]" if value["ui"] else ")")
    return f'{{"lower" : {lower}, "upper" : {upper}, "bounds" : "{bounds}", "empty" : false}}'


# --- conditions on the range at a path, for the range of a request


def range_match(path: str, operator: str, value: Ends) -> Match:
    """The documents whose range fulfils an operator that negates nothing."""
    wanted = range_stored(value)
    if operator == "eq":
        if "empty" in wanted:
            return {f"{path}.empty": True}
        same = {f"{path}.{name}": wanted[name] for name in ("li", "ui")}
        ends = {f"{path}.{name}": _exactly(wanted.get(name)) for name in ("lower", "upper")}
        return {**same, **ends}
    if "empty" in wanted:
        return _OF_EMPTY[operator](path)
    return _OPERATORS[operator](_Column(path), wanted)


def _exactly(end: Any) -> Any:
    return {"$exists": False} if end is None else {"$eq": end}


class _Column:
    """The parts of a stored range, and conditions on its ends."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.filled: Match = {path: {"$exists": True}}
        self.some: Match = {f"{path}.li": {"$exists": True}}
        self.empty: Match = {f"{path}.empty": True}

    def open(self, end: str) -> Match:
        return {f"{self.path}.{end}": {"$exists": False}}

    def end(self, end: str, sign: str, value: Any, *, also: bool | None = None) -> Match:
        """Compares an end; `also` is whether it must be included, or must not."""
        found: Match = {f"{self.path}.{end}": {sign: value}}
        if also is not None:
            found[f"{self.path}.{'li' if end == 'lower' else 'ui'}"] = also
        return found


_NOTHING: Match = {"_id": {"$in": []}}


def _any(*items: Match) -> Match:
    return {"$or": [*items]}


def _all(*items: Match) -> Match:
    return {"$and": [*items]}


def _contains(column: _Column, wanted: Match) -> Match:
    return _all(
        column.some,
        _reaches(column, "lower", "$lt", wanted.get("lower"), wanted["li"]),
        _reaches(column, "upper", "$gt", wanted.get("upper"), wanted["ui"]),
    )


def _reaches(column: _Column, end: str, beyond: str, value: Any, included: bool) -> Match:
    """The end of the stored range is at or beyond this one."""
    if value is None:
        return column.open(end)
    at = column.end(end, "$eq", value, also=True if included else None)
    return _any(column.open(end), column.end(end, beyond, value), at)


def _contained(column: _Column, wanted: Match) -> Match:
    inside = _all(
        column.some,
        _stays(column, "lower", "$gt", wanted.get("lower"), wanted["li"]),
        _stays(column, "upper", "$lt", wanted.get("upper"), wanted["ui"]),
    )
    return _any(column.empty, inside)


def _stays(column: _Column, end: str, within: str, value: Any, included: bool) -> Match:
    if value is None:
        return {}
    return _any(
        column.end(end, within, value), column.end(end, "$eq", value, also=None if included else False)
    )


def _overlaps(column: _Column, wanted: Match) -> Match:
    return _all(
        column.some,
        _begins_before(column, "lower", "$lt", wanted.get("upper"), wanted["ui"]),
        _begins_before(column, "upper", "$gt", wanted.get("lower"), wanted["li"]),
    )


def _begins_before(column: _Column, end: str, sign: str, value: Any, included: bool) -> Match:
    if value is None:
        return {}
    found = [column.open(end), column.end(end, sign, value)]
    return _any(*found, *([column.end(end, "$eq", value, also=True)] if included else []))


def _left(column: _Column, wanted: Match) -> Match:
    return _apart(column, "upper", "$lt", wanted.get("lower"), wanted["li"])


def _right(column: _Column, wanted: Match) -> Match:
    return _apart(column, "lower", "$gt", wanted.get("upper"), wanted["ui"])


def _apart(column: _Column, end: str, sign: str, value: Any, included: bool) -> Match:
    if value is None:
        return _NOTHING
    return _any(column.end(end, sign, value), column.end(end, "$eq", value, also=False if included else None))


def _adjacent(column: _Column, wanted: Match) -> Match:
    found = [
        column.end(mine, "$eq", wanted[theirs], also=not wanted["li" if theirs == "lower" else "ui"])
        for mine, theirs in (("upper", "lower"), ("lower", "upper"))
        if theirs in wanted
    ]
    return _any(*found) if found else _NOTHING


_OPERATORS: dict[str, Callable[[_Column, Match], Match]] = {
    "rcontains": _contains,
    "rcontainedby": _contained,
    "roverlaps": _overlaps,
    "radjacent": _adjacent,
    "rstrictleft": _left,
    "rstrictright": _right,
}
_OF_EMPTY: dict[str, Callable[[str], Match]] = {
    "rcontains": lambda path: {path: {"$exists": True}},
    "rcontainedby": lambda path: {f"{path}.empty": True},
    "roverlaps": lambda _: _NOTHING,
    "radjacent": lambda _: _NOTHING,
    "rstrictleft": lambda _: _NOTHING,
    "rstrictright": lambda _: _NOTHING,
}
