"""A laboratory for each module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.databases import Databases, TestDatabase
from tests.queries.lab import Lab, opened


@pytest.fixture(scope="module")
def module_database(databases: Databases) -> Iterator[TestDatabase]:
    with databases.clone() as cloned:
        yield cloned


@pytest.fixture(scope="module")
async def lab(module_database: TestDatabase) -> AsyncIterator[Lab]:
    async with opened(module_database) as made:
        yield made
