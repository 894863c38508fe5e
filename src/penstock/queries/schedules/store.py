"""When queries run by themselves, as stored: apart from the queries, so that no turn is an edit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, text

from penstock.kit import statements
from penstock.kit.db import Connection, Row
from penstock.kit.jobs import RunState
from penstock.kit.metadata import INSTANT, SCHEMA, TEXT, metadata

QUERIES: Final = statements.load("penstock.queries.schedules")

query_schedules = Table(
    "query_schedules",
    metadata,
    Column(
        "query_id",
        BigInteger,
        ForeignKey(f"{SCHEMA}.queries.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    # None: it was stopped, and `error` says why.
    Column("next_at", INSTANT),
    Column("attempted_at", INSTANT),
    # In a row, without the run that may be under way.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("error", TEXT),
    # Of the job queue; what came of it is looked up there.
    Column("run_id", BigInteger),
    Index("query_schedules_next_at_idx", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    Index("query_schedules_org_id_idx", "org_id", "next_at"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """When a query runs next, and how it went so far; `run_state` is None when there is no last run to know of."""

    query_id: int
    org_id: int
    next_at: datetime | None
    attempted_at: datetime | None
    failures: int
    error: str | None
    run_id: int | None
    run_state: RunState | None
    run_error: str | None

    @property
    def is_running(self) -> bool:
        return self.run_state in (RunState.TODO, RunState.DOING)

    @property
    def failed(self) -> bool:
        """True when the last run did."""
        return self.run_state in (RunState.FAILED, RunState.ABORTED, RunState.CANCELLED)


async def find(conn: Connection, query_id: int, *, lock: bool = False) -> Plan | None:
    """`lock`: nobody else plans until the transaction ends. Who edits a query locks that one first, and so do we."""
    if lock:
        await conn.execute(QUERIES["lock_query"], query_id)
    row = await conn.row(QUERIES["lock" if lock else "find"], query_id)
    return None if row is None else _plan(row)


async def put(conn: Connection, query_id: int, org_id: int, next_at: datetime) -> None:
    await conn.execute(QUERIES["put"], query_id, org_id, next_at)


async def drop(conn: Connection, query_id: int) -> None:
    await conn.execute(QUERIES["drop"], query_id)


async def note(
    conn: Connection,
    query_id: int,
    next_at: datetime | None,
    *,
    attempted_at: datetime | None = None,
    failures: int = 0,
    error: str | None = None,
    run_id: int | None = None,
) -> None:
    await conn.execute(QUERIES["note"], query_id, next_at, attempted_at, failures, error, run_id)


async def clear(conn: Connection, query_id: int) -> None:
    await conn.execute(QUERIES["clear"], query_id)
    await conn.execute(QUERIES["drop"], query_id)


async def last_result(conn: Connection, query_id: int) -> datetime | None:
    return await conn.value(QUERIES["last_result"], query_id)


async def outdated(conn: Connection, org_id: int, most: int) -> list[int]:
    return [row["query_id"] for row in await conn.rows(QUERIES["outdated"], org_id, most)]


async def forsaken(conn: Connection, seconds: float, most: int) -> list[tuple[int, int]]:
    """The queries and their orgs."""
    rows = await conn.rows(QUERIES["forsaken"], seconds, most)
    return [(row["query_id"], row["org_id"]) for row in rows]


def _plan(row: Row) -> Plan:
    values = {name: row[name] for name in Plan.__dataclass_fields__}
    values["run_state"] = None if row["run_state"] is None else RunState(row["run_state"])
    return Plan(**values)
