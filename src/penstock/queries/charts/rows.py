"""Rows of a stored result for a picture: few enough to be drawn, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries.results.columns import Column
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import Result
from penstock.queries.results.reading import ResultFiles
from penstock.queries.service import reading

MOST_ROWS = 10_000
_MOST_BYTES = 8 * 1024 * 1024
_rows = msgspec.json.Decoder(list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows by the names of their columns, with how many the result has in all."""

    columns: Sequence[Column]
    rows: Sequence[dict[str, Any]]
    total: int

    def column(self, name: str) -> Column | None:
        return next((one for one in self.columns if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Texts:
    """Rows as text, every digit kept, with how many the result has in all."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | None]]
    total: int


async def rows_of(ctx: Context, result: Result) -> Rows:
    """All of them. Raises `BadRequest` when they are more than a picture can show."""
    total = result.file.rows
    if total > MOST_ROWS:
        raise errors.BadRequest(
            f"The result has {total:,} rows, and a chart draws {MOST_ROWS:,} at most.",
            hint="Group or limit the rows in SQL.",
        )
    raw = await reading.page(ctx, result, 0, total, Instants.DASHBOARD)
    if len(raw) > _MOST_BYTES:
        raise errors.BadRequest(
            f"The rows of the result take {len(raw):,} bytes, and a chart draws {_MOST_BYTES:,} at most.",
            hint="Select only the columns that the chart shows.",
        )
    return Rows(result.file.columns, _rows.decode(b"[" + raw + b"]"), total)


async def texts_of(ctx: Context, result: Result, start: int, count: int) -> Texts:
    """Some of them."""
    from penstock.queries.results.texts import plain_texts

    columns = result.file.columns
    found: list[Sequence[str | None]] = []
    for batch in await ctx.get(ResultFiles).page(result.file, start, count):
        texts = [
            plain_texts(batch.column(number), column, Instants.DASHBOARD).to_pylist()
            for number, column in enumerate(columns)
        ]
        found += zip(*texts, strict=True)
    return Texts(columns, found, result.file.rows)
