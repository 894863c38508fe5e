"""The tables of what people share with one another: rights on single things, and snippets of SQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
    UniqueConstraint,
)

from penstock.kit.metadata import SCHEMA, TEXT, created_column, identity_column, metadata

# A right of a user on a query, or another thing that has an owner.
object_rights = Table(
    "object_rights",
    metadata,
    identity_column(),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("object_id", BigInteger, nullable=False),
    Column("access_type", TEXT, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("grantor_id", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="SET NULL")),
    created_column(),
    # Who leaves the org leaves what they were given there.
    ForeignKeyConstraint(
        ["org_id", "user_id"],
        [f"{SCHEMA}.memberships.org_id", f"{SCHEMA}.memberships.user_id"],
        ondelete="CASCADE",
    ),
    CheckConstraint("access_type IN ('view', 'modify', 'delete')", name="access_type"),
    UniqueConstraint("org_id", "kind", "object_id", "user_id", "access_type"),
    Index("object_rights_user_id_idx", "user_id", "kind", "object_id"),
)

query_snippets = Table(
    "query_snippets",
    metadata,
    identity_column(),
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False),
    Column("trigger", TEXT, nullable=False),
    Column("description", TEXT, nullable=False),
    Column("snippet", TEXT, nullable=False),
    Column("user_id", BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete="SET NULL")),
    Column("key_id", BigInteger, ForeignKey(f"{SCHEMA}.api_keys.id", ondelete="SET NULL")),
    created_column(),
    created_column("updated_at"),
    UniqueConstraint("org_id", "trigger"),
)
