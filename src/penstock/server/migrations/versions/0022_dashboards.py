"""Dashboards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dashboards",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "layout", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("dashboard_filters_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "tags", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("is_archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_draft", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("slug !~ '^[0-9]+(-|$)'", name=op.f("dashboards_slug_check")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["penstock.api_keys.id"], name=op.f("dashboards_key_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("dashboards_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("dashboards_user_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dashboards_pkey")),
        sa.UniqueConstraint("org_id", "slug", name=op.f("dashboards_org_id_slug_key")),
        schema="penstock",
    )
    op.create_index(
        "dashboards_org_id_created_at_idx",
        "dashboards",
        ["org_id", "created_at", "id"],
        unique=False,
        schema="penstock",
    )
    op.create_table(
        "dashboard_favorites",
        sa.Column("dashboard_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["dashboard_id"],
            ["penstock.dashboards.id"],
            name=op.f("dashboard_favorites_dashboard_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["penstock.users.id"],
            name=op.f("dashboard_favorites_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dashboard_id", "user_id", name=op.f("dashboard_favorites_pkey")),
        schema="penstock",
    )
    op.create_index(
        "dashboard_favorites_user_id_idx", "dashboard_favorites", ["user_id"], unique=False, schema="penstock"
    )
    op.create_table(
        "widgets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dashboard_id", sa.BigInteger(), nullable=False),
        sa.Column("visualization_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("width", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("placed_by", sa.BigInteger(), nullable=True),
        sa.Column("placed_key_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["dashboard_id"],
            ["penstock.dashboards.id"],
            name=op.f("widgets_dashboard_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["placed_by"], ["penstock.users.id"], name=op.f("widgets_placed_by_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["placed_key_id"],
            ["penstock.api_keys.id"],
            name=op.f("widgets_placed_key_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["visualization_id"],
            ["penstock.visualizations.id"],
            name=op.f("widgets_visualization_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("widgets_pkey")),
        schema="penstock",
    )
    op.create_index(
        "widgets_dashboard_id_idx", "widgets", ["dashboard_id", "id"], unique=False, schema="penstock"
    )
    op.create_index(
        "widgets_visualization_id_idx", "widgets", ["visualization_id"], unique=False, schema="penstock"
    )
