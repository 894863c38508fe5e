"""The verb: a plan to an answer, in one statement (and a look at its cost where the table is large)."""

from __future__ import annotations

import asyncpg

from penstock.kit import errors
from penstock.kit.db import Pool
from penstock.tables.aggregates import answer
from penstock.tables.aggregates.compile import MOST_BYTES, MOST_BYTES_DISTINCT, compile_aggregate
from penstock.tables.aggregates.cost import Sizes, check_cost
from penstock.tables.aggregates.plan import AggregatePlan
from penstock.tables.records.execute import read
from penstock.tables.records.shape import Answer
from penstock.tables.settings import TablesSettings


async def aggregate(pool: Pool, plan: AggregatePlan, settings: TablesSettings, sizes: Sizes) -> Answer:
    """Raises `errors.Invalid` for what only the records decide: a division by zero, too much to collect."""
    most = settings.max_collected
    statement = compile_aggregate(plan, most)
    await check_cost(pool, plan.table, statement, sizes, settings.max_aggregate_cost, limited=plan.is_limited)
    try:
        row = await read(pool, statement)
    except errors.BadRequest as error:
        raise _explained(error) from error
    assert row is not None
    if row["exceeds"]:
        size = f"{MOST_BYTES // 1024 // 1024} MiB"
        raise errors.Invalid(
            {
                "_aggregate": [
                    f"array_agg, json_agg and string_agg collect at most {most:,} items and {size} in one answer, "
                    f"with 'distinct' no text of more than {MOST_BYTES_DISTINCT:,} bytes."
                ]
            },
            hint="Filter the records, ask for fewer groups on a page, or collect 'distinct' values.",
        )
    return answer.groups(plan, row["page"], row["total"])


def _explained(error: errors.BadRequest) -> errors.BadRequest:
    if isinstance(error.__cause__, asyncpg.DivisionByZeroError):
        return answer.divided_by_zero()
    return error
