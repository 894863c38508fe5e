"""The job that finishes schema changes, as those who have it done see it."""

from __future__ import annotations

from typing import Final

import msgspec

from penstock.identity import Grant
from penstock.kit import jobs
from penstock.kit.db import Connection
from penstock.kit.jobs import Job
from penstock.tables.models import DataTable

DAY: Final = 86_400.0


class Unfinished(msgspec.Struct):
    """A table of which some operations are pending."""

    table_id: int


FINISH = Job(
    "tables.finish_change", Unfinished, attempts=30, time_limit=DAY, first_delay=1.0, longest_delay=60.0
)
# Whoever works on a table outside of transactions holds this lock as long. Nobody waits for it: a waiting lock would
# hold a snapshot, and building an index waits for old snapshots to go.
HOLD: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


def lock_name(table_id: int) -> str:
    return f"penstock.finish_change.{table_id}"


async def finish_later(conn: Connection, grant: Grant, table: DataTable) -> None:
    """Have the pending operations of a table done when this transaction commits."""
    await jobs.defer(conn, FINISH, Unfinished(table.id), org_id=grant.org_id, key=str(table.id))
