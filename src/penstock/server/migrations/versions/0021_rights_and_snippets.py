"""Rights of single people on queries, and snippets of SQL."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "object_rights",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("access_type", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("grantor_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "access_type IN ('view', 'modify', 'delete')", name=op.f("object_rights_access_type_check")
        ),
        sa.ForeignKeyConstraint(
            ["grantor_id"],
            ["penstock.users.id"],
            name=op.f("object_rights_grantor_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"],
            ["penstock.memberships.org_id", "penstock.memberships.user_id"],
            name=op.f("object_rights_org_id_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("object_rights_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("object_rights_pkey")),
        sa.UniqueConstraint(
            "org_id",
            "kind",
            "object_id",
            "user_id",
            "access_type",
            name=op.f("object_rights_org_id_kind_object_id_user_id_access_type_key"),
        ),
        schema="penstock",
    )
    op.create_index(
        "object_rights_user_id_idx",
        "object_rights",
        ["user_id", "kind", "object_id"],
        unique=False,
        schema="penstock",
    )
    op.create_table(
        "query_snippets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), nullable=False),
        sa.Column("snippet", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["penstock.api_keys.id"], name=op.f("query_snippets_key_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("query_snippets_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("query_snippets_user_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("query_snippets_pkey")),
        sa.UniqueConstraint("org_id", "trigger", name=op.f("query_snippets_org_id_trigger_key")),
        schema="penstock",
    )
