"""One page of a list, or all of it up to a cap that keeps bare lists bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from penstock.kit import errors
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page

BARE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of a list. `total` is known when a page was asked for; `more` says that a bare list was cut."""

    rows: Sequence[Row]
    total: int | None
    more: bool


async def listing(conn: Connection, statement: Select[*tuple[Any, ...]], page: Page | None) -> Listing:
    """`statement` must be ordered. A page beyond the end is 404."""
    if page is None:
        rows = await conn.rows(statement.limit(BARE_LIMIT + 1))
        return Listing(rows[:BARE_LIMIT], None, len(rows) > BARE_LIMIT)
    total: int = await conn.value(select(func.count()).select_from(statement.order_by(None).subquery()))
    if page.number > 1 and page.offset >= total:
        raise errors.NotFound("Invalid page.")
    return Listing(await conn.rows(statement.limit(page.size).offset(page.offset)), total, False)
