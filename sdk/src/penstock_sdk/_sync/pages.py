# Generated from _async/pages.py by scripts/async_to_sync.py; change that file instead.

"""Management lists that iterate across page borders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from penstock_sdk._pages import Page

T = TypeVar("T")


class Pager(Generic[T]):
    """A management list. Iterating it fetches pages as they are needed."""

    def __init__(self, fetch: Callable[[int, int], Page[T]], page_size: int) -> None:
        self._fetch = fetch
        self._page_size = page_size

    def page(self, number: int = 1) -> Page[T]:
        """The page `number`, from 1."""
        return self._fetch(number, self._page_size)

    def pages(self) -> Iterator[Page[T]]:
        """Every page in turn."""
        number = 1
        while True:
            page = self._fetch(number, self._page_size)
            yield page
            if not page.has_next:
                return
            number += 1

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def all(self) -> list[T]:
        """Everything, as a list."""
        return list(self)
