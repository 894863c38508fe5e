"""Answers that hold several objects: pages of a list, and what an upsert did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a management list; `number` counts from 1, `total` counts all objects."""

    items: list[T]
    number: int
    total: int
    has_next: bool


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of records.

    `total` counts all matches (None when it was not asked for); `next_cursor` continues a keyset iteration,
    None at its end.
    """

    data: list[dict[str, Any]]
    total: int | None
    page: int | None = None
    page_size: int | None = None
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """Records, with `_depth`, and the edges between them."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Upserted:
    """What an upsert did: the rows as stored, and how many were new."""

    data: list[dict[str, Any]]
    created: int
    updated: int
