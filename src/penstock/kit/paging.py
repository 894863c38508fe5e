"""Paging of management lists: a bare array, or the envelope of `?page=` and `?page_size=`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from penstock.kit import errors

DEFAULT_SIZE = 20
MAX_SIZE = 100
# Eighteen digits: any more could leave the range of 64 bits.
MAX_NUMBER = 10**18 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """One page asked for; `number` counts from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


def requested(pairs: Sequence[tuple[str, str]]) -> Page | None:
    """The page a request asks for, or None when it wants the bare list."""
    given = {name: value for name, value in pairs if name in ("page", "page_size")}
    if not given:
        return None
    number = positive("page", given.get("page", "1"))
    size = positive("page_size", given.get("page_size", str(DEFAULT_SIZE)))
    return Page(number, min(size, MAX_SIZE))


def positive(name: str, text: str, *, least: int = 1) -> int:
    """A whole number of at least `least`; raises `Invalid` naming the parameter."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < least:
        kind = "a whole number of 1 or more" if least == 1 else "a whole number of 0 or more"
        raise errors.Invalid({name: [f"'{text[:40]}' is not {kind}."]})
    return int(text)


def envelope(
    page: Page, total: int, results: Sequence[Any], url: str, pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """`{count, next, previous, results}`; a page beyond the end is 404, but the first page always exists."""
    last = max(1, -(-total // page.size))
    if page.number > last:
        raise errors.NotFound("Invalid page.")
    others = [(name, value) for name, value in pairs if name != "page"]

    def link(number: int) -> str | None:
        return f"{url}?{urlencode([*others, ('page', number)])}" if 1 <= number <= last else None

    return {
        "count": total,
        "next": link(page.number + 1),
        "previous": link(page.number - 1),
        "results": list(results),
    }
