"""A range of values, as typed records carry it."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

import msgspec

Bound = TypeVar("Bound")


class Range(msgspec.Struct, Generic[Bound], frozen=True):
    """From `lower` to `upper`; None is an open end. `bounds` says which ends belong to it."""

    lower: Bound | None = None
    upper: Bound | None = None
    bounds: Literal["[)", "[]", "(]", "()"] = "[)"
    empty: bool = False

    def __str__(self) -> str:
        """As a filter takes it, such as `[1,10)`."""
        if self.empty:
            return "empty"
        ends = [
            "" if end is None else msgspec.json.encode(end).decode().strip('"')
            for end in (self.lower, self.upper)
        ]
        return f"{self.bounds[0]}{ends[0]},{ends[1]}{self.bounds[1]}"
