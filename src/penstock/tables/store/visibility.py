"""Which apps, sources and tables a caller sees, as conditions of the lists of them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select, true

from penstock.identity import Principal, visible
from penstock.kit.db import Connection
from penstock.tables.access import APP, SOURCE, TABLE
from penstock.tables.store.core import apps, data_sources, data_tables


def tables_seen(principal: Principal) -> ColumnElement[bool]:
    """Tables on which, or around which, the caller holds a role."""
    if principal.org_role is not None:
        return true()
    return or_(
        visible(principal, APP, data_tables.c.app_id),
        visible(principal, SOURCE, data_tables.c.data_source_id),
        visible(principal, TABLE, data_tables.c.id),
    )


def sources_seen(principal: Principal) -> ColumnElement[bool]:
    """Sources on which or around which the caller holds a role, and those with a table on which they do."""
    if principal.org_role is not None:
        return true()
    holding = select(data_tables.c.data_source_id).where(
        data_tables.c.org_id == principal.org_id,
        data_tables.c.is_active,
        visible(principal, TABLE, data_tables.c.id),
    )
    return or_(
        visible(principal, APP, data_sources.c.app_id),
        visible(principal, SOURCE, data_sources.c.id),
        data_sources.c.id.in_(holding),
    )


def apps_seen(principal: Principal) -> ColumnElement[bool]:
    """Apps on which the caller holds a role, and those with a source or table on which they do."""
    if principal.org_role is not None:
        return true()
    tables = select(data_tables.c.app_id).where(
        data_tables.c.org_id == principal.org_id,
        data_tables.c.is_active,
        visible(principal, TABLE, data_tables.c.id),
    )
    sources = select(data_sources.c.app_id).where(
        data_sources.c.org_id == principal.org_id,
        data_sources.c.is_active,
        visible(principal, SOURCE, data_sources.c.id),
    )
    return or_(visible(principal, APP, apps.c.id), apps.c.id.in_(tables), apps.c.id.in_(sources))


async def places_inside(
    conn: Connection, principal: Principal, app_id: int, source: str | None, table: str | None
) -> list[tuple[str, int]]:
    """The source and the table of an app that a path names, as far as there are such, with the table's source."""
    found: list[tuple[str, int]] = []
    ours = data_tables.c.org_id == principal.org_id, data_tables.c.app_id == app_id
    if table is not None:
        row = await conn.row(
            select(data_tables.c.id, data_tables.c.data_source_id).where(
                *ours, data_tables.c.is_active, data_tables.c.name == table
            )
        )
        return [(SOURCE, row["data_source_id"]), (TABLE, row["id"])] if row else []
    if source is not None:
        source_id = await conn.value(
            select(data_sources.c.id).where(
                data_sources.c.org_id == principal.org_id,
                data_sources.c.app_id == app_id,
                data_sources.c.is_active,
                data_sources.c.slug == source,
            )
        )
        found += [] if source_id is None else [(SOURCE, source_id)]
    return found


async def sees_something(conn: Connection, principal: Principal, app_id: int, source: str | None) -> bool:
    """True for who holds a role on some table or source of the app; in one source of it, when a slug is given."""
    statement = select(data_sources.c.id).where(
        data_sources.c.org_id == principal.org_id,
        data_sources.c.app_id == app_id,
        data_sources.c.is_active,
        sources_seen(principal),
    )
    if source is not None:
        statement = statement.where(data_sources.c.slug == source)
    return await conn.value(statement.limit(1)) is not None
