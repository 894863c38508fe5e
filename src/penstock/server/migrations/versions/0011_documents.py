"""Functions that read the values of documents."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# PostgreSQL's own casts from text to these types depend on settings of the session, as far as it knows, and so no
# index can have them. What a document holds is ISO 8601, instants in UTC, and reads the same under any setting.
_OF_TEXT = {"date": "date", "time": "time", "datetime": "timestamptz"}
_OF_RANGE = {
    "int8range": "bigint",
    "numrange": "numeric",
    "daterange": "date",
    "tstzrange": "timestamptz",
}
_MARKS = "LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE"


def upgrade() -> None:
    for name, kind in _OF_TEXT.items():
        op.execute(
            f"CREATE FUNCTION penstock.as_{name}(text) RETURNS {kind} {_MARKS} "
            f"AS 'BEGIN RETURN $1::{kind}; END'"
        )
    for kind, bound in _OF_RANGE.items():
        op.execute(
            f"CREATE FUNCTION penstock.as_{kind}(jsonb) RETURNS {kind} {_MARKS} AS $$BEGIN RETURN "
            f"CASE WHEN ($1->>'empty')::boolean THEN 'empty'::{kind} "
            f"ELSE {kind}(($1->>'lower')::{bound}, ($1->>'upper')::{bound}, $1->>'bounds') END; END$$"
        )
