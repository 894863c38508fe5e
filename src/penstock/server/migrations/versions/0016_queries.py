"""Queries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "queries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), nullable=True),
        sa.Column("text", sa.Text(collation="C"), nullable=False),
        sa.Column("data_source_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("schedule", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "tags", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("is_archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_draft", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("modified_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[A-Za-z][A-Za-z0-9_-]*$'", name=op.f("queries_slug_check")),
        sa.ForeignKeyConstraint(
            ["data_source_id"],
            ["penstock.data_sources.id"],
            name=op.f("queries_data_source_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["penstock.api_keys.id"], name=op.f("queries_key_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["modified_by"], ["penstock.users.id"], name=op.f("queries_modified_by_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("queries_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("queries_user_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("queries_pkey")),
        schema="penstock",
    )
    op.create_index(
        "queries_data_source_id_idx", "queries", ["data_source_id"], unique=False, schema="penstock"
    )
    op.create_index(
        "queries_org_id_created_at_idx",
        "queries",
        ["org_id", "created_at", "id"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "queries_slug_key",
        "queries",
        ["org_id", "slug"],
        unique=True,
        schema="penstock",
        postgresql_where=sa.text("slug IS NOT NULL"),
    )
    op.create_table(
        "query_favorites",
        sa.Column("query_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["penstock.queries.id"],
            name=op.f("query_favorites_query_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("query_favorites_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("query_id", "user_id", name=op.f("query_favorites_pkey")),
        schema="penstock",
    )
    op.create_index(
        "query_favorites_user_id_idx", "query_favorites", ["user_id"], unique=False, schema="penstock"
    )
    op.create_table(
        "query_results",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(collation="C"), nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("query_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("query_text", sa.Text(collation="C"), nullable=False),
        sa.Column("data_source_id", sa.BigInteger(), nullable=True),
        sa.Column("query_id", sa.BigInteger(), nullable=True),
        sa.Column("file", sa.Text(collation="C"), nullable=False),
        sa.Column("columns", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ends", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("truncated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("runtime", sa.Double(), nullable=False),
        sa.Column(
            "retrieved_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["data_source_id"],
            ["penstock.data_sources.id"],
            name=op.f("query_results_data_source_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("query_results_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["penstock.queries.id"],
            name=op.f("query_results_query_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("query_results_pkey")),
        sa.UniqueConstraint("file", name=op.f("query_results_file_key")),
        schema="penstock",
    )
    op.create_index(
        "query_results_data_source_id_idx",
        "query_results",
        ["data_source_id"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "query_results_fingerprint_idx",
        "query_results",
        ["org_id", "fingerprint", "retrieved_at"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "query_results_query_id_idx", "query_results", ["query_id"], unique=False, schema="penstock"
    )
    op.create_index(
        "query_results_retrieved_at_idx", "query_results", ["retrieved_at"], unique=False, schema="penstock"
    )
    op.create_table(
        "query_runs",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(collation="C"), nullable=False),
        sa.Column("data_source_id", sa.BigInteger(), nullable=True),
        sa.Column("query_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["data_source_id"],
            ["penstock.data_sources.id"],
            name=op.f("query_runs_data_source_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["penstock.api_keys.id"], name=op.f("query_runs_key_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("query_runs_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["query_id"], ["penstock.queries.id"], name=op.f("query_runs_query_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["penstock.job_runs.id"], name=op.f("query_runs_run_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("query_runs_user_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("query_runs_pkey")),
        schema="penstock",
    )
    op.create_index(
        "query_runs_data_source_id_idx", "query_runs", ["data_source_id"], unique=False, schema="penstock"
    )
    op.create_index(
        "query_runs_fingerprint_idx", "query_runs", ["org_id", "fingerprint"], unique=False, schema="penstock"
    )
    op.create_index("query_runs_query_id_idx", "query_runs", ["query_id"], unique=False, schema="penstock")
    op.create_table(
        "visualizations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("query_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["penstock.queries.id"],
            name=op.f("visualizations_query_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("visualizations_pkey")),
        schema="penstock",
    )
    op.create_index(
        "visualizations_query_id_idx", "visualizations", ["query_id", "id"], unique=False, schema="penstock"
    )
