"""Runs of queries: which run of the queue is for whom."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.identity import Principal
from penstock.kit.db import Connection
from penstock.queries.store.results import QUERIES


@dataclass(frozen=True, slots=True)
class Stored:
    """A run of a query, as stored beside that of the queue."""

    run_id: int
    org_id: int
    fingerprint: str
    data_source_id: int | None
    query_id: int | None
    user_id: int | None
    key_id: int | None
    # Of whoever looks: whether they asked for it as well, later than the first, and whether they wait no more.
    is_joined: bool
    is_left: bool


async def joinable(conn: Connection, org_id: int, fingerprint: str) -> int | None:
    """A run of the same query that waits or runs; until this transaction ends nobody else finds none."""
    await lock_fingerprint(conn, org_id, fingerprint)
    return await conn.value(QUERIES["joinable"], org_id, fingerprint)


async def add_run(
    conn: Connection,
    principal: Principal,
    run_id: int,
    fingerprint: str,
    data_source_id: int | None,
    query_id: int | None,
) -> None:
    await conn.execute(
        QUERIES["add_run"],
        run_id,
        principal.org_id,
        fingerprint,
        data_source_id,
        query_id,
        principal.user_id,
        principal.key_id,
    )


async def lock_fingerprint(conn: Connection, org_id: int, fingerprint: str) -> None:
    """Until this transaction ends nobody joins a run of it, nor begins one."""
    await conn.value(QUERIES["lock_fingerprint"], f"{org_id}:{fingerprint}")


async def join_run(conn: Connection, principal: Principal, run_id: int) -> None:
    await conn.execute(QUERIES["join_run"], run_id, _asker(principal))


async def leave_run(conn: Connection, principal: Principal, run_id: int) -> None:
    await conn.execute(QUERIES["leave_run"], run_id, _asker(principal))


async def others_wait(conn: Connection, principal: Principal, run_id: int) -> bool:
    return await conn.value(QUERIES["others_wait"], run_id, _asker(principal))


async def run_of(conn: Connection, principal: Principal, run_id: int) -> Stored | None:
    row = await conn.row(QUERIES["run"], run_id, principal.org_id, _asker(principal))
    return None if row is None else Stored(**{name: row[name] for name in Stored.__dataclass_fields__})


async def payload(conn: Connection, run_id: int) -> str | None:
    """What the queue was given, as JSON."""
    return await conn.value(QUERIES["payload"], run_id)


async def position(conn: Connection, run_id: int) -> int:
    """How many of the org wait before it."""
    return await conn.value(QUERIES["position"], run_id) or 0


def _asker(principal: Principal) -> int:
    """One number for each user, and for each service key."""
    return principal.user_id if principal.user_id is not None else -(principal.key_id or 0)
