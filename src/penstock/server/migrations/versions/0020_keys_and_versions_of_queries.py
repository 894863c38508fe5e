"""Keys of single queries, and what queries were."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Queries that are there have no other versions than the present one, and are as whoever changed them last left them.
WRITTEN = """
UPDATE penstock.queries
   SET written_by = CASE WHEN key_id IS NULL THEN coalesce(modified_by, user_id) ELSE modified_by END,
       written_key_id = CASE WHEN modified_by IS NULL THEN key_id END
"""
KEPT = """
INSERT INTO penstock.query_versions
       (query_id, version, name, description, text, data_source_id, options, tags, is_archived, user_id, created_at)
SELECT id, version, name, description, text, data_source_id, options, tags, is_archived, modified_by, updated_at
  FROM penstock.queries
"""


def upgrade() -> None:
    for name, kind in (
        ("bound_kind", sa.Text(collation="C")),
        ("bound_id", sa.BigInteger()),
        ("behind_key_id", sa.BigInteger()),
        ("sealed", sa.Text(collation="C")),
    ):
        op.add_column("api_keys", sa.Column(name, kind, nullable=True), schema="penstock")
    op.create_foreign_key(
        op.f("api_keys_behind_key_id_fkey"),
        "api_keys",
        "api_keys",
        ["behind_key_id"],
        ["id"],
        source_schema="penstock",
        referent_schema="penstock",
        ondelete="CASCADE",
    )
    for name in ("kind", "user"):
        op.drop_constraint(op.f(f"api_keys_{name}_check"), "api_keys", schema="penstock")
    for name, condition in (
        ("kind", "kind IN ('user', 'service', 'bound')"),
        ("user", "kind = 'bound' OR (kind = 'user') = (user_id IS NOT NULL)"),
        (
            "bound",
            "CASE WHEN kind = 'bound' THEN bound_id IS NOT NULL AND bound_kind IS NOT NULL AND sealed IS NOT NULL"
            " AND (user_id IS NULL) <> (behind_key_id IS NULL)"
            " ELSE bound_id IS NULL AND bound_kind IS NULL AND behind_key_id IS NULL END",
        ),
    ):
        op.create_check_constraint(op.f(f"api_keys_{name}_check"), "api_keys", condition, schema="penstock")
    op.create_index(
        "api_keys_behind_key_id_idx", "api_keys", ["behind_key_id"], unique=False, schema="penstock"
    )
    op.create_index(
        "api_keys_bound_key",
        "api_keys",
        ["org_id", "bound_kind", "bound_id"],
        unique=True,
        schema="penstock",
        postgresql_where=sa.text("kind = 'bound' AND revoked_at IS NULL"),
    )
    for name, table in (("written_by", "users"), ("written_key_id", "api_keys")):
        op.add_column("queries", sa.Column(name, sa.BigInteger(), nullable=True), schema="penstock")
        op.create_foreign_key(
            op.f(f"queries_{name}_fkey"),
            "queries",
            table,
            [name],
            ["id"],
            source_schema="penstock",
            referent_schema="penstock",
            ondelete="SET NULL",
        )
    op.execute(WRITTEN)
    op.create_table(
        "query_versions",
        sa.Column("query_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), nullable=True),
        sa.Column("text", sa.Text(collation="C"), nullable=False),
        sa.Column("data_source_id", sa.BigInteger(), nullable=True),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["data_source_id"],
            ["penstock.data_sources.id"],
            name=op.f("query_versions_data_source_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["penstock.queries.id"],
            name=op.f("query_versions_query_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("query_versions_user_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("query_id", "version", name=op.f("query_versions_pkey")),
        schema="penstock",
    )
    op.create_index(
        "query_versions_data_source_id_idx",
        "query_versions",
        ["data_source_id"],
        unique=False,
        schema="penstock",
    )
    op.execute(KEPT)
