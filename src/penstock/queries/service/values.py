"""Definitions of parameters as they are stored, made into what checks values; and values that depend on the moment
or on other queries, settled when somebody asks, so that a result can always be seen to be of this very question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from penstock.queries.models import Joined, Parameter, ParameterType
from penstock.queries.parameters import canonical

_DATES: Final = frozenset(
    {
        ParameterType.DATE,
        ParameterType.DATETIME,
        ParameterType.DATETIME_SECONDS,
        ParameterType.DATE_RANGE,
        ParameterType.DATETIME_RANGE,
        ParameterType.DATETIME_RANGE_SECONDS,
    }
)
_KNOWN: Final = frozenset(ParameterType)
# The key under which a definition has the values of the query that it goes by.
OPTIONS: Final = "options"


def parameters_of(definitions: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(_parameter(one) for one in definitions if isinstance(one.get("name"), str))


def _parameter(given: Mapping[str, Any]) -> Parameter:
    kind = given.get("type", ParameterType.TEXT)
    is_known = isinstance(kind, str) and kind in _KNOWN
    # One of a type that nobody knows takes no value at all.
    known = ParameterType(kind) if is_known else ParameterType.ENUM
    pattern = given.get("regex")
    return Parameter(
        name=given["name"],
        type=known,
        default=given.get("value"),
        options=_options(given, known) if is_known else (),
        pattern=pattern if isinstance(pattern, str) else None,
        joined=_joined(given.get("multiValuesOptions")),
    )


def _options(given: Mapping[str, Any], kind: ParameterType) -> tuple[str, ...]:
    found: Any = given.get(OPTIONS if kind is ParameterType.QUERY else "enumOptions")
    if isinstance(found, str):
        found = found.split("\n")
    return tuple(str(one) for one in cast("list[Any]", found)) if isinstance(found, list) else ()


def _joined(given: Any) -> Joined | None:
    if not isinstance(given, dict):
        return None
    named = cast("dict[str, Any]", given)
    how = {name: named.get(name) for name in ("separator", "prefix", "suffix")}
    return Joined(**{name: text for name, text in how.items() if isinstance(text, str)})


def settled(
    values: Mapping[str, Any],
    definitions: Sequence[Mapping[str, Any]],
    time_zone: str,
    at: datetime | None = None,
) -> dict[str, Any]:
    """The values, days such as `d_yesterday` as the dates that they are then, or now. Raises `ValuesInvalid`."""
    dates = {one.name: one for one in parameters_of(definitions) if one.type in _DATES}
    found = dict(values)
    for name, value in values.items():
        if name in dates and isinstance(value, str) and value.startswith("d_"):
            texts = {
                key: one.text for key, one in canonical([dates[name]], {name: value}, time_zone, at).items()
            }
            whole = texts.get(name)
            found[name] = whole or {end: texts[f"{name}.{end}"] for end in ("start", "end")}
    return found
