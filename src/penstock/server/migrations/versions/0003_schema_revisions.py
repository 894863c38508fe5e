"""Schema revisions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schema_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("table_id", sa.BigInteger(), nullable=False),
        sa.Column("json_schema", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("field_ids", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("rolled_back", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["penstock.users.id"],
            name=op.f("schema_revisions_created_by_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("schema_revisions_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["penstock.data_tables.id"],
            name=op.f("schema_revisions_table_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("schema_revisions_pkey")),
        schema="penstock",
    )
    op.create_index(
        "schema_revisions_table_id_idx",
        "schema_revisions",
        ["table_id", "id"],
        unique=False,
        schema="penstock",
    )
    op.add_column(
        "data_tables",
        sa.Column(
            "field_ids",
            postgresql.JSON(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        schema="penstock",
    )
    op.add_column(
        "operation_history", sa.Column("revision_id", sa.BigInteger(), nullable=True), schema="penstock"
    )
    op.create_index(
        "operation_history_revision_id_idx",
        "operation_history",
        ["revision_id"],
        unique=False,
        schema="penstock",
        postgresql_where=sa.text("revision_id IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("operation_history_revision_id_fkey"),
        "operation_history",
        "schema_revisions",
        ["revision_id"],
        ["id"],
        source_schema="penstock",
        referent_schema="penstock",
        ondelete="CASCADE",
    )
    # An index of a large table is built after the transaction that asked for it.
    op.drop_constraint(
        op.f("operation_history_status_check"), "operation_history", schema="penstock", type_="check"
    )
    op.create_check_constraint(
        op.f("operation_history_status_check"),
        "operation_history",
        "status IN ('success', 'failed', 'rolled_back', 'pending')",
        schema="penstock",
    )
