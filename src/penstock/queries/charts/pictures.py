"""From a visualization and the result it shows to the document of its picture."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries.charts import counters, grids, vega
from penstock.queries.charts.options import chart_of
from penstock.queries.charts.rows import rows_of, texts_of
from penstock.queries.results.models import Result
from penstock.queries.saved import Visualization
from penstock.queries.store.preferences import find_preferences

WIDTH, HEIGHT = 800, 450
KINDS: Final = ("CHART", "COUNTER", "TABLE")


async def document(
    ctx: Context, shown: Visualization, result: Result, width: int = WIDTH, height: int = HEIGHT
) -> dict[str, Any]:
    """As Vega-Lite has it. Raises `BadRequest` for kinds that are not drawn, and options that do not fit the result."""
    match shown.type:
        case "CHART":
            rows = await rows_of(ctx, result)
            return vega.document(chart_of(shown.options, rows), rows, width, height)
        case "COUNTER":
            return counters.document(await counter(ctx, shown, result), width, height)
        case "TABLE":
            return grids.document(await grid(ctx, shown, result), width, height)
        case _:
            raise errors.BadRequest(
                f"Visualizations of type '{shown.type[:40]}' are not drawn here; drawn are {', '.join(KINDS)}."
            )


async def counter(ctx: Context, shown: Visualization, result: Result) -> counters.Counter:
    start, count = counters.needed(shown.options, result.file.rows)
    texts = await texts_of(ctx, result, start, count)
    return counters.counter_of(shown.options, texts, start, shown.name)


async def grid(ctx: Context, shown: Visualization, result: Result) -> grids.Grid:
    texts = await texts_of(ctx, result, 0, grids.page_rows(shown.options))
    async with ctx.db.control.transaction() as conn:
        wanted = await find_preferences(conn, result.org_id)
    return grids.grid_of(shown.options, texts, wanted)
