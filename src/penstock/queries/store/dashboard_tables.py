"""The tables of dashboards, of what is on them, and of who starred them."""

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
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from penstock.kit.metadata import SCHEMA, TEXT, created_column, identity_column, metadata

_OBJECT = text("'{}'")
_LIST = text("'[]'")


def _org() -> Column[Any]:
    return Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False)


def _owned(name: str, table: str, ondelete: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, BigInteger, ForeignKey(f"{SCHEMA}.{table}.id", ondelete=ondelete), nullable=nullable)


dashboards = Table(
    "dashboards",
    metadata,
    identity_column(),
    _org(),
    # Never a number, nor a number and a dash, which would be ids.
    Column("slug", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("layout", JSONB, nullable=False, server_default=_LIST),
    Column("options", JSONB, nullable=False, server_default=_OBJECT),
    Column("dashboard_filters_enabled", Boolean, nullable=False, server_default=false()),
    Column("tags", ARRAY(TEXT), nullable=False, server_default=_OBJECT),
    Column("is_archived", Boolean, nullable=False, server_default=false()),
    Column("is_draft", Boolean, nullable=False, server_default=true()),
    Column("version", Integer, nullable=False, server_default="1"),
    # Who made it: a person, or a key that is nobody's.
    _owned("user_id", "users", "SET NULL"),
    _owned("key_id", "api_keys", "SET NULL"),
    created_column(),
    created_column("updated_at"),
    UniqueConstraint("org_id", "slug"),
    CheckConstraint("slug !~ '^[0-9]+(-|$)'", name="slug"),
    Index("dashboards_org_id_created_at_idx", "org_id", "created_at", "id"),
)

widgets = Table(
    "widgets",
    metadata,
    identity_column(),
    _owned("dashboard_id", "dashboards", "CASCADE", nullable=False),
    # Text boxes have none.
    _owned("visualization_id", "visualizations", "CASCADE"),
    Column("text", TEXT, nullable=False, server_default=text("''")),
    Column("width", Integer, nullable=False, server_default="1"),
    Column("options", JSONB, nullable=False, server_default=_OBJECT),
    # Who put it there, or changed it last: a user, and the key by which they came if it is nobody's or holds less.
    _owned("placed_by", "users", "SET NULL"),
    _owned("placed_key_id", "api_keys", "SET NULL"),
    created_column(),
    created_column("updated_at"),
    Index("widgets_dashboard_id_idx", "dashboard_id", "id"),
    Index("widgets_visualization_id_idx", "visualization_id"),
)

dashboard_favorites = Table(
    "dashboard_favorites",
    metadata,
    _owned("dashboard_id", "dashboards", "CASCADE", nullable=False),
    _owned("user_id", "users", "CASCADE", nullable=False),
    created_column(),
    PrimaryKeyConstraint("dashboard_id", "user_id"),
    Index("dashboard_favorites_user_id_idx", "user_id"),
)
