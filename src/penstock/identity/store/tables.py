"""The tables of identity, as SQLAlchemy Core; migrations are made from them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from penstock.kit.metadata import INSTANT, SCHEMA, TEXT, created_column, identity_column, metadata

_TRUE = text("true")
_FALSE = text("false")
_EMPTY = text("''")


def _org() -> Column[int]:
    return Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), nullable=False)


def _user(name: str = "user_id", *, nullable: bool = False, ondelete: str = "CASCADE") -> Column[int]:
    return Column(name, BigInteger, ForeignKey(f"{SCHEMA}.users.id", ondelete=ondelete), nullable=nullable)


orgs = Table(
    "orgs",
    metadata,
    identity_column(),
    Column("slug", TEXT, nullable=False, unique=True),
    Column("name", TEXT, nullable=False),
    Column("database_schema", TEXT, nullable=False, unique=True),
    Column("database_role", TEXT, nullable=False, unique=True),
    created_column(),
    created_column("updated_at"),
    CheckConstraint("slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="slug"),
)

users = Table(
    "users",
    metadata,
    identity_column(),
    Column("username", TEXT, nullable=False),
    # The forms that are compared: folded, so that two accounts never differ by case or width alone.
    Column("username_key", TEXT, nullable=False, unique=True),
    Column("email", TEXT),
    Column("email_key", TEXT, unique=True),
    Column("password_hash", TEXT),
    Column("first_name", TEXT, nullable=False, server_default=_EMPTY),
    Column("last_name", TEXT, nullable=False, server_default=_EMPTY),
    Column("is_active", Boolean, nullable=False, server_default=_TRUE),
    Column("is_platform_admin", Boolean, nullable=False, server_default=_FALSE),
    Column("token_version", Integer, nullable=False, server_default=text("1")),
    created_column(),
    created_column("updated_at"),
    Column("last_login_at", INSTANT),
    # False from when a letter asks for it until its link is followed.
    Column("is_email_verified", Boolean, nullable=False, server_default=_TRUE),
    CheckConstraint("username_key !~ '^[0-9]+$'", name="username"),
    CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email"),
)

memberships = Table(
    "memberships",
    metadata,
    _org(),
    _user(),
    Column("role", SmallInteger),
    created_column(),
    Column("last_used_at", INSTANT),
    PrimaryKeyConstraint("org_id", "user_id"),
    CheckConstraint("role BETWEEN 1 AND 4", name="role"),
    Index("memberships_user_id_idx", "user_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    identity_column(),
    _org(),
    Column("kind", TEXT, nullable=False),
    _user(nullable=True),
    Column("name", TEXT, nullable=False),
    Column("prefix", TEXT, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("role", SmallInteger),
    Column("restricted", Boolean, nullable=False, server_default=_FALSE),
    Column("requests_per_minute", Integer),
    # A JSON object, as text.
    Column("claims", TEXT, nullable=False, server_default="{}"),
    # Of a key for one thing: what it is for, and the service key in whose name it asks if it is not a user's.
    Column("bound_kind", TEXT),
    Column("bound_id", BigInteger),
    Column("behind_key_id", BigInteger, ForeignKey(f"{SCHEMA}.api_keys.id", ondelete="CASCADE")),
    # The secret, encrypted, of a key that is shown again.
    Column("sealed", TEXT),
    _user("created_by", nullable=True, ondelete="SET NULL"),
    created_column(),
    Column("expires_at", INSTANT),
    Column("revoked_at", INSTANT),
    Column("last_used_at", INSTANT),
    CheckConstraint("kind IN ('user', 'service', 'bound')", name="kind"),
    CheckConstraint("kind = 'bound' OR (kind = 'user') = (user_id IS NOT NULL)", name="user"),
    CheckConstraint(
        "CASE WHEN kind = 'bound' THEN bound_id IS NOT NULL AND bound_kind IS NOT NULL AND sealed IS NOT NULL"
        " AND (user_id IS NULL) <> (behind_key_id IS NULL)"
        " ELSE bound_id IS NULL AND bound_kind IS NULL AND behind_key_id IS NULL END",
        name="bound",
    ),
    CheckConstraint("role BETWEEN 1 AND 4", name="role"),
    CheckConstraint("requests_per_minute > 0", name="requests_per_minute"),
    Index("api_keys_org_id_id_idx", "org_id", "id"),
    Index("api_keys_user_id_idx", "user_id"),
    Index("api_keys_behind_key_id_idx", "behind_key_id"),
    Index(
        "api_keys_bound_key",
        "org_id",
        "bound_kind",
        "bound_id",
        unique=True,
        postgresql_where=text("kind = 'bound' AND revoked_at IS NULL"),
    ),
)

teams = Table(
    "teams",
    metadata,
    identity_column(),
    _org(),
    Column("slug", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("description", TEXT, nullable=False, server_default=_EMPTY),
    created_column(),
    created_column("updated_at"),
    UniqueConstraint("org_id", "slug"),
    CheckConstraint("slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="slug"),
)

team_members = Table(
    "team_members",
    metadata,
    Column("team_id", BigInteger, ForeignKey(f"{SCHEMA}.teams.id", ondelete="CASCADE"), nullable=False),
    _user(),
    Column("is_admin", Boolean, nullable=False, server_default=_FALSE),
    created_column(),
    PrimaryKeyConstraint("team_id", "user_id"),
    Index("team_members_user_id_idx", "user_id"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    identity_column(),
    # Tokens of one login; reuse of a spent one revokes them all.
    Column("family", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    _user(),
    _org(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    created_column(),
    Column("expires_at", INSTANT, nullable=False),
    Column("spent_at", INSTANT),
    Column("revoked_at", INSTANT),
    CheckConstraint("kind IN ('refresh', 'session')", name="kind"),
    Index("refresh_tokens_family_idx", "family"),
    Index("refresh_tokens_user_id_idx", "user_id"),
)

role_assignments = Table(
    "role_assignments",
    metadata,
    _org(),
    Column("resource_kind", TEXT, nullable=False),
    Column("resource_id", BigInteger, nullable=False),
    Column("subject_kind", TEXT, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("role", SmallInteger, nullable=False),
    created_column(),
    PrimaryKeyConstraint("org_id", "resource_kind", "resource_id", "subject_kind", "subject_id"),
    CheckConstraint("subject_kind IN ('user', 'key', 'team', 'org')", name="subject_kind"),
    CheckConstraint("role BETWEEN 1 AND 4", name="role"),
    Index("role_assignments_subject_idx", "subject_kind", "subject_id", "org_id"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    identity_column(),
    _org(),
    Column("at", INSTANT, nullable=False, server_default=func.now()),
    Column("actor_kind", TEXT, nullable=False),
    Column("actor_id", BigInteger),
    Column("actor_name", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("resource_kind", TEXT, nullable=False),
    Column("resource_id", TEXT),
    Column("resource_name", TEXT),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Column("request_id", TEXT),
    Index("audit_entries_org_id_id_idx", "org_id", "id"),
    Index("audit_entries_resource_idx", "org_id", "resource_kind", "resource_id", "id"),
)

# Unlogged: losing it in a crash only forgives what was spent.
rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("key", TEXT, primary_key=True),
    Column("tokens", Double, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    prefixes=["UNLOGGED"],
)
