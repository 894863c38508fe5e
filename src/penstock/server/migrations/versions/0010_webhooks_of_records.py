"""Webhooks of records."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("table_name", "filter", "cursor"):
        op.add_column("webhooks", sa.Column(name, sa.Text(collation="C"), nullable=True), schema="penstock")
    for name in ("table_id", "sender"):
        op.add_column("webhooks", sa.Column(name, sa.BigInteger(), nullable=True), schema="penstock")
    moment = sa.TIMESTAMP(timezone=True)
    op.add_column("webhooks", sa.Column("sender_until", moment, nullable=True), schema="penstock")
    op.add_column("webhook_deliveries", sa.Column("due_at", moment, nullable=True), schema="penstock")
    op.create_foreign_key(
        op.f("webhooks_table_id_fkey"),
        "webhooks",
        "data_tables",
        ["table_id"],
        ["id"],
        source_schema="penstock",
        referent_schema="penstock",
        ondelete="CASCADE",
    )
    op.create_index(
        "webhooks_table_id_idx",
        "webhooks",
        ["table_id"],
        unique=False,
        schema="penstock",
        postgresql_where=sa.text("table_id IS NOT NULL"),
    )
