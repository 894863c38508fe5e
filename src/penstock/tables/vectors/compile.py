"""A plan by nearness to SQL: queries whose last, `FOUND`, has the records with what they score.

The nearest are picked first, by the index where it has the order; then they are ordered, cut and shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from penstock.kit import sql
from penstock.tables.schema.vectors import METRICS
from penstock.tables.vectors.plan import Nearest

if TYPE_CHECKING:
    from penstock.tables.records.plan import RecordPlan

SCORES: Final = {
    "_vector_score": "Distance by the metric, in a list by nearness.",
    "_similarity_score": "The more, the nearer: the cosine, the inner product, or 1 / (1 + distance).",
    "_hybrid_score": "In a list by nearness and words, what it is ordered by.",
    "_fts_score": "In a list by nearness and words, how well the words match; 0 if not at all.",
}
FOUND: Final = '"#found"'
# Of Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion", 2009.
_DAMPING: Final = 60
# Rows that a scan goes on to look at, when conditions leave too few of the nearest.
_MAX_SCANNED: Final = 100_000
_DISTANCE, _WORDS, _FUSED = '"#distance"', '"#words"', '"#fused"'


def queries(
    plan: RecordPlan, nearest: Nearest, condition: str, rank: tuple[str, str] | None, values: list[Any]
) -> str:
    """The queries of a WITH. `condition` leaves words out; `rank` is the condition on them and how well they match."""
    values.append(nearest.vector)
    # A subquery, so that the text is read once, and not again for each row.
    home = sql.identifier(nearest.field.vector.home if nearest.field.vector else "public")
    place = f"(SELECT ${len(values)}::text::{home}.vector)"
    operator = f"OPERATOR({home}.{METRICS[nearest.metric][0]})"
    distance = f"t.{sql.identifier(nearest.field.name)} {operator} {place}"
    if rank is None:
        near = _near(plan, nearest, "t.*", nearest.top, condition, distance, values)
        return f"{FOUND} AS MATERIALIZED (SELECT t.* FROM ({near}) AS t WHERE {_within(nearest, values)})"
    return _fused(plan, nearest, condition, rank, distance, values)


def scores(plan: RecordPlan, nearest: Nearest) -> list[str]:
    """Columns beside the fields of a row `t` of `FOUND`, but for those that a field has the name of."""
    score = f"t.{_DISTANCE}"
    texts = (score, _similarity(nearest.metric, score), f"t.{_FUSED}", f"t.{_WORDS}")
    found = list(zip(SCORES, texts, strict=True))[: None if plan.search else 2]
    return [f"{text} AS {name}" for name, text in found if name not in plan.table.schema.by_name]


def best_first(plan: RecordPlan) -> str:
    """The order of `FOUND` before the key decides."""
    return f"t.{_DISTANCE}" if plan.search is None else f"t.{_FUSED} DESC"


def _similarity(metric: str, score: str) -> str:
    match metric:
        case "cosine":
            return f"1 - {score}"
        case "ip":
            return f"- {score}"
        case _:
            return f"1 / (1 + {score})"


def _near(
    plan: RecordPlan,
    nearest: Nearest,
    columns: str,
    count: int,
    condition: str,
    distance: str,
    values: list[Any],
) -> str:
    """The nearest rows that meet the condition, with their distance."""
    picked = f"SELECT {columns}, {distance} AS {_DISTANCE} FROM {plan.table.rows} AS t WHERE ({condition})"
    order = f"ORDER BY {distance} LIMIT {int(count)}"
    if nearest.ef_search is None:
        return f"{picked} {order}"
    # The rows depend on the settings, which are therefore made before the scan begins. They end with the transaction,
    # which is this statement.
    values.append(str(nearest.ef_search))
    settings = (
        f"SELECT set_config('hnsw.ef_search', ${len(values)}::text, true) AS a, "
        "set_config('hnsw.iterative_scan', 'relaxed_order', true) AS b, "
        f"set_config('hnsw.max_scan_tuples', '{_MAX_SCANNED}', true) AS c"
    )
    return (
        f'SELECT t.* FROM ({settings}) AS "#set" CROSS JOIN LATERAL '
        f'({picked} AND "#set".a || "#set".b || "#set".c IS NOT NULL {order}) AS t'
    )


def _within(nearest: Nearest, values: list[Any]) -> str:
    """Rows `t` at a distance that is a number, and not too far. Of zeros there is no cosine."""
    condition = f"t.{_DISTANCE} < 'Infinity'"
    if nearest.threshold is not None:
        values.append(nearest.threshold)
        condition += f" AND t.{_DISTANCE} <= ${len(values)}::float8"
    return condition


def _fused(
    plan: RecordPlan,
    nearest: Nearest,
    condition: str,
    rank: tuple[str, str],
    distance: str,
    values: list[Any],
) -> str:
    """Both lists, fused by what place a record has in each."""
    names = plan.table.schema.primary_key
    keys = [f't.{sql.identifier(name)} AS "#k{n}"' for n, name in enumerate(names)]
    same = [f'"#k{n}"' for n in range(len(names))]
    key, using = ", ".join(f"t.{one}" for one in same), ", ".join(same)
    matches, score = rank
    count = int(nearest.candidates)
    near = _near(plan, nearest, ", ".join(keys), count, condition, distance, values)
    within = _within(nearest, values)
    values.append(nearest.alpha)
    alpha = f"${len(values)}::float8"
    fused = (
        f"coalesce({alpha} / ({_DAMPING} + v.place), 0) + coalesce((1 - {alpha}) / ({_DAMPING} + w.place), 0)"
    )
    joined = " AND ".join(f't.{sql.identifier(name)} = h."#k{n}"' for n, name in enumerate(names))
    return (
        f'"#v" AS MATERIALIZED (SELECT {key}, row_number() OVER (ORDER BY t.{_DISTANCE}, {key}) AS place '
        f"FROM ({near}) AS t WHERE {within}), "
        f'"#w" AS MATERIALIZED (SELECT {key}, row_number() OVER (ORDER BY t.score DESC, {key}) AS place FROM '
        f"(SELECT {', '.join(keys)}, {score} AS score FROM {plan.table.rows} AS t WHERE ({condition}) AND {matches} "
        f"ORDER BY score DESC, {using} LIMIT {count}) AS t), "
        f'"#h" AS MATERIALIZED (SELECT t.* FROM (SELECT {using}, {fused} AS score '
        f'FROM "#v" AS v FULL JOIN "#w" AS w USING ({using})) AS t WHERE t.score > 0 '
        f"ORDER BY t.score DESC, {key} LIMIT {int(nearest.top)}), "
        f"{FOUND} AS MATERIALIZED (SELECT t.*, h.score AS {_FUSED}, {distance} AS {_DISTANCE}, "
        f"CASE WHEN {matches} THEN {score} ELSE 0 END AS {_WORDS} "
        f'FROM "#h" AS h JOIN {plan.table.rows} AS t ON {joined})'
    )
