"""The metadata tables of this domain. A table's records live elsewhere, in the schema of its org."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from penstock.kit.metadata import INSTANT, TEXT, created_column, identity_column, metadata

# What `deactivated_by` may say: restoring an app revives what its own deletion deactivated and nothing else.
SELF = "self"
SOURCE = "source"
APP = "app"


def _org() -> Column[Any]:
    return Column("org_id", BigInteger, ForeignKey("penstock.orgs.id", ondelete="CASCADE"), nullable=False)


def _app() -> Column[Any]:
    return Column("app_id", BigInteger, ForeignKey("penstock.apps.id", ondelete="CASCADE"), nullable=False)


def _user(name: str) -> Column[Any]:
    return Column(name, BigInteger, ForeignKey("penstock.users.id", ondelete="SET NULL"))


def _common() -> tuple[Column[Any] | CheckConstraint, ...]:
    """What apps, sources and tables have alike."""
    return (
        Column("description", TEXT, nullable=False, server_default=""),
        Column("is_active", Boolean, nullable=False, server_default=true()),
        Column("deactivated_by", TEXT),
        created_column(),
        created_column("updated_at"),
        _user("created_by"),
        _user("modified_by"),
        CheckConstraint("deactivated_by IN ('self', 'source', 'app')", name="deactivated_by"),
        CheckConstraint("is_active = (deactivated_by IS NULL)", name="active"),
    )


apps = Table(
    "apps",
    metadata,
    identity_column(),
    _org(),
    Column("name", TEXT, nullable=False),
    Column("slug", TEXT, nullable=False),
    *_common(),
    # A deleted app keeps its slug: it must find it free when it is restored.
    UniqueConstraint("org_id", "slug"),
)

data_sources = Table(
    "data_sources",
    metadata,
    identity_column(),
    _org(),
    # Of what is no app's: a foreign system that queries ask.
    Column("app_id", BigInteger, ForeignKey("penstock.apps.id", ondelete="CASCADE")),
    Column("name", TEXT, nullable=False),
    Column("slug", TEXT, nullable=False),
    Column("provider_type", TEXT, nullable=False, server_default="flat_table"),
    # json, not jsonb: these documents are shown again as they were sent, the order of their keys included.
    Column("provider_config", JSON, nullable=False, server_default=text("'{}'")),
    # How a foreign system is reached; what has none needs none.
    Column("credential_id", BigInteger, ForeignKey("penstock.credentials.id", ondelete="SET NULL")),
    # The tables of a foreign system as it said last.
    Column("shape", JSON),
    Column("shape_at", INSTANT),
    # Nobody may ask it meanwhile.
    Column("is_paused", Boolean, nullable=False, server_default=false()),
    Column("pause_reason", TEXT),
    *_common(),
    CheckConstraint(
        "CASE WHEN app_id IS NULL "
        "THEN provider_type IN ('postgresql', 'mysql', 'sqlite', 'duckdb', 'csv', 'parquet', 'results') "
        "ELSE provider_type IN ('flat_table', 'jsonb', 'mongodb') END",
        name="provider_type",
    ),
)
Index(
    "data_sources_foreign_slug_key",
    data_sources.c.org_id,
    data_sources.c.slug,
    unique=True,
    postgresql_where=text("is_active AND app_id IS NULL"),
)
Index(
    "data_sources_foreign_name_key",
    data_sources.c.org_id,
    data_sources.c.name,
    unique=True,
    postgresql_where=text("is_active AND app_id IS NULL"),
)
Index("data_sources_credential_id_idx", data_sources.c.credential_id)
Index(
    "data_sources_slug_key",
    data_sources.c.app_id,
    data_sources.c.slug,
    unique=True,
    postgresql_where=data_sources.c.is_active,
)

data_tables = Table(
    "data_tables",
    metadata,
    identity_column(),
    _org(),
    _app(),
    Column(
        "data_source_id",
        BigInteger,
        ForeignKey("penstock.data_sources.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("name", TEXT, nullable=False),
    Column("json_schema", JSON, nullable=False),
    Column("schema_hash", TEXT, nullable=False),
    Column("field_count", Integer, nullable=False),
    Column("has_graph", Boolean, nullable=False, server_default=false()),
    # By field name; see `schema.identity`.
    Column("field_ids", JSON, nullable=False, server_default=text("'{}'")),
    # Where the fields are in documents that are kept elsewhere.
    Column("layout", JSON, nullable=False, server_default=text("'{}'")),
    # Names of the tables that the foreign keys of this one point at.
    Column("parents", ARRAY(TEXT), nullable=False, server_default="{}"),
    Column("physical_schema", TEXT, nullable=False),
    Column("physical_name", TEXT, nullable=False),
    Column("is_materialized", Boolean, nullable=False, server_default=false()),
    *_common(),
    UniqueConstraint("physical_schema", "physical_name"),
    CheckConstraint("octet_length(physical_name) <= 63", name="physical_name"),
)
Index(
    "data_tables_name_key",
    data_tables.c.app_id,
    data_tables.c.name,
    unique=True,
    postgresql_where=data_tables.c.is_active,
)
Index("data_tables_data_source_id_idx", data_tables.c.data_source_id)

# Row rules. Subjects and filters are JSON as text; a filter that is null lets nothing through.
table_rules = Table(
    "table_rules",
    metadata,
    identity_column(),
    _org(),
    Column("table_id", BigInteger, ForeignKey("penstock.data_tables.id", ondelete="CASCADE"), nullable=False),
    Column("name", TEXT, nullable=False),
    Column("subjects", TEXT),
    Column("read_filter", TEXT),
    Column("write_filter", TEXT),
    Column("hidden_fields", ARRAY(TEXT), nullable=False, server_default="{}"),
    Column("read_only_fields", ARRAY(TEXT), nullable=False, server_default="{}"),
    created_column(),
    created_column("updated_at"),
    _user("created_by"),
    UniqueConstraint("table_id", "name"),
)

# A change of a materialized table's schema: its steps are rows of the history, and a rollback takes all of it back.
schema_revisions = Table(
    "schema_revisions",
    metadata,
    identity_column(),
    _org(),
    Column("table_id", BigInteger, ForeignKey("penstock.data_tables.id", ondelete="CASCADE"), nullable=False),
    # The definition before.
    Column("json_schema", JSON, nullable=False),
    Column("field_ids", JSON, nullable=False),
    Column("rolled_back", Boolean, nullable=False, server_default=false()),
    created_column(),
    _user("created_by"),
)
Index("schema_revisions_table_id_idx", schema_revisions.c.table_id, schema_revisions.c.id)

operation_history = Table(
    "operation_history",
    metadata,
    identity_column(),
    _org(),
    Column("table_id", BigInteger, ForeignKey("penstock.data_tables.id", ondelete="CASCADE"), nullable=False),
    Column("operation_type", TEXT, nullable=False),
    Column("description", TEXT, nullable=False),
    Column("sql", TEXT, nullable=False),
    Column("rollback_sql", TEXT),
    Column("status", TEXT, nullable=False),
    Column("execution_time_ms", Integer, nullable=False, server_default="0"),
    Column("detail", JSON, nullable=False, server_default=text("'{}'")),
    Column("revision_id", BigInteger, ForeignKey("penstock.schema_revisions.id", ondelete="CASCADE")),
    created_column(),
    _user("created_by"),
    CheckConstraint(
        "operation_type IN ('CREATE', 'ALTER', 'DROP', 'RENAME', 'INDEX')", name="operation_type"
    ),
    CheckConstraint("status IN ('success', 'failed', 'rolled_back', 'pending')", name="status"),
)
Index("operation_history_table_id_idx", operation_history.c.table_id, operation_history.c.id)
Index(
    "operation_history_revision_id_idx",
    operation_history.c.revision_id,
    postgresql_where=operation_history.c.revision_id.is_not(None),
)

# Answers kept for `Idempotency-Key`. `principal` says whose key it is ("user:5", "key:7"), `request` is
# method and path, `fingerprint` the digest of query and body: a key used again for something else is refused.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _org(),
    Column("principal", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("request", TEXT, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("etag", TEXT),
    created_column(),
    PrimaryKeyConstraint("org_id", "principal", "key"),
)
Index("idempotency_keys_created_at_idx", idempotency_keys.c.created_at)

# Imports that put rows in quarantine, and these rows: as they were sent, and what was wrong with them.
imports = Table(
    "imports",
    metadata,
    identity_column(),
    _org(),
    Column("table_id", BigInteger, ForeignKey("penstock.data_tables.id", ondelete="CASCADE"), nullable=False),
    Column("format", TEXT, nullable=False),
    Column("mode", TEXT, nullable=False),
    Column("read", BigInteger, nullable=False, server_default="0"),
    Column("created", BigInteger, nullable=False, server_default="0"),
    Column("updated", BigInteger, nullable=False, server_default="0"),
    Column("quarantined", BigInteger, nullable=False, server_default="0"),
    created_column(),
    _user("created_by"),
)
Index("imports_table_id_idx", imports.c.table_id, imports.c.id)

quarantined_rows = Table(
    "quarantined_rows",
    metadata,
    Column("import_id", BigInteger, ForeignKey("penstock.imports.id", ondelete="CASCADE"), nullable=False),
    Column("row", BigInteger, nullable=False),
    # json, not jsonb: a row in quarantine may have what jsonb refuses.
    Column("data", JSON, nullable=False),
    Column("errors", JSON, nullable=False),
    PrimaryKeyConstraint("import_id", "row"),
)
