"""Management lists that iterate across page borders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from penstock_sdk._pages import Page

T = TypeVar("T")


class AsyncPager(Generic[T]):
    """A management list. Iterating it fetches pages as they are needed."""

    def __init__(self, fetch: Callable[[int, int], Awaitable[Page[T]]], page_size: int) -> None:
        self._fetch = fetch
        self._page_size = page_size

    async def page(self, number: int = 1) -> Page[T]:
        """The page `number`, from 1."""
        return await self._fetch(number, self._page_size)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Every page in turn."""
        number = 1
        while True:
            page = await self._fetch(number, self._page_size)
            yield page
            if not page.has_next:
                return
            number += 1

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def all(self) -> list[T]:
        """Everything, as a list."""
        return [item async for item in self]
