"""What the logins of orgs are told of who asks, under a seal; policies for them on tables with row rules."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_KEY = "uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"
_TOLD = re.compile(r"\(NULLIF\(current_setting\('penstock\.reach'::text, true\), ''::text\)\)::jsonb")


def upgrade() -> None:
    op.create_table(
        "reader_seal",
        sa.Column("one", sa.SmallInteger(), autoincrement=False, server_default="1", nullable=False),
        sa.Column("key", sa.LargeBinary(), server_default=sa.text(_KEY), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("reader_seal_single_check")),
        sa.PrimaryKeyConstraint("one", name=op.f("reader_seal_pkey")),
        schema="penstock",
    )
    op.execute("INSERT INTO penstock.reader_seal DEFAULT VALUES")
    op.execute(
        """
        CREATE FUNCTION penstock.told_reader() RETURNS jsonb
        LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
            SELECT CASE WHEN current_setting('penstock.seal', true) = encode(sha256(s.key || sha256(s.key || convert_to(
                concat_ws(E'\\n', session_user, pg_backend_pid(),
                    (extract(epoch FROM transaction_timestamp()) * 1000000)::bigint,
                    current_setting('penstock.reach', true)),
                'UTF8'))), 'hex')
                THEN nullif(current_setting('penstock.reach', true), '')::jsonb END
            FROM penstock.reader_seal AS s
        $$
        """
    )
    _copy_policies()


def _copy_policies() -> None:
    """Tables with rules have policies for the role of records; the same ones for the login of the org."""
    bind = op.get_bind()
    found = bind.execute(
        sa.text(
            "SELECT p.schemaname, p.tablename, p.policyname, p.qual, o.database_role FROM pg_policies p"
            " JOIN penstock.orgs o ON o.database_schema = p.schemaname"
            " WHERE p.policyname ~ '^pst_(exempt|read|[0-9]+_read)$'"
        )
    )
    quote = postgresql.dialect().identifier_preparer.quote_identifier
    for schema, table, policy, condition, role in found.fetchall():
        name = quote(policy.replace("pst_", "pstq_", 1))
        sealed = _TOLD.sub("penstock.told_reader()", condition)
        bind.exec_driver_sql(
            f"CREATE POLICY {name} ON {quote(schema)}.{quote(table)} FOR SELECT TO {quote(role)} USING ({sealed})"
        )
