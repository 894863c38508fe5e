"""Groups to response bodies: `{data, total, page, page_size}`, and `aggregates` where there is but one group."""

from __future__ import annotations

from penstock.kit import errors
from penstock.tables.aggregates.plan import AggregatePlan
from penstock.tables.records import shape
from penstock.tables.records.shape import Answer


def groups(plan: AggregatePlan, rows: str | None, total: int | None) -> Answer:
    """`rows` are JSON objects, comma-separated. Without keys there is one at the most, on the first page."""
    if plan.grouping.keys:
        return shape.page(plan.window, rows, total)
    shown = None if plan.window.offset else rows
    return shape.page(plan.window, shown, total, extra=f',"aggregates":{rows or "{}"}')


def divided_by_zero() -> errors.Invalid:
    return errors.Invalid(
        {"_aggregate": ["An expression divides by zero in at least one of the records."]},
        hint="Leave such records out by a filter: divisor__ne=0.",
    )
