"""What a data source has, for who writes SQL over it."""

from __future__ import annotations

from penstock import tables
from penstock.identity import Principal
from penstock.kit.context import Context
from penstock.queries.service import sources
from penstock.tables import DescribedTable, NumberedSource


async def tables_of(
    ctx: Context, principal: Principal, source: NumberedSource, *, fresh: bool = False
) -> list[DescribedTable]:
    """Its tables and their columns, as far as the caller may know of them; `fresh` is to ask a foreign one anew."""
    if source.is_foreign:
        return await sources.schema(ctx, principal, source, fresh=fresh)
    return await tables.describe_tables(ctx, principal, source.app_slug, source.slug)
