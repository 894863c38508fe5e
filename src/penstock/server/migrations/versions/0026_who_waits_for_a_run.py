"""Who waits for a run."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "query_run_askers",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("asker", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("has_left", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["penstock.query_runs.run_id"],
            name=op.f("query_run_askers_run_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "asker", name=op.f("query_run_askers_pkey")),
        schema="penstock",
    )
