"""The tables of the queue, as SQLAlchemy Core; migrations are made from them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from penstock.kit.metadata import INSTANT, TEXT, created_column, identity_column, metadata

_WAITING = text("state = 'todo'")
_RUNNING = text("state = 'doing'")

job_runs = Table(
    "job_runs",
    metadata,
    identity_column(),
    # No reference: the queue knows nothing of orgs, and a run may belong to none.
    Column("org_id", BigInteger),
    Column("job", TEXT, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("key", TEXT),
    Column("state", TEXT, nullable=False, server_default="todo"),
    # With which attempt it is busy; `most_attempts` is copied from the job, so that anyone can end a lost run.
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("most_attempts", Integer, nullable=False),
    Column("due_at", INSTANT, nullable=False),
    Column("worker", Uuid),
    Column("stop_requested", Boolean, nullable=False, server_default=text("false")),
    Column("done", BigInteger),
    Column("total", BigInteger),
    Column("error", TEXT),
    Column("result", JSONB),
    created_column(),
    Column("started_at", INSTANT),
    Column("finished_at", INSTANT),
    CheckConstraint(
        "state IN ('todo', 'doing', 'succeeded', 'failed', 'cancelled', 'aborted')", name="state"
    ),
    CheckConstraint("(state = 'doing') = (worker IS NOT NULL)", name="worker"),
    CheckConstraint("(state IN ('todo', 'doing')) = (finished_at IS NULL)", name="finished"),
    Index("job_runs_waiting_idx", "job", "due_at", "id", postgresql_where=_WAITING),
    Index("job_runs_running_idx", "job", "worker", postgresql_where=_RUNNING),
    # A retry waits too, but has been seen: what is deferred meanwhile is new to it.
    Index(
        "job_runs_key_idx",
        "job",
        "key",
        unique=True,
        postgresql_where=text("state = 'todo' AND attempts = 0 AND key IS NOT NULL"),
    ),
    Index("job_runs_finished_at_idx", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    Index("job_runs_org_id_id_idx", "org_id", "id", postgresql_where=text("org_id IS NOT NULL")),
)

job_workers = Table(
    "job_workers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("concurrency", Integer, nullable=False),
    created_column("started_at"),
    created_column("beat_at"),
)

job_schedules = Table(
    "job_schedules",
    metadata,
    Column("job", TEXT, primary_key=True),
    Column("next_at", INSTANT, nullable=False),
)

# Ends of runs that have been cleaned away since, so that the counts of the metrics never fall.
job_ends = Table(
    "job_ends",
    metadata,
    Column("job", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("job", "state"),
)
