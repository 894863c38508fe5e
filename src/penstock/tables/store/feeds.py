"""What change feeds keep: the changes of records, and one row for each table that has a feed.

Both are written by the trigger function `penstock.note_changes_v1` and by `schema.feeds`, read by `tables.changes`.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB, base
from sqlalchemy.types import UserDefinedType

from penstock.kit.db import Connection
from penstock.kit.metadata import INSTANT, SCHEMA, TEXT, created_column, metadata


class Xid(UserDefinedType[str]):
    """The id of a transaction, which never comes twice."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "xid8"


# So that migrations can compare.
cast("Any", base).ischema_names["xid8"] = Xid

change_ids = Sequence("record_change_ids", metadata=metadata, schema=SCHEMA)

record_changes = Table(
    "record_changes",
    metadata,
    Column("table_id", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False, server_default=text("nextval('penstock.record_change_ids')")),
    Column("xid", Xid, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("op", TEXT, nullable=False),
    # The row as the table had it, by the names its columns then had.
    Column("before", JSON),
    Column("after", JSON),
    created_column("at"),
    PrimaryKeyConstraint("table_id", "id"),
    Index("record_changes_table_id_xid_id_idx", "table_id", "xid", "id"),
)

record_feeds = Table(
    "record_feeds",
    metadata,
    Column(
        "table_id",
        BigInteger,
        ForeignKey(f"{SCHEMA}.data_tables.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    # Cursors name it, so that those of a feed that was switched off meanwhile are known.
    Column("epoch", TEXT, nullable=False, server_default=text("substr(md5(gen_random_uuid()::text), 1, 12)")),
    # Changes up to these are no longer kept.
    Column("gone_id", BigInteger, nullable=False),
    Column("gone_xid", Xid, nullable=False, server_default=text("'0'::xid8")),
    # What columns have been called: [{"until": id of a change, "names": {old: new or null}}].
    Column("names", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    # Until then somebody waits for changes, so that the trigger tells of them.
    Column("watched_until", INSTANT),
    CheckConstraint("jsonb_typeof(names) = 'array'", name="names"),
)

_FORGET = """
WITH old AS (
  SELECT table_id, id FROM penstock.record_changes
  WHERE table_id = $1 AND (at < now() - $2::float8 * interval '1 second' OR id <= $3) ORDER BY id LIMIT $4
), gone AS (
  DELETE FROM penstock.record_changes AS c USING old WHERE c.table_id = old.table_id AND c.id = old.id
  RETURNING c.id, c.xid
), most AS (
  SELECT count(*) AS count, max(id) AS id, max(xid::text::numeric)::text AS xid FROM gone
), noted AS (
  UPDATE penstock.record_feeds AS f
  SET gone_id = greatest(f.gone_id, most.id),
    gone_xid = greatest(f.gone_xid::text::numeric, most.xid::numeric)::text::xid8
  FROM most WHERE f.table_id = $1 AND most.count > 0
)
SELECT count FROM most
"""


async def tables_with_changes(conn: Connection) -> list[int]:
    """Every table of which changes are kept, whether it still has a feed or not."""
    rows = await conn.rows(
        "WITH RECURSIVE t AS ((SELECT table_id FROM penstock.record_changes ORDER BY table_id LIMIT 1) UNION ALL "
        "SELECT (SELECT table_id FROM penstock.record_changes AS c WHERE c.table_id > t.table_id "
        "ORDER BY table_id LIMIT 1) FROM t WHERE t.table_id IS NOT NULL) "
        "SELECT table_id FROM t WHERE table_id IS NOT NULL"
    )
    return [row["table_id"] for row in rows]


async def last_to_forget(conn: Connection, table_id: int, keep: int) -> int:
    """The change with which the newest `keep` begin, and 0 when there are not as many; all without a feed."""
    has_feed = await conn.value("SELECT true FROM penstock.record_feeds WHERE table_id = $1", table_id)
    if not has_feed:
        return 2**62
    found: int | None = await conn.value(
        "SELECT id FROM penstock.record_changes WHERE table_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1",
        table_id,
        keep,
    )
    return found or 0


async def forget_changes(conn: Connection, table_id: int, seconds: float, last: int, most: int) -> int:
    """Delete changes that are older, or not beyond `last`; gives how many."""
    return await conn.value(_FORGET, table_id, seconds, last, most)


async def watch(conn: Connection, table_ids: list[int], seconds: float) -> None:
    """Have the trigger tell of changes of these tables for so long."""
    await conn.execute(
        "UPDATE penstock.record_feeds SET watched_until = now() + $2::float8 * interval '1 second' "
        "WHERE table_id = ANY ($1::bigint[]) "
        "AND watched_until IS DISTINCT FROM 'infinity' "
        "AND coalesce(watched_until, now()) < now() + $2::float8 * interval '0.5 second'",
        table_ids,
        seconds,
    )


async def watch_for_ever(conn: Connection, table_ids: list[int]) -> None:
    """Have the trigger tell of changes of these tables until they are not among these any more."""
    await conn.execute(
        "UPDATE penstock.record_feeds SET watched_until = CASE WHEN table_id = ANY ($1::bigint[]) "
        "THEN 'infinity'::timestamptz END "
        "WHERE (table_id = ANY ($1::bigint[])) IS DISTINCT FROM (watched_until IS NOT DISTINCT FROM 'infinity')",
        table_ids,
    )


async def slug_of(conn: Connection, app_id: int) -> str:
    """Of an app; empty when there is none."""
    found: str | None = await conn.value("SELECT slug FROM penstock.apps WHERE id = $1", app_id)
    return found or ""
