"""Settings of orgs: the table, and rows to models."""

from __future__ import annotations

from types import MappingProxyType

from sqlalchemy import BigInteger, Column, ForeignKey, Table, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.kit.db import Connection
from penstock.kit.metadata import SCHEMA, created_column, metadata
from penstock.queries.preferences import UNSAID, Preferences

org_settings = Table(
    "org_settings",
    metadata,
    Column("org_id", BigInteger, ForeignKey(f"{SCHEMA}.orgs.id", ondelete="CASCADE"), primary_key=True),
    # What the org has said, and nothing else, so that what it has not follows the release.
    Column("said", JSONB, nullable=False),
    created_column("updated_at"),
)


async def find_preferences(conn: Connection, org_id: int) -> Preferences:
    row = await conn.row(select(org_settings.c.said).where(org_settings.c.org_id == org_id))
    return UNSAID if row is None else Preferences(MappingProxyType(row["said"]))


async def lock_preferences(conn: Connection, org_id: int) -> Preferences:
    """Nobody else changes them until the transaction ends."""
    await conn.execute(upsert(org_settings).values(org_id=org_id, said={}).on_conflict_do_nothing())
    row = await conn.row(select(org_settings.c.said).where(org_settings.c.org_id == org_id).with_for_update())
    assert row is not None
    return Preferences(MappingProxyType(row["said"]))


async def put_preferences(conn: Connection, org_id: int, preferences: Preferences) -> None:
    """In place of those that are locked."""
    changed = org_settings.update().where(org_settings.c.org_id == org_id)
    await conn.execute(changed.values(said=dict(preferences.said), updated_at=func.now()))
