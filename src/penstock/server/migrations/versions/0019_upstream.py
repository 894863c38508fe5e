"""Queries that another service runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstream_queries",
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("caller", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("upstream_queries_pkey")),
        schema="penstock",
    )
    op.create_index(
        "upstream_queries_caller_idx",
        "upstream_queries",
        ["caller", "used_at"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "upstream_queries_used_at_idx", "upstream_queries", ["used_at"], unique=False, schema="penstock"
    )
    op.create_table(
        "upstream_results",
        sa.Column("file", sa.Text(collation="C"), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("columns", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ends", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column(
            "retrieved_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("file", name=op.f("upstream_results_pkey")),
        schema="penstock",
    )
    op.create_index(
        "upstream_results_question_idx",
        "upstream_results",
        ["question", "retrieved_at"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "upstream_results_retrieved_at_idx",
        "upstream_results",
        ["retrieved_at"],
        unique=False,
        schema="penstock",
    )
