"""The columns of a result: what they are called, what their values are, and how the wire names that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """What the values of a column are; `decimal` and `json` are kept as text, so that nothing of them is lost."""

    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    STRING = "string"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    JSON = "json"
    BYTES = "bytes"


_WIRE: Final = {
    Kind.DECIMAL: "float",
    Kind.TIME: "string",
    Kind.BYTES: "string",
    Kind.JSON: None,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result; its name is its own."""

    name: str
    kind: Kind

    @property
    def type(self) -> str | None:
        """The type as the dashboard dialect names it."""
        return _WIRE.get(self.kind, self.kind.value)

    @property
    def shown(self) -> dict[str, Any]:
        return {"name": self.name, "friendly_name": self.name, "type": self.type}


def distinct(names: Sequence[str]) -> list[str]:
    """Names of which repeated ones have a number: `x`, `x1`, `x2`; never one that another column has."""
    taken = set(names)
    found: list[str] = []
    used: set[str] = set()
    numbers: dict[str, int] = {}
    for name in names:
        own = name
        while own in used or (own != name and own in taken):
            numbers[name] = numbers.get(name, 0) + 1
            own = f"{name}{numbers[name]}"
        used.add(own)
        found.append(own)
    return found
