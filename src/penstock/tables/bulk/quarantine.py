"""Rows that an import set aside: kept with what was wrong with them, shown, handed out, and forgotten."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import msgspec

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.clock import iso
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page
from penstock.tables.bulk.options import ImportOptions
from penstock.tables.bulk.rows import RowFault, encode
from penstock.tables.bulk.tally import Tally
from penstock.tables.models import DataTable

_FAR = 2**53
_STEP = 500  # rows at a time; each may have megabytes

_BEGIN = """
INSERT INTO penstock.imports (org_id, table_id, format, mode, created_by) VALUES ($1, $2, $3, $4, $5) RETURNING id
"""
_ADD = """
INSERT INTO penstock.quarantined_rows (import_id, row, data, errors)
SELECT $1, x.row, x.data::json, x.errors::json
FROM unnest($2::bigint[], $3::text[], $4::text[]) AS x(row, data, errors)
"""
_FINISH = """
UPDATE penstock.imports SET read = $2, created = $3, updated = $4, quarantined = $5 WHERE id = $1
"""
_FORGET = """
DELETE FROM penstock.imports WHERE table_id = $1 AND created_at < now() - make_interval(days => $2)
"""
_OWN = "(NOT $3::boolean OR i.created_by = $4::bigint)"
_SHOWN = f"""
i.id, i.format, i.mode, i.read, i.created, i.updated, i.quarantined, i.created_at, u.username
FROM penstock.imports i LEFT JOIN penstock.users u ON u.id = i.created_by
WHERE i.org_id = $1 AND i.table_id = $2 AND {_OWN}
"""
_ROWS = """
SELECT row, data::text AS data, errors::text AS errors FROM penstock.quarantined_rows
WHERE import_id = $1 AND row > $2 ORDER BY row LIMIT $3
"""
_PAGE = """
SELECT row, data::text AS data, errors::text AS errors FROM penstock.quarantined_rows
WHERE import_id = $1 ORDER BY row LIMIT $2 OFFSET $3
"""


class Quarantine:
    """The rows that one import sets aside, written in its transaction."""

    def __init__(self, grant: Grant, table: DataTable, options: ImportOptions, most: int, days: int) -> None:
        self._grant = grant
        self._table = table
        self._options = options
        self._most = most
        self._days = days

    async def add(
        self, conn: Connection, tally: Tally, faults: Sequence[RowFault], raw: Mapping[int, bytes]
    ) -> None:
        """Set rows aside. Raises `Invalid` when they become too many."""
        by_row: dict[int, dict[str, list[str]]] = {}
        for one in faults:
            by_row.setdefault(one.row, {}).setdefault(one.field, []).append(one.reason)
        if tally.quarantined + len(by_row) > self._most:
            raise errors.Invalid(
                {"on_error": [f"More than {self._most:,} rows are faulty; nothing was imported."]},
                more={"faults": tally.answer()["faults"]},
            )
        if tally.quarantine is None:
            await conn.execute(_FORGET, self._table.id, self._days)
            tally.quarantine = await conn.value(
                _BEGIN,
                self._grant.org_id,
                self._table.id,
                self._options.format,
                self._options.mode,
                self._grant.principal.user_id,
            )
        # As arrays of text: inside one JSON document PostgreSQL would refuse the character NUL.
        data = [raw[row].decode() for row in by_row]
        faulty = [encode(found).decode() for found in by_row.values()]
        await conn.execute(_ADD, tally.quarantine, list(by_row), data, faulty)
        tally.quarantined += len(by_row)

    async def finish(self, conn: Connection, tally: Tally) -> None:
        """Note how the import ended."""
        if tally.quarantine is not None:
            counts = (tally.read, tally.created, tally.updated, tally.quarantined)
            await conn.execute(_FINISH, tally.quarantine, *counts)


async def imports(
    conn: Connection, grant: Grant, table: DataTable, page: Page, *, own: bool = False
) -> tuple[int, list[dict[str, Any]]]:
    """How many imports of the table have rows in quarantine, and one page of them, newest first.

    Their rows may be of anybody's, so under rules a caller sees their `own` alone.
    """
    count = f"SELECT count(*) FROM penstock.imports i WHERE i.org_id = $1 AND i.table_id = $2 AND {_OWN}"  # noqa: S608  (constants)
    whose = (own, grant.principal.user_id)
    total = await conn.value(count, grant.org_id, table.id, *whose)
    rows = await conn.rows(
        f"SELECT {_SHOWN} ORDER BY i.id DESC LIMIT $5 OFFSET $6",
        grant.org_id,
        table.id,
        *whose,
        page.size,
        min(page.offset, _FAR),
    )
    return total, [_shown(row) for row in rows]


async def one_import(
    conn: Connection, grant: Grant, table: DataTable, number: int, *, own: bool = False
) -> dict[str, Any]:
    """Raises `NotFound`."""
    whose = (own, grant.principal.user_id)
    row = await conn.row(f"SELECT {_SHOWN} AND i.id = $5", grant.org_id, table.id, *whose, number)
    if row is None:
        raise errors.NotFound
    return _shown(row)


async def rows_of(conn: Connection, number: int, page: Page) -> list[dict[str, Any]]:
    """One page of the rows of an import that the caller has looked up."""
    return [_quarantined(row) for row in await conn.rows(_PAGE, number, page.size, min(page.offset, _FAR))]


async def lines_of(conn: Connection, number: int) -> AsyncGenerator[bytes]:
    """All rows of an import that the caller has looked up, as lines of JSON."""
    last = 0
    while rows := await conn.rows(_ROWS, number, last, _STEP):
        yield b"".join(encode(_quarantined(row)) + b"\n" for row in rows)
        last = rows[-1]["row"]


async def forget(conn: Connection, grant: Grant, table: DataTable, number: int, *, own: bool = False) -> None:
    """Raises `NotFound`."""
    await one_import(conn, grant, table, number, own=own)
    found = await conn.execute(
        "DELETE FROM penstock.imports WHERE org_id = $1 AND table_id = $2 AND id = $3",
        grant.org_id,
        table.id,
        number,
    )
    if not found:
        raise errors.NotFound


def _quarantined(row: Row) -> dict[str, Any]:
    return {
        "row": row["row"],
        "data": msgspec.Raw(row["data"].encode()),
        "errors": msgspec.Raw(row["errors"].encode()),
    }


def _shown(row: Row) -> dict[str, Any]:
    names = ("id", "format", "mode", "read", "created", "updated", "quarantined")
    return {
        **{name: row[name] for name in names},
        "created_at": iso(row["created_at"]),
        "created_by": row["username"],
    }
