"""Every function that queries may call does what it does in PostgreSQL, and nothing beside."""

from __future__ import annotations

import pytest

from penstock.queries.run.functions import FUNCTIONS
from tests.queries.lab import Lab

pytestmark = pytest.mark.anyio
# Syntax of SQL, or of the parser alone.
SYNTAX = {"coalesce", "nullif", "greatest", "least", "grouping", "row", "trim"}


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_examples_run_the_same_both_ways(lab: Lab, name: str) -> None:
    ours, theirs = await lab.both(FUNCTIONS[name].query)
    assert ours == theirs


async def test_none_of_them_changes_anything(lab: Lab) -> None:
    """Immutable and stable functions cannot, and none of these can be told to read files or settings."""
    found = await lab.direct(
        "SELECT proname, provolatile, prosecdef FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " AND proname = ANY($1)",
        values=[*FUNCTIONS],
    )
    assert {name for name, _, _ in found} >= {*FUNCTIONS} - SYNTAX
    assert not [row for row in found if row[1] == b"v" or row[2]]
