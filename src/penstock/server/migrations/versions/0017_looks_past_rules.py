"""Looks past rules."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Tables whose rules were made before let the server through where it looks past them, as later ones do.
LET_THROUGH = """
DO $$
DECLARE
  p record;
BEGIN
  FOR p IN SELECT * FROM pg_catalog.pg_policies
    WHERE policyname = 'pst_exempt' AND strpos(qual, $q$-> 'a'::text$q$) = 0
  LOOP
    EXECUTE format(
      $q$ALTER POLICY %I ON %I.%I USING (%s OR (
        SELECT coalesce(nullif(current_setting('penstock.reach', true), '')::jsonb -> 'a' = 'true', false)))$q$,
      p.policyname, p.schemaname, p.tablename, p.qual);
  END LOOP;
END
$$
"""


def upgrade() -> None:
    op.execute(LET_THROUGH)
