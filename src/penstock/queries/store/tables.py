"""The tables of queries, as SQLAlchemy Core; migrations are made from them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from penstock.kit.metadata import SCHEMA, TEXT, created_column, identity_column, metadata

_EMPTY = text("'{}'")


def _org() -> Column[Any]:
    return Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False)


def _source() -> Column[Any]:
    return Column("data_source_id", BigInteger, ForeignKey(f"{SCHEMA}.data_sources.id", ondelete="SET NULL"))


def _user(name: str) -> Column[Any]:
    return Column(name, BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="SET NULL"))


queries = Table(
    "queries",
    metadata,
    identity_column(),
    _org(),
    # Of those that the explorer dialect made.
    Column("slug", TEXT),
    Column("name", TEXT, nullable=False),
    Column("description", TEXT),
    Column("text", TEXT, nullable=False),
    _source(),
    Column("options", JSONB, nullable=False, server_default=_EMPTY),
    Column("schedule", JSONB),
    Column("tags", ARRAY(TEXT), nullable=False, server_default=_EMPTY),
    Column("is_archived", Boolean, nullable=False, server_default=false()),
    Column("is_draft", Boolean, nullable=False, server_default=true()),
    Column("version", Integer, nullable=False, server_default="1"),
    # Who made it: a person, or a key that is nobody's.
    _user("user_id"),
    Column("key_id", BigInteger, ForeignKey(f"{SCHEMA}.api_keys.id", ondelete="SET NULL")),
    _user("modified_by"),
    # Who wrote what it asks (text, data source, options): a user, or a key that holds less than its user.
    _user("written_by"),
    Column("written_key_id", BigInteger, ForeignKey(f"{SCHEMA}.api_keys.id", ondelete="SET NULL")),
    created_column(),
    created_column("updated_at"),
    CheckConstraint("slug ~ '^[A-Za-z][A-Za-z0-9_-]*$'", name="slug"),
    Index("queries_slug_key", "org_id", "slug", unique=True, postgresql_where=text("slug IS NOT NULL")),
    Index("queries_org_id_created_at_idx", "org_id", "created_at", "id"),
    Index("queries_data_source_id_idx", "data_source_id"),
)

# A query after each of its changes.
query_versions = Table(
    "query_versions",
    metadata,
    Column("query_id", BigInteger, ForeignKey(f"{SCHEMA}.queries.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("description", TEXT),
    Column("text", TEXT, nullable=False),
    _source(),
    Column("options", JSONB, nullable=False),
    Column("tags", ARRAY(TEXT), nullable=False),
    Column("is_archived", Boolean, nullable=False),
    _user("user_id"),
    created_column(),
    PrimaryKeyConstraint("query_id", "version"),
    Index("query_versions_data_source_id_idx", "data_source_id"),
)

query_favorites = Table(
    "query_favorites",
    metadata,
    Column("query_id", BigInteger, ForeignKey(f"{SCHEMA}.queries.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE"), nullable=False),
    created_column(),
    PrimaryKeyConstraint("query_id", "user_id"),
    Index("query_favorites_user_id_idx", "user_id"),
)

visualizations = Table(
    "visualizations",
    metadata,
    identity_column(),
    Column("query_id", BigInteger, ForeignKey(f"{SCHEMA}.queries.id", ondelete="CASCADE"), nullable=False),
    Column("type", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("description", TEXT),
    Column("options", JSONB, nullable=False, server_default=_EMPTY),
    created_column(),
    created_column("updated_at"),
    Index("visualizations_query_id_idx", "query_id", "id"),
)

query_results = Table(
    "query_results",
    metadata,
    identity_column(),
    _org(),
    # All that decides what rows a reader gets; see `models.AuthorizedQuery`.
    Column("fingerprint", TEXT, nullable=False),
    # What was asked, so that it can be seen whether a reader would get the same.
    Column("request", JSONB, nullable=False),
    Column("query_hash", TEXT, nullable=False),
    Column("query_text", TEXT, nullable=False),
    _source(),
    Column("query_id", BigInteger, ForeignKey(f"{SCHEMA}.queries.id", ondelete="SET NULL")),
    Column("file", TEXT, nullable=False, unique=True),
    Column("columns", JSONB, nullable=False),
    # Rows up to the end of each batch of the file.
    Column("ends", ARRAY(BigInteger), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("truncated", Boolean, nullable=False, server_default=false()),
    Column("runtime", Double, nullable=False),
    created_column("retrieved_at"),
    Index("query_results_fingerprint_idx", "org_id", "fingerprint", "retrieved_at"),
    Index("query_results_retrieved_at_idx", "retrieved_at"),
    Index("query_results_query_id_idx", "query_id"),
    Index("query_results_data_source_id_idx", "data_source_id"),
)

# A run of the job queue that runs a query, and for whom.
query_runs = Table(
    "query_runs",
    metadata,
    Column("run_id", BigInteger, ForeignKey(f"{SCHEMA}.job_runs.id", ondelete="CASCADE"), primary_key=True),
    _org(),
    Column("fingerprint", TEXT, nullable=False),
    _source(),
    Column("query_id", BigInteger, ForeignKey(f"{SCHEMA}.queries.id", ondelete="SET NULL")),
    _user("user_id"),
    Column("key_id", BigInteger, ForeignKey(f"{SCHEMA}.api_keys.id", ondelete="SET NULL")),
    Index("query_runs_fingerprint_idx", "org_id", "fingerprint"),
    Index("query_runs_query_id_idx", "query_id"),
    Index("query_runs_data_source_id_idx", "data_source_id"),
)

# Who else asked the same and waits for a run, and who of all that asked waits no more.
query_run_askers = Table(
    "query_run_askers",
    metadata,
    Column(
        "run_id", BigInteger, ForeignKey(f"{SCHEMA}.query_runs.run_id", ondelete="CASCADE"), primary_key=True
    ),
    # The id of a user, or that of a service key with a minus before it.
    Column("asker", BigInteger, primary_key=True, autoincrement=False),
    Column("has_left", Boolean, nullable=False, server_default=text("false")),
)
