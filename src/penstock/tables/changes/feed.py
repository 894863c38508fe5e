"""Reads a feed from a place on: the same for an answer, for a stream of events, and for webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penstock.kit import errors
from penstock.kit.db import Pool, Row, Scoped
from penstock.tables.changes.compile import compile_changes
from penstock.tables.changes.cursor import NOTHING, Cursor
from penstock.tables.changes.plan import ChangesPlan
from penstock.tables.errors import CursorExpired
from penstock.tables.records.compile import Statement
from penstock.tables.records.execute import read
from penstock.tables.rules.limits import SETTING


@dataclass(frozen=True, slots=True)
class Told:
    """A change as somebody sees it. `key`, `record` and the whole are JSON; a deleted record is `null`."""

    cursor: str
    op: str
    key: str
    record: str
    at: str

    @property
    def json(self) -> str:
        return (
            f'{{"cursor":"{self.cursor}","op":"{self.op}","key":{self.key},'
            f'"record":{self.record},"at":"{self.at}"}}'
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes, and where to go on; with `more`, there is something to read there already."""

    changes: Sequence[Told]
    next: Cursor
    more: bool


async def now(pool: Pool, table_id: int) -> Cursor:
    """The place behind everything that has happened."""
    row = await read(
        pool,
        Statement(
            "SELECT epoch, pg_current_snapshot()::text AS now FROM penstock.record_feeds WHERE table_id = $1",
            [table_id],
        ),
    )
    if row is None:
        raise errors.Outdated
    return Cursor(row["epoch"], row["now"])


async def changes(pool: Pool, plan: ChangesPlan, since: Cursor, limit: int) -> Page:
    """At most `limit` changes, and possibly none while there are more: those that are not for the reader count.

    Raises `CursorExpired` when changes are missing that should come next.
    """
    told, place, left = await _read(pool, plan, since, limit)
    if since.upto is None:
        return Page(told, place, left.more)
    if left.more or left.count >= limit:
        # Behind the newer snapshot there may be more.
        return Page(told, place, more=True)
    # The newer snapshot is used up; what has happened since fills the page.
    further, place, rest = await _read(pool, plan, place, limit - left.count)
    return Page([*told, *further], place, rest.more)


@dataclass(frozen=True, slots=True)
class _Left:
    count: int
    more: bool


async def _read(pool: Pool, plan: ChangesPlan, since: Cursor, limit: int) -> tuple[list[Told], Cursor, _Left]:
    # PostgreSQL gives out the changes of tables that the transaction names, and of no others.
    told_of = f'{{"f":[{plan.table.definition.id:d}]}}'
    row = await read(Scoped(pool, SETTING, told_of), compile_changes(plan, since, limit))
    if row is None:
        raise errors.Outdated
    _require_kept(row, since)
    upto, high = since.upto or row["now"], since.high if since.upto else row["high"] or 0
    walk = Cursor(row["epoch"], since.seen, upto, 0, high)
    told = _told(row, walk)
    place = walk.at(row["last"]) if row["more"] else walk.beyond()
    return told, place, _Left(row["scanned"], row["more"])


def _told(row: Row, walk: Cursor) -> list[Told]:
    columns: list[Any] = [row[name] or () for name in ("ids", "ops", "keys", "records", "ats")]
    return [
        Told(walk.at(number).encode(), op, key, record if op != "delete" else "null", at)
        for number, op, key, record, at in zip(*columns, strict=True)
    ]


def _require_kept(row: Row, since: Cursor) -> None:
    if since.seen == NOTHING and not since.epoch:
        return
    if since.epoch != row["epoch"]:
        raise CursorExpired("The change feed began anew since this cursor was given out.")
    gone = int(row["gone_xid"])
    if gone < int(since.least):
        return
    if since.upto is not None and gone < int(since.upto.partition(":")[0]) and row["gone_id"] <= since.last:
        return
    raise CursorExpired
