"""Job runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_ends",
        sa.Column("job", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job", "state", name=op.f("job_ends_pkey")),
        schema="penstock",
    )
    op.create_table(
        "job_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=True),
        sa.Column("job", sa.Text(collation="C"), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), server_default="todo", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("most_attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("worker", sa.Uuid(), nullable=True),
        sa.Column("stop_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(collation="C"), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'doing') = (worker IS NOT NULL)", name=op.f("job_runs_worker_check")),
        sa.CheckConstraint(
            "(state IN ('todo', 'doing')) = (finished_at IS NULL)", name=op.f("job_runs_finished_check")
        ),
        sa.CheckConstraint(
            "state IN ('todo', 'doing', 'succeeded', 'failed', 'cancelled', 'aborted')",
            name=op.f("job_runs_state_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("job_runs_pkey")),
        schema="penstock",
    )
    op.create_index(
        "job_runs_finished_at_idx",
        "job_runs",
        ["finished_at"],
        unique=False,
        schema="penstock",
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        "job_runs_key_idx",
        "job_runs",
        ["job", "key"],
        unique=True,
        schema="penstock",
        postgresql_where=sa.text("state = 'todo' AND attempts = 0 AND key IS NOT NULL"),
    )
    op.create_index(
        "job_runs_org_id_id_idx",
        "job_runs",
        ["org_id", "id"],
        unique=False,
        schema="penstock",
        postgresql_where=sa.text("org_id IS NOT NULL"),
    )
    op.create_index(
        "job_runs_running_idx",
        "job_runs",
        ["job", "worker"],
        unique=False,
        schema="penstock",
        postgresql_where=sa.text("state = 'doing'"),
    )
    op.create_index(
        "job_runs_waiting_idx",
        "job_runs",
        ["job", "due_at", "id"],
        unique=False,
        schema="penstock",
        postgresql_where=sa.text("state = 'todo'"),
    )
    op.create_table(
        "job_schedules",
        sa.Column("job", sa.Text(collation="C"), nullable=False),
        sa.Column("next_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("job_schedules_pkey")),
        schema="penstock",
    )
    op.create_table(
        "job_workers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("beat_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("job_workers_pkey")),
        schema="penstock",
    )
