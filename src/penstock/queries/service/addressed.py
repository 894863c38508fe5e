"""Values of parameters in an address, and those with which a visualization is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from penstock.queries.dashboards import Widget
from penstock.queries.run.marks import names
from penstock.queries.saved import SavedQuery

# Mappings that have a value of their own.
_OWN: Final = ("static-value", "widget-level")
_RANGES: Final = ("date-range", "datetime-range", "datetime-range-with-seconds")


def values_of(pairs: Sequence[tuple[str, str]], definitions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`p_<name>=v`; a range as `start--end`, or as two of them; several values as a JSON array."""
    known: dict[str, Any] = {str(one.get("name")): one for one in definitions}
    found: dict[str, Any] = {}
    for key, text in pairs:
        if not key.startswith("p_"):
            continue
        name = key[2:]
        base, dot, end = name.rpartition(".")
        if dot and end in ("start", "end") and name not in known:
            held = found.setdefault(base, {})
            if isinstance(held, dict):
                held[end] = text
            continue
        found[name] = _value(text, known.get(name, {}))
    return found


def values_shown(query: SavedQuery, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What the address says of the parameters of a query, and where it says nothing, their saved values."""
    return _of_names(query, pairs, lambda name: name, {})


def values_on(
    widget: Widget, query: SavedQuery, pairs: Sequence[tuple[str, str]], *, given: bool = True
) -> dict[str, Any]:
    """The values with which a widget shows a query, as its mappings say: from the dashboard's address, or its own.

    Without `given`, the address says nothing.
    """
    fixed = {name: one.get("value") for name, one in _mappings(widget).items() if one.get("type") in _OWN}
    return _of_names(query, pairs if given else (), lambda name: asked_name(widget, name), fixed)


def asked_name(widget: Widget, name: str) -> str | None:
    """What an address calls a parameter of the query that a widget shows; None when it cannot say anything of it."""
    mapping = _mappings(widget).get(name, {})
    match mapping.get("type"):
        case "static-value":
            return None
        case "widget-level":
            return f"w{widget.id}_{name}"
        case _:
            to = mapping.get("mapTo")
            return to if isinstance(to, str) and to else name


def _mappings(widget: Widget) -> dict[str, dict[str, Any]]:
    given: Any = widget.options.get("parameterMappings")
    named = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    return {name: cast("dict[str, Any]", one) for name, one in named.items() if isinstance(one, dict)}


def _of_names(
    query: SavedQuery,
    pairs: Sequence[tuple[str, str]],
    renamed: Callable[[str], str | None],
    fixed: Mapping[str, Any],
) -> dict[str, Any]:
    definitions: dict[str, Mapping[str, Any]] = {str(one.get("name")): one for one in query.definitions}
    # A range is used as `name.start`; what is not defined at all is known by the text alone.
    used = (one if one in definitions else one.rpartition(".")[0] or one for one in names(query.text))
    found: dict[str, Any] = {}
    for name in dict.fromkeys((*definitions, *used)):
        definition, asked = definitions.get(name, {}), renamed(name)
        values = {} if asked is None else values_of(pairs, [{**definition, "name": asked}])
        if asked in values:
            found[name] = values[asked]
        elif fixed.get(name) is not None:
            found[name] = fixed[name]
        elif definition.get("value") is not None:
            found[name] = definition["value"]
    return found


def _value(text: str, definition: Mapping[str, Any]) -> Any:
    if definition.get("type") in _RANGES and "--" in text:
        start, _, end = text.partition("--")
        return {"start": start, "end": end}
    if definition.get("multiValuesOptions") and text.startswith("["):
        try:
            return msgspec.json.decode(text.encode())
        except msgspec.DecodeError:
            return text
    return text
