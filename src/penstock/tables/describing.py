"""The tables of a data source for who writes SQL: those that a caller sees, with the fields that they may know of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.tables import access
from penstock.tables.catalog import Catalog
from penstock.tables.records.reach import limits_in
from penstock.tables.store import named_tables

_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class DescribedTable:
    """A table, and its fields by name with the types that they have."""

    name: str
    columns: tuple[tuple[str, str], ...]


async def describe_tables(ctx: Context, principal: Principal, app: str, source: str) -> list[DescribedTable]:
    """By name; tables of edges are tables like any other."""
    async with ctx.db.control.transaction() as conn:
        seen = await named_tables(conn, principal, None, _MOST)
    catalog = Catalog.of(ctx)
    found: list[DescribedTable] = []
    for name in sorted(name for its_app, its_source, name in seen if (its_app, its_source) == (app, source)):
        try:
            table = await catalog.table(principal.org_id, app, name)
            access.authorize_table(principal, "record.read", table.definition)
            known = limits_in(table, principal).table
        except (errors.NotFound, errors.Forbidden):
            # It has gone meanwhile, or only its name is to be known.
            continue
        found.append(DescribedTable(name, tuple((one.name, one.type) for one in known.schema.fields)))
    return found
