"""A stored result as the rest of the package sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import msgspec

from penstock.queries.results.columns import Column
from penstock.queries.run.request import QueryRequest


@dataclass(frozen=True)
class StoredFile:
    """A finished Arrow file: `ends` are the numbers of rows up to the end of each batch."""

    name: str
    columns: Sequence[Column]
    ends: Sequence[int]
    size: int
    truncated: bool

    @property
    def rows(self) -> int:
        return self.ends[-1] if self.ends else 0

    @cached_property
    def shown(self) -> bytes:
        """The columns as JSON, which each of its pages begins with."""
        return msgspec.json.encode([one.shown for one in self.columns])


@dataclass(frozen=True, slots=True)
class Result:
    """A stored result with what it came from. `fingerprint` is all that decides what rows a reader gets."""

    id: int
    org_id: int
    fingerprint: str
    request: QueryRequest
    query_hash: str
    query_text: str
    data_source_id: int | None
    # The saved query for which it was run last.
    query_id: int | None
    file: StoredFile
    runtime: float
    retrieved_at: datetime
