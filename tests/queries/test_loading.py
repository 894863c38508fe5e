from __future__ import annotations

import pytest

from penstock.kit.context import Context
from penstock.queries.loading import used

pytestmark = pytest.mark.anyio


async def test_only_where_queries_are_run(ctx: Context) -> None:
    assert await used(ctx) is False
    async with ctx.db.control.transaction() as conn:
        await conn.execute(
            "INSERT INTO penstock.query_results (org_id, fingerprint, request, query_hash, query_text, file,"
            " columns, ends, size, runtime) SELECT id, '', '{}', '', '', 'a', '[]', '{}', 0, 0 FROM penstock.orgs"
        )
    assert await used(ctx) is True
    async with ctx.db.control.transaction() as conn:
        await conn.execute("UPDATE penstock.query_results SET retrieved_at = now() - interval '2 days'")
    assert await used(ctx) is False
