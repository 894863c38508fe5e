"""What a data source has, for who writes SQL over it."""

from __future__ import annotations

from penstock import tables
from penstock.identity import Principal
from penstock.kit.context import Context
from penstock.tables import DescribedTable, NumberedSource


async def tables_of(ctx: Context, principal: Principal, source: NumberedSource) -> list[DescribedTable]:
    """Its tables and their columns, as far as the caller may know of them."""
    return await tables.describe_tables(ctx, principal, source.app_slug, source.slug)
