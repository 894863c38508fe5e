"""Results to response bodies. The JSON of records comes from PostgreSQL and is only framed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.tables.records.plan import RecordPlan, encode_cursor
from penstock.tables.records.request import Window


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished response."""

    status: int
    body: bytes
    etag: str | None = None


def page(window: Window, rows: str | None, total: int | None, *, extra: str = "") -> Answer:
    """`{data, total, page, page_size}`, and `limit` and `offset` where the request spoke of them."""
    count = "null" if total is None else str(total)
    number = window.offset // window.limit + 1
    text = f'{{"data":[{rows or ""}],"total":{count},"page":{number},"page_size":{window.limit}'
    if window.by_offset:
        text += f',"limit":{window.limit},"offset":{window.offset}'
    return Answer(200, f"{text}{extra}}}".encode())


def walk(plan: RecordPlan, rows: str | None, total: int | None, last: str | None, more: bool) -> Answer:
    """A page of a walk by cursors: `next_cursor` is null at the end."""
    cursor = f'"{encode_cursor(last, plan.order)}"' if more and last else "null"
    count = "null" if total is None else str(total)
    return Answer(
        200,
        f'{{"data":[{rows or ""}],"total":{count},"page_size":{plan.window.limit},"next_cursor":{cursor}}}'.encode(),
    )


def record(row: str, version: str | None = None, *, status: int = 200) -> Answer:
    return Answer(status, f'{{"data":{row}}}'.encode(), etag(version) if version else None)


def records(rows: Sequence[str], *, status: int = 200, extra: str = "") -> Answer:
    return Answer(status, f'{{"data":[{",".join(rows)}]{extra}}}'.encode())


def counted(**facts: Any) -> Answer:
    return Answer(200, msgspec.json.encode(facts))


def etag(version: str) -> str:
    """A record's entity tag: the id of the transaction that wrote it, which every change replaces."""
    return f'"{version}"'


def versions_of(if_match: str | None) -> list[str] | None:
    """The versions a request insists on, from `If-Match`; `*` insists on nothing but existence.

    A weak tag matches nothing (RFC 9110, 13.1.1).
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [tag.strip() for tag in if_match.split(",")]
    return [tag[1:-1] for tag in tags if len(tag) > 2 and tag[0] == tag[-1] == '"']
