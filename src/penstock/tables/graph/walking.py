"""Runs walks along edges: one statement each."""

from __future__ import annotations

import asyncio

from penstock.kit.db import Pool, Row
from penstock.tables.graph import shape
from penstock.tables.graph.compile import compile_walk
from penstock.tables.graph.levels import compile_levels, is_by_level
from penstock.tables.graph.plan import WalkPlan
from penstock.tables.graph.traversal import Format
from penstock.tables.records.execute import read
from penstock.tables.records.shape import Answer

_MANY = 2000  # records


async def walk(pool: Pool, plan: WalkPlan) -> Answer:
    """What the walk found, in the shape that was asked for."""
    row = await _found(pool, plan)
    if plan.walk.format is Format.TREE and row["visited"] > _MANY:
        # Nesting many records takes a while, in which others are answered.
        return await asyncio.to_thread(shape.answer, plan, row)
    return shape.answer(plan, row)


async def _found(pool: Pool, plan: WalkPlan) -> Row:
    if is_by_level(plan):
        row = await read(pool, compile_levels(plan))
        assert row is not None
        if row["page"] is not None or not 0 < row["visited"] <= plan.limit:
            return row
    row = await read(pool, compile_walk(plan))
    assert row is not None
    return row
