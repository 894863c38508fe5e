"""The answers that typed records come in, and the names of their fields in Python and on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class One(msgspec.Struct, Generic[T]):
    data: T


class Many(msgspec.Struct, Generic[T]):
    data: list[T]
    total: int | None = None
    next_cursor: str | None = None


def names_on_the_wire(filters: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Conditions such as `class___gt` by the names that the server knows, such as `class__gt`."""
    if not renamed:
        return dict(filters)
    found: dict[str, Any] = {}
    for key, value in filters.items():
        if key in renamed:
            found[f"{renamed[key]}__eq" if value is not None else renamed[key]] = value
            continue
        field, separator, operator = key.rpartition("__")
        found[f"{renamed.get(field, field)}{separator}{operator}" if separator else key] = value
    return found
