"""Finished documents, kept while there is room: they are dear to make and large."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from litestar.response.base import ASGIResponse

from penstock.kit import http

_BUDGET = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is sent."""

    content: bytes
    etag: str


class Documents:
    """The documents asked for last, by whatever tells them apart, their versions included."""

    def __init__(self, budget: int = _BUDGET) -> None:
        self._budget = budget
        self._size = 0
        self._kept: OrderedDict[Hashable, Document] = OrderedDict()

    def find(self, key: Hashable) -> Document | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def make(self, key: Hashable, write: Callable[[], bytes]) -> Document:
        """Write a document and keep it. May be called in a thread."""
        content = write()
        made = Document(content, http.etag(content))
        self._drop(self._kept.pop(key, None))
        self._kept[key] = made
        self._size += len(content)
        while self._size > self._budget and self._kept:
            self._drop(self._kept.popitem(last=False)[1])
        return made

    def _drop(self, gone: Document | None) -> None:
        if gone is not None:
            self._size -= len(gone.content)


def answer(request: http.AnyRequest, document: Document) -> ASGIResponse:
    """The document, or 304 when the caller has it. It differs by caller, so nobody else may keep it."""
    headers = {"ETag": document.etag, "Cache-Control": "private, no-cache"}
    if http.not_modified(request, document.etag):
        return ASGIResponse(status_code=304, headers=headers)
    return http.raw_json(document.content, 200, headers)
