"""What anyone does with the queue: defer a run, look at it, stop it."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from penstock.kit import statements
from penstock.kit.db import Connection, Row
from penstock.kit.jobs.model import Job, KnownWorker, RunningJob, RunState, RunView

P = TypeVar("P", bound=msgspec.Struct)
_MOST: Final = 1000
QUERIES: Final = statements.load("penstock.kit.jobs")
# Heard by workers: something waits; the run with this id is to stop.
WAITING_CHANNEL, STOP_CHANNEL = "penstock_jobs", "penstock_jobs_stop"


async def defer(
    conn: Connection,
    job: Job[P],
    payload: P,
    *,
    org_id: int | None = None,
    key: str | None = None,
    delay: float = 0.0,
) -> int:
    """Have `job` run when this transaction commits, `delay` seconds later; gives the run's id.

    While a run of the job with the same `key` waits, that one is given and its payload stays.
    """
    text = msgspec.json.encode(payload).decode()
    run_id: int = await conn.value(
        QUERIES["defer"], org_id, job.name, text, key, job.attempts, max(delay, 0.0)
    )
    await conn.notify(WAITING_CHANNEL, "")
    return run_id


async def cancel(conn: Connection, run_id: int, *, org_id: int | None = None) -> RunState | None:
    """Stop a run: at once while it waits, as soon as it lets go when it runs. None: there is nothing to stop."""
    state = await conn.value(QUERIES["cancel"], run_id, org_id)
    if state is None:
        return None
    await conn.notify(STOP_CHANNEL, str(run_id))
    return RunState(state)


async def find(conn: Connection, run_id: int, *, org_id: int | None = None) -> RunView | None:
    """A run, of this org only when one is given."""
    row = await conn.row(QUERIES["find"], run_id, org_id)
    return None if row is None else _view(row)


async def counts(conn: Connection) -> dict[tuple[str, RunState], int]:
    """How many runs wait, run, and have ever ended, by job and state."""
    rows = await conn.rows(QUERIES["counts"])
    return {(row["job"], RunState(row["state"])): row["number"] for row in rows}


async def workers(conn: Connection) -> list[KnownWorker]:
    rows = await conn.rows(QUERIES["workers"], _MOST)
    return [KnownWorker(**{name: row[name] for name in KnownWorker.__dataclass_fields__}) for row in rows]


async def running(conn: Connection) -> list[RunningJob]:
    """What is being done at the moment."""
    rows = await conn.rows(QUERIES["running"], _MOST)
    return [RunningJob(**{name: row[name] for name in RunningJob.__dataclass_fields__}) for row in rows]


async def clean(conn: Connection, *, keep: float, keep_failed: float, most: int = 5000) -> int:
    """Forget runs that ended so many seconds ago; gives how many, at most `most`."""
    return await conn.value(QUERIES["clean"], keep, keep_failed, most)


def _view(row: Row) -> RunView:
    return RunView(
        id=row["id"],
        org_id=row["org_id"],
        job=row["job"],
        state=RunState(row["state"]),
        attempts=row["attempts"],
        done=row["done"],
        total=row["total"],
        error=row["error"],
        result=None if row["result"] is None else msgspec.json.decode(row["result"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )
