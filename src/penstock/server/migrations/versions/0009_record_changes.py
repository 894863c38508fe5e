"""Record changes."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


class Xid(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "xid8"


# Runs as the owner of the metadata, so that whoever writes records needs no right on the changes. A statement's
# rows are noted in its own transaction, and after it has locked them: of one row the ids follow its history.
_NOTE = """
CREATE FUNCTION penstock.note_changes_v1() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  feed bigint := TG_ARGV[0];
  hidden text := TG_ARGV[1];
  noted bigint;
BEGIN
  -- Records are written by another role; what the owner updates is a column that stands in for another.
  IF TG_OP = 'UPDATE' AND session_user = current_user THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO penstock.record_changes (table_id, op, after)
    SELECT feed, 'insert', CASE WHEN hidden IS NULL THEN row_to_json(n) ELSE (to_jsonb(n) - hidden)::json END
    FROM pst_new AS n;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO penstock.record_changes (table_id, op, before)
    SELECT feed, 'delete', CASE WHEN hidden IS NULL THEN row_to_json(o) ELSE (to_jsonb(o) - hidden)::json END
    FROM pst_old AS o;
  ELSE
    -- Both tables hold the rows in the order in which they were updated.
    INSERT INTO penstock.record_changes (table_id, op, before, after)
    SELECT feed, 'update', pair.o, pair.n FROM ROWS FROM (
      unnest((SELECT array_agg(CASE WHEN hidden IS NULL THEN row_to_json(o)
        ELSE (to_jsonb(o) - hidden)::json END) FROM pst_old AS o)),
      unnest((SELECT array_agg(CASE WHEN hidden IS NULL THEN row_to_json(n)
        ELSE (to_jsonb(n) - hidden)::json END) FROM pst_new AS n))
    ) AS pair(o, n);
  END IF;
  GET DIAGNOSTICS noted = ROW_COUNT;
  -- NOTIFY makes commits wait for each other, so it is for tables that somebody watches.
  IF noted > 0 AND EXISTS (
    SELECT FROM penstock.record_feeds AS f WHERE f.table_id = feed AND f.watched_until > now()
  ) THEN
    PERFORM pg_notify('penstock_changes', feed::text);
  END IF;
  RETURN NULL;
END
$$
"""
_NAMED = """
CREATE FUNCTION penstock.renamed_v1(image json, change bigint, names jsonb) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  renaming jsonb;
  row_ jsonb := image::jsonb;
BEGIN
  FOR renaming IN SELECT value FROM jsonb_array_elements(names) LOOP
    IF row_ IS NOT NULL AND change <= (renaming ->> 'until')::bigint THEN
      row_ := (
        SELECT coalesce(jsonb_object_agg(coalesce(renaming -> 'names' ->> r.key, r.key), r.value), '{}')
        FROM jsonb_each(row_) AS r
        WHERE coalesce(jsonb_typeof(renaming -> 'names' -> r.key), '') <> 'null'
      );
    END IF;
  END LOOP;
  RETURN row_::json;
END
$$
"""


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("record_change_ids", schema="penstock")))
    op.create_table(
        "record_changes",
        sa.Column("table_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id",
            sa.BigInteger(),
            server_default=sa.text("nextval('penstock.record_change_ids')"),
            nullable=False,
        ),
        sa.Column("xid", Xid(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("op", sa.Text(collation="C"), nullable=False),
        sa.Column("before", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("table_id", "id", name=op.f("record_changes_pkey")),
        schema="penstock",
    )
    op.create_index(
        "record_changes_table_id_xid_id_idx",
        "record_changes",
        ["table_id", "xid", "id"],
        unique=False,
        schema="penstock",
    )
    op.create_table(
        "record_feeds",
        sa.Column("table_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "epoch",
            sa.Text(collation="C"),
            server_default=sa.text("substr(md5(gen_random_uuid()::text), 1, 12)"),
            nullable=False,
        ),
        sa.Column("gone_id", sa.BigInteger(), nullable=False),
        sa.Column("gone_xid", Xid(), server_default=sa.text("'0'::xid8"), nullable=False),
        sa.Column(
            "names",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("watched_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(names) = 'array'", name=op.f("record_feeds_names_check")),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["penstock.data_tables.id"],
            name=op.f("record_feeds_table_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("table_id", name=op.f("record_feeds_pkey")),
        schema="penstock",
    )
    op.execute(_NOTE)
    op.execute(_NAMED)
