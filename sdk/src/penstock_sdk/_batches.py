"""Cutting a stream of rows into requests, and finding a bad row again in the stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from penstock_sdk._errors import PenstockError, RowFault


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """How far a bulk call has come: rows stored so far, and by the last request."""

    rows: int
    last: int


def chunks(rows: Iterable[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    """Lists of up to `size` rows; never holds more than one."""
    if size < 1:
        raise ValueError(f"chunk must be 1 or more, not {size}")
    iterator = iter(rows)
    while part := list(islice(iterator, size)):
        yield part


def located(error: PenstockError, before: int) -> PenstockError:
    """The same error, its row indexes counted from the first row of the stream instead of the request."""
    error.rows = [RowFault(fault.index + before, fault.errors) for fault in error.rows]
    return error
