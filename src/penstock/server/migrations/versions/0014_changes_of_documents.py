"""Changes of documents: values that moved inside of rows are found."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# As `renamed_v1`, and then each move: what was at a path is at another one now, or is null from now on.
_READ = """
CREATE FUNCTION penstock.renamed_v2(image json, change bigint, names jsonb) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  reading jsonb;
  move jsonb;
  since text[];
  found jsonb;
  row_ jsonb := image::jsonb;
BEGIN
  FOR reading IN SELECT e.value FROM jsonb_array_elements(names) AS e LOOP
    CONTINUE WHEN row_ IS NULL OR change > (reading ->> 'until')::bigint;
    IF reading -> 'names' <> '{}' THEN
      row_ := (
        SELECT coalesce(jsonb_object_agg(coalesce(reading -> 'names' ->> r.key, r.key), r.value), '{}')
        FROM jsonb_each(row_) AS r
        WHERE coalesce(jsonb_typeof(reading -> 'names' -> r.key), '') <> 'null'
      );
    END IF;
    FOR move IN SELECT e.value FROM jsonb_array_elements(coalesce(reading -> 'moves', '[]')) AS e LOOP
      since := ARRAY(SELECT jsonb_array_elements_text(move -> 'from'));
      IF move ? 'to' THEN
        found := coalesce(row_ #> since, move -> 'else', 'null');
        row_ := jsonb_set(row_ #- since, ARRAY(SELECT jsonb_array_elements_text(move -> 'to')), found);
      ELSE
        row_ := jsonb_set(row_, since, 'null');
      END IF;
    END LOOP;
  END LOOP;
  RETURN row_::json;
END
$$
"""


def upgrade() -> None:
    op.execute(_READ)
