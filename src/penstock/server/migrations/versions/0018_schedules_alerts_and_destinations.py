"""Schedules, alerts and destinations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "destinations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("sealed", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "secret_names",
            postgresql.ARRAY(sa.Text(collation="C")),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["penstock.users.id"],
            name=op.f("destinations_created_by_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("destinations_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("destinations_pkey")),
        sa.UniqueConstraint("uid", name=op.f("destinations_uid_key")),
        schema="penstock",
    )
    op.create_index(
        "destinations_org_id_name_key", "destinations", ["org_id", "name"], unique=True, schema="penstock"
    )
    op.create_table(
        "destination_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("uid", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("destination_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("about", sa.Text(collation="C"), nullable=False),
        sa.Column("message", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'succeeded', 'failed')", name=op.f("destination_messages_state_check")
        ),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["penstock.destinations.id"],
            name=op.f("destination_messages_destination_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["penstock.orgs.id"],
            name=op.f("destination_messages_org_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["penstock.users.id"],
            name=op.f("destination_messages_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("destination_messages_pkey")),
        schema="penstock",
    )
    op.create_index(
        "destination_messages_about_idx",
        "destination_messages",
        ["org_id", "about", "id"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "destination_messages_created_at_idx",
        "destination_messages",
        ["created_at"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "destination_messages_destination_id_idx",
        "destination_messages",
        ["destination_id", "id"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "destination_messages_user_id_idx",
        "destination_messages",
        ["user_id"],
        unique=False,
        schema="penstock",
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("query_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rearm", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), server_default="unknown", nullable=False),
        sa.Column("last_triggered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("evaluated_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("result_id", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Text(collation="C"), nullable=True),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("fingerprint", sa.Text(collation="C"), nullable=True),
        sa.Column("asked", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('unknown', 'ok', 'triggered')", name=op.f("alerts_state_check")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["penstock.api_keys.id"], name=op.f("alerts_key_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("alerts_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["query_id"], ["penstock.queries.id"], name=op.f("alerts_query_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("alerts_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("alerts_pkey")),
        schema="penstock",
    )
    op.create_index("alerts_org_id_idx", "alerts", ["org_id", "id"], unique=False, schema="penstock")
    op.create_index("alerts_query_id_idx", "alerts", ["query_id"], unique=False, schema="penstock")
    op.create_table(
        "query_schedules",
        sa.Column("query_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(collation="C"), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("query_schedules_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["penstock.queries.id"],
            name=op.f("query_schedules_query_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("query_id", name=op.f("query_schedules_pkey")),
        schema="penstock",
    )
    op.create_index(
        "query_schedules_next_at_idx",
        "query_schedules",
        ["next_at"],
        unique=False,
        schema="penstock",
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "query_schedules_org_id_idx",
        "query_schedules",
        ["org_id", "next_at"],
        unique=False,
        schema="penstock",
    )
    op.create_table(
        "alert_subscriptions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("destination_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["penstock.alerts.id"],
            name=op.f("alert_subscriptions_alert_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["penstock.destinations.id"],
            name=op.f("alert_subscriptions_destination_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["penstock.api_keys.id"],
            name=op.f("alert_subscriptions_key_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["penstock.users.id"],
            name=op.f("alert_subscriptions_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_subscriptions_pkey")),
        schema="penstock",
    )
    op.create_index(
        "alert_subscriptions_destination_id_idx",
        "alert_subscriptions",
        ["destination_id"],
        unique=False,
        schema="penstock",
    )
    op.create_index(
        "alert_subscriptions_key",
        "alert_subscriptions",
        ["alert_id", "user_id", "key_id", "destination_id"],
        unique=True,
        schema="penstock",
        postgresql_nulls_not_distinct=True,
    )
