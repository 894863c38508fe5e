"""Values of parameters in an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

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
