"""What of a statement DuckDB does as PostgreSQL does it. What it does otherwise, or not at all, is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlglot import exp

from penstock.kit import errors
from penstock.queries.run.faults import fault
from penstock.queries.run.functions import FUNCTIONS
from penstock.queries.run.grammar import start_of
from penstock.queries.run.tokens import VALUE

_NAMES: Final = """
    abs acos age array_agg ascii asin atan atan2 avg bit_and bit_length bit_or bit_xor bool_and bool_or cbrt ceil
    ceiling char_length character_length chr coalesce concat concat_ws corr cos cot count covar_pop covar_samp
    cume_dist date_part date_trunc degrees dense_rank exp extract factorial first_value floor gcd generate_series
    greatest grouping isfinite lag last_value lcm lead least left length ln log10 lower lpad ltrim make_date
    make_time make_timestamp max md5 min mod nth_value ntile now nullif percent_rank percentile_cont
    percentile_disc pi position power radians rank regexp_replace regr_count regr_intercept regr_r2 regr_slope
    repeat replace reverse right round row_number rpad rtrim sign sin split_part sqrt starts_with stddev
    stddev_pop stddev_samp string_agg strpos substr substring sum tan translate trim trunc upper var_pop
    var_samp variance
"""
PORTABLE: Final = frozenset(_NAMES.split())
_CALLED: Final[Mapping[type[Any], str]] = {
    exp.Extract: "extract",
    exp.Trim: "trim",
    exp.Substring: "substring",
    exp.StrPosition: "position",
}
_TYPES: Final = frozenset(
    {
        "BIGINT", "BOOLEAN", "BYTEA", "CHAR", "DATE", "DOUBLE", "FLOAT", "INT", "INTERVAL", "JSON", "JSONB",
        "SMALLINT", "TEXT", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "UUID", "VARBINARY", "VARCHAR",
    }
)  # fmt: skip
_ELSEWHERE: Final = (
    exp.Overlay, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike, exp.Collate, exp.BitwiseXor, exp.JSONBExtract,
    exp.JSONBExtractScalar, exp.JSONBContains, exp.JSONBContainsTopKey, exp.JSONBContainsAnyTopKeys,
    exp.JSONBContainsAllTopKeys, exp.JSONBPathExists, exp.ArrayContainsAll, exp.ArrayContainedBy,
    exp.ArrayOverlaps, exp.Overlaps, exp.Adjacent, exp.MatchAgainst, exp.JSONArrayContains, exp.Kwarg,
    exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp, exp.Array, exp.Bracket, exp.Slice,
)  # fmt: skip
_JSON: Final = {"->": "json_extract", "->>": "json_extract_string"}
WHERE: Final = "in a query that reads from several systems"


def make_portable(tree: Any, text: str) -> None:
    """Change the tree to what DuckDB understands alike. Raises `errors.Invalid` for what it does not."""
    for node in list(tree.walk()):
        if isinstance(node, exp.Anonymous):
            _check_call(node, node.this, text)
        elif type(node) in _CALLED:
            _check_call(node, _CALLED[type(node)], text)
        elif isinstance(node, _ELSEWHERE):
            raise fault(f"This cannot be asked {WHERE}.", text, start_of(node))
        elif isinstance(node, exp.DataType):
            _type(node, text)
        elif isinstance(node, exp.Operator):
            _json(node, text)
        elif isinstance(node, exp.Table) and (node.args.get("ordinality") or node.args.get("rows_from")):
            raise fault(f"WITH ORDINALITY and ROWS FROM cannot be asked {WHERE}.", text, start_of(node))


def _check_call(node: Any, name: str, text: str) -> None:
    if name.startswith(VALUE) or name in PORTABLE:
        return
    if name in FUNCTIONS:
        hint = errors.nearest(name, sorted(PORTABLE))
        raise fault(f"{name}() cannot be called {WHERE}.", text, start_of(node), hint=hint)


def _type(node: Any, text: str) -> None:
    kind = node.this
    if isinstance(kind, exp.Interval):
        return
    name: str = getattr(kind, "name", "")
    if name == "JSONB":
        node.set("this", exp.DType.JSON)
    elif name == "BYTEA":
        node.set("this", exp.DType.VARBINARY)
    elif name == "DECIMAL":
        # Without them DuckDB has three digits after the point.
        if len(node.expressions) != 2:
            message = f"Say how many digits a number has {WHERE}, such as numeric(18, 4)."
            raise fault(message, text, start_of(node.parent))
    elif name not in _TYPES:
        raise fault(f"Values are not cast to this type {WHERE}.", text, start_of(node.parent))


def _json(node: Any, text: str) -> None:
    key = node.args["expression"]
    plain = isinstance(key, exp.Literal) and not (key.is_string and key.this[:1] in ("$", "/"))
    if not plain:
        raise fault(f"'->' takes the name of a field or a number {WHERE}.", text, start_of(node))
    name = _JSON[node.args["operator"]]
    given = node.this
    made = exp.Anonymous(this=name)
    node.replace(made)
    # Not copies: what is inside of them is still to be looked at.
    made.set("expressions", [given, key])
