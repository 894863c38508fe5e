"""What every resource does the same way: path segments, models with their entity tag, paged lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from penstock_sdk._answer import Answer
from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._pages import Page

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class AsyncResource:
    """A part of the API below one path."""

    def __init__(self, transport: AsyncTransport, path: str) -> None:
        self._transport = transport
        self._path = path

    def _pager(
        self, path: str, kind: type[T], page_size: int, filters: list[tuple[str, str]] | None = None
    ) -> AsyncPager[T]:
        async def fetch(number: int, size: int) -> Page[T]:
            params = [*(filters or []), ("page", str(number)), ("page_size", str(size))]
            answer = await self._transport.request("GET", path, params=params)
            envelope = answer.json()
            items = msgspec.convert(envelope["results"], list[kind], strict=True)
            return Page(items, number, int(envelope["count"]), envelope.get("next") is not None)

        return AsyncPager(fetch, page_size)

    def _counted(
        self, path: str, kind: type[T], page_size: int, filters: list[tuple[str, str]]
    ) -> AsyncPager[T]:
        """A list of the dashboard dialect, whose pages say how long they are and how many objects there are."""

        async def fetch(number: int, size: int) -> Page[T]:
            params = [*filters, ("page", str(number)), ("page_size", str(size))]
            body = (await self._transport.request("GET", path, params=params)).json()
            count = int(body["count"])
            items = msgspec.convert(body["results"], list[kind], strict=False)
            return Page(items, number, count, number * int(body["page_size"]) < count)

        return AsyncPager(fetch, page_size)


def segment(value: object) -> str:
    """A value as one path segment, slashes and all."""
    return quote(str(value), safe="")


def tagged(answer: Answer, kind: type[S]) -> S:
    """The answer as a model that knows its entity tag."""
    return msgspec.structs.replace(answer.as_type(kind), etag=answer.etag)


def matching(if_match: str | None) -> dict[str, str]:
    """The header that makes a change conditional."""
    return {} if if_match is None else {"If-Match": if_match}


def given(**values: Any) -> dict[str, Any]:
    """The arguments that were given: those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def flags(values: Mapping[str, bool]) -> list[tuple[str, str]]:
    """The flags that are set, as query parameters."""
    return [(name, "true") for name, value in values.items() if value]
