"""First tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "database_roles",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text(collation="C"), nullable=False),
        sa.Column("password", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('owner', 'records', 'reader')", name=op.f("database_roles_purpose_check")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("database_roles_pkey")),
        schema="penstock",
    )
    op.create_table(
        "installation",
        sa.Column("one", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role_prefix", sa.Text(collation="C"), nullable=False),
        sa.Column("stamp", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("installation_single_check")),
        sa.PrimaryKeyConstraint("one", name=op.f("installation_pkey")),
        schema="penstock",
    )
    op.create_table(
        "orgs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("database_schema", sa.Text(collation="C"), nullable=False),
        sa.Column("database_role", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name=op.f("orgs_slug_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("orgs_pkey")),
        sa.UniqueConstraint("database_role", name=op.f("orgs_database_role_key")),
        sa.UniqueConstraint("database_schema", name=op.f("orgs_database_schema_key")),
        sa.UniqueConstraint("slug", name=op.f("orgs_slug_key")),
        schema="penstock",
    )
    op.create_table(
        "rate_buckets",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("rate_buckets_pkey")),
        schema="penstock",
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(collation="C"), nullable=False),
        sa.Column("username_key", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("email_key", sa.Text(collation="C"), nullable=True),
        sa.Column("password_hash", sa.Text(collation="C"), nullable=True),
        sa.Column("first_name", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("last_name", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_platform_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("token_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_login_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("username_key !~ '^[0-9]+$'", name=op.f("users_username_check")),
        sa.CheckConstraint("(email IS NULL) = (email_key IS NULL)", name=op.f("users_email_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("email_key", name=op.f("users_email_key_key")),
        sa.UniqueConstraint("username_key", name=op.f("users_username_key_key")),
        schema="penstock",
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("prefix", sa.Text(collation="C"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=True),
        sa.Column("restricted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'user') = (user_id IS NOT NULL)", name=op.f("api_keys_user_check")),
        sa.CheckConstraint("kind IN ('user', 'service')", name=op.f("api_keys_kind_check")),
        sa.CheckConstraint("requests_per_minute > 0", name=op.f("api_keys_requests_per_minute_check")),
        sa.CheckConstraint("role BETWEEN 1 AND 4", name=op.f("api_keys_role_check")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["penstock.users.id"], name=op.f("api_keys_created_by_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("api_keys_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("api_keys_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
        sa.UniqueConstraint("digest", name=op.f("api_keys_digest_key")),
        schema="penstock",
    )
    op.create_index("api_keys_org_id_id_idx", "api_keys", ["org_id", "id"], unique=False, schema="penstock")
    op.create_index("api_keys_user_id_idx", "api_keys", ["user_id"], unique=False, schema="penstock")
    op.create_table(
        "apps",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("deactivated_by", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("modified_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "deactivated_by IN ('self', 'source', 'app')", name=op.f("apps_deactivated_by_check")
        ),
        sa.CheckConstraint("is_active = (deactivated_by IS NULL)", name=op.f("apps_active_check")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["penstock.users.id"], name=op.f("apps_created_by_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["modified_by"], ["penstock.users.id"], name=op.f("apps_modified_by_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("apps_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("apps_pkey")),
        sa.UniqueConstraint("org_id", "slug", name=op.f("apps_org_id_slug_key")),
        schema="penstock",
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_kind", sa.Text(collation="C"), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.Text(collation="C"), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("resource_kind", sa.Text(collation="C"), nullable=False),
        sa.Column("resource_id", sa.Text(collation="C"), nullable=True),
        sa.Column("resource_name", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("request_id", sa.Text(collation="C"), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("audit_entries_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_entries_pkey")),
        schema="penstock",
    )
    op.create_index(
        "audit_entries_org_id_id_idx", "audit_entries", ["org_id", "id"], unique=False, schema="penstock"
    )
    op.create_index(
        "audit_entries_resource_idx",
        "audit_entries",
        ["org_id", "resource_kind", "resource_id", "id"],
        unique=False,
        schema="penstock",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("principal", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("request", sa.Text(collation="C"), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("etag", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("idempotency_keys_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("org_id", "principal", "key", name=op.f("idempotency_keys_pkey")),
        schema="penstock",
    )
    op.create_index(
        "idempotency_keys_created_at_idx", "idempotency_keys", ["created_at"], unique=False, schema="penstock"
    )
    op.create_table(
        "memberships",
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("role BETWEEN 1 AND 4", name=op.f("memberships_role_check")),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("memberships_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("memberships_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("org_id", "user_id", name=op.f("memberships_pkey")),
        schema="penstock",
    )
    op.create_index("memberships_user_id_idx", "memberships", ["user_id"], unique=False, schema="penstock")
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("family", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("spent_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('refresh', 'session')", name=op.f("refresh_tokens_kind_check")),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("refresh_tokens_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["penstock.users.id"], name=op.f("refresh_tokens_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("refresh_tokens_pkey")),
        sa.UniqueConstraint("digest", name=op.f("refresh_tokens_digest_key")),
        schema="penstock",
    )
    op.create_index(
        "refresh_tokens_family_idx", "refresh_tokens", ["family"], unique=False, schema="penstock"
    )
    op.create_index(
        "refresh_tokens_user_id_idx", "refresh_tokens", ["user_id"], unique=False, schema="penstock"
    )
    op.create_table(
        "role_assignments",
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("resource_kind", sa.Text(collation="C"), nullable=False),
        sa.Column("resource_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_kind", sa.Text(collation="C"), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "subject_kind IN ('user', 'key', 'org')", name=op.f("role_assignments_subject_kind_check")
        ),
        sa.CheckConstraint("role BETWEEN 1 AND 4", name=op.f("role_assignments_role_check")),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("role_assignments_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "org_id",
            "resource_kind",
            "resource_id",
            "subject_kind",
            "subject_id",
            name=op.f("role_assignments_pkey"),
        ),
        schema="penstock",
    )
    op.create_index(
        "role_assignments_subject_idx",
        "role_assignments",
        ["subject_kind", "subject_id", "org_id"],
        unique=False,
        schema="penstock",
    )
    op.create_table(
        "data_sources",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("provider_type", sa.Text(collation="C"), server_default="flat_table", nullable=False),
        sa.Column(
            "provider_config",
            postgresql.JSON(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("description", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("deactivated_by", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("modified_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "deactivated_by IN ('self', 'source', 'app')", name=op.f("data_sources_deactivated_by_check")
        ),
        sa.CheckConstraint(
            "provider_type IN ('flat_table', 'jsonb', 'mongodb')",
            name=op.f("data_sources_provider_type_check"),
        ),
        sa.CheckConstraint("is_active = (deactivated_by IS NULL)", name=op.f("data_sources_active_check")),
        sa.ForeignKeyConstraint(
            ["app_id"], ["penstock.apps.id"], name=op.f("data_sources_app_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["penstock.users.id"],
            name=op.f("data_sources_created_by_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["modified_by"],
            ["penstock.users.id"],
            name=op.f("data_sources_modified_by_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("data_sources_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("data_sources_pkey")),
        schema="penstock",
    )
    op.create_index(
        "data_sources_slug_key",
        "data_sources",
        ["app_id", "slug"],
        unique=True,
        schema="penstock",
        postgresql_where="is_active",
    )
    op.create_table(
        "data_tables",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("data_source_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("json_schema", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("schema_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("field_count", sa.Integer(), nullable=False),
        sa.Column("has_graph", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("parents", postgresql.ARRAY(sa.Text(collation="C")), server_default="{}", nullable=False),
        sa.Column("physical_schema", sa.Text(collation="C"), nullable=False),
        sa.Column("physical_name", sa.Text(collation="C"), nullable=False),
        sa.Column("is_materialized", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("deactivated_by", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("modified_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "deactivated_by IN ('self', 'source', 'app')", name=op.f("data_tables_deactivated_by_check")
        ),
        sa.CheckConstraint("is_active = (deactivated_by IS NULL)", name=op.f("data_tables_active_check")),
        sa.CheckConstraint("octet_length(physical_name) <= 63", name=op.f("data_tables_physical_name_check")),
        sa.ForeignKeyConstraint(
            ["app_id"], ["penstock.apps.id"], name=op.f("data_tables_app_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["penstock.users.id"],
            name=op.f("data_tables_created_by_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["data_source_id"],
            ["penstock.data_sources.id"],
            name=op.f("data_tables_data_source_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["modified_by"],
            ["penstock.users.id"],
            name=op.f("data_tables_modified_by_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("data_tables_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("data_tables_pkey")),
        sa.UniqueConstraint(
            "physical_schema", "physical_name", name=op.f("data_tables_physical_schema_physical_name_key")
        ),
        schema="penstock",
    )
    op.create_index(
        "data_tables_data_source_id_idx", "data_tables", ["data_source_id"], unique=False, schema="penstock"
    )
    op.create_index(
        "data_tables_name_key",
        "data_tables",
        ["app_id", "name"],
        unique=True,
        schema="penstock",
        postgresql_where="is_active",
    )
    op.create_table(
        "operation_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.Column("table_id", sa.BigInteger(), nullable=False),
        sa.Column("operation_type", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), nullable=False),
        sa.Column("sql", sa.Text(collation="C"), nullable=False),
        sa.Column("rollback_sql", sa.Text(collation="C"), nullable=True),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("execution_time_ms", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "detail", postgresql.JSON(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "operation_type IN ('CREATE', 'ALTER', 'DROP', 'RENAME', 'INDEX')",
            name=op.f("operation_history_operation_type_check"),
        ),
        sa.CheckConstraint(
            "status IN ('success', 'failed', 'rolled_back')", name=op.f("operation_history_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["penstock.users.id"],
            name=op.f("operation_history_created_by_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["penstock.orgs.id"], name=op.f("operation_history_org_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["penstock.data_tables.id"],
            name=op.f("operation_history_table_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("operation_history_pkey")),
        schema="penstock",
    )
    op.create_index(
        "operation_history_table_id_idx",
        "operation_history",
        ["table_id", "id"],
        unique=False,
        schema="penstock",
    )
