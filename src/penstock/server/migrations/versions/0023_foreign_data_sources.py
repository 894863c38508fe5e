"""Foreign data sources."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table, schema = "data_sources", "penstock"
    op.alter_column(table, "app_id", existing_type=sa.BigInteger(), nullable=True, schema=schema)
    for column in (
        sa.Column("credential_id", sa.BigInteger(), nullable=True),
        sa.Column("shape", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("shape_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("is_paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pause_reason", sa.Text(collation="C"), nullable=True),
    ):
        op.add_column(table, column, schema=schema)
    op.create_foreign_key(
        op.f("data_sources_credential_id_fkey"),
        table,
        "credentials",
        ["credential_id"],
        ["id"],
        source_schema=schema,
        referent_schema=schema,
        ondelete="SET NULL",
    )
    op.drop_constraint(op.f("data_sources_provider_type_check"), table, schema=schema, type_="check")
    op.create_check_constraint(
        op.f("data_sources_provider_type_check"),
        table,
        "CASE WHEN app_id IS NULL "
        "THEN provider_type IN ('postgresql', 'mysql', 'sqlite', 'duckdb', 'csv', 'parquet', 'results') "
        "ELSE provider_type IN ('flat_table', 'jsonb', 'mongodb') END",
        schema=schema,
    )
    where = sa.text("is_active AND app_id IS NULL")
    for name in ("slug", "name"):
        op.create_index(
            f"data_sources_foreign_{name}_key",
            table,
            ["org_id", name],
            unique=True,
            schema=schema,
            postgresql_where=where,
        )
    op.create_index("data_sources_credential_id_idx", table, ["credential_id"], schema=schema)
