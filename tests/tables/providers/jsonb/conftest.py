"""A workbench whose tables are documents."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.databases import TestDatabase
from tests.tables.workbench import Workbench, module_database, opened

__all__ = ["module_database"]


@pytest.fixture(scope="module")
async def workbench(module_database: TestDatabase) -> AsyncIterator[Workbench]:
    async with opened(module_database, "jsonb") as bench:
        yield bench
