"""Row rules of tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "table_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("table_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("subjects", sa.Text(collation="C"), nullable=True),
        sa.Column("read_filter", sa.Text(collation="C"), nullable=True),
        sa.Column("write_filter", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "hidden_fields", postgresql.ARRAY(sa.Text(collation="C")), server_default="{}", nullable=False
        ),
        sa.Column(
            "read_only_fields", postgresql.ARRAY(sa.Text(collation="C")), server_default="{}", nullable=False
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["penstock.users.id"],
            name=op.f("table_rules_created_by_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("table_rules_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["penstock.data_tables.id"],
            name=op.f("table_rules_table_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("table_rules_pkey")),
        sa.UniqueConstraint("table_id", "name", name=op.f("table_rules_table_id_name_key")),
        schema="penstock",
    )
