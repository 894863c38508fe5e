"""Apps: rows to models and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Table, Update, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.identity import Grant, Principal
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page
from penstock.tables.models import App, ProviderType, SourceCount
from penstock.tables.store.core import APP, SELF, apps, data_sources, data_tables
from penstock.tables.store.listing import Listing, listing
from penstock.tables.store.scope import app_id, touched
from penstock.tables.store.visibility import apps_seen, sources_seen, tables_seen

_COLUMNS = (
    apps.c.id,
    apps.c.org_id,
    apps.c.name,
    apps.c.slug,
    apps.c.description,
    apps.c.is_active,
    apps.c.created_at,
    apps.c.updated_at,
    apps.c.created_by,
    apps.c.modified_by,
)


def app_of(row: Row) -> App:
    return App(*(row[column.name] for column in _COLUMNS))


async def find_app(
    conn: Connection, principal: Principal, slug: str, *, active: bool = True, lock: bool = False
) -> App | None:
    """The app of this slug in the caller's org; what they may do with it is for `access.authorize` to say.

    `lock` is for who changes the app, its sources or its tables: such changes go one after another.
    """
    statement = select(*_COLUMNS).where(
        apps.c.org_id == principal.org_id, apps.c.slug == slug, apps.c.is_active == active
    )
    if lock:
        statement = statement.with_for_update(key_share=True)
    row = await conn.row(statement)
    return app_of(row) if row else None


async def app_id_of(conn: Connection, org_id: int, slug: str) -> int | None:
    """For identity, which gives roles on apps by their slugs."""
    return await conn.value(
        select(apps.c.id).where(apps.c.org_id == org_id, apps.c.slug == slug, apps.c.is_active)
    )


async def list_apps(conn: Connection, principal: Principal, page: Page | None) -> Listing:
    """Apps the caller may see, each row with `datasource_count` besides the columns of an app."""
    counted = (
        select(func.count())
        .where(data_sources.c.app_id == apps.c.id, data_sources.c.is_active, sources_seen(principal))
        .scalar_subquery()
        .label("datasource_count")
    )
    statement = (
        select(*_COLUMNS, counted)
        .where(apps.c.org_id == principal.org_id, apps.c.is_active, apps_seen(principal))
        .order_by(apps.c.id)
    )
    return await listing(conn, statement, page)


async def lock_app(conn: Connection, grant: Grant) -> None:
    """Hold the app until the transaction ends; see `find_app`."""
    await conn.execute(
        select(apps.c.id)
        .where(apps.c.org_id == grant.org_id, apps.c.id == app_id(grant))
        .with_for_update(key_share=True)
    )


async def slugs_like(conn: Connection, grant: Grant, base: str) -> set[str]:
    """Slugs in use that are `base` or continue it after a hyphen, those of deleted apps included."""
    rows = await conn.rows(
        select(apps.c.slug).where(
            apps.c.org_id == grant.org_id,
            (apps.c.slug == base) | apps.c.slug.startswith(f"{base}-", autoescape=True),
        )
    )
    return {row["slug"] for row in rows}


async def insert_app(conn: Connection, grant: Grant, name: str, slug: str, description: str) -> App | None:
    """None when the slug is taken."""
    row = await conn.row(
        upsert(apps)
        .values(
            org_id=grant.org_id,
            name=name,
            slug=slug,
            description=description,
            created_by=grant.principal.user_id,
        )
        .on_conflict_do_nothing(index_elements=[apps.c.org_id, apps.c.slug])
        .returning(*_COLUMNS)
    )
    return app_of(row) if row else None


async def update_app(conn: Connection, grant: Grant, changes: Mapping[str, Any]) -> App:
    row = await conn.row(
        update(apps)
        .where(apps.c.org_id == grant.org_id, apps.c.id == app_id(grant))
        .values(**changes, **touched(grant))
        .returning(*_COLUMNS)
    )
    assert row is not None
    return app_of(row)


async def deactivate_app(conn: Connection, grant: Grant) -> None:
    """Hide the app, its sources and their tables; what was hidden before keeps its own reason."""
    for table, its_app, reason in _WHOLE:
        await conn.execute(
            _of_app(table, its_app, grant)
            .where(table.c.is_active)
            .values(is_active=False, deactivated_by=reason, **touched(grant))
        )


async def reactivate_app(conn: Connection, grant: Grant) -> None:
    """Undo `deactivate_app`, and nothing else."""
    for table, its_app, reason in _WHOLE:
        await conn.execute(
            _of_app(table, its_app, grant)
            .where(table.c.deactivated_by == reason)
            .values(is_active=True, deactivated_by=None, **touched(grant))
        )


# What belongs to an app: the table, its column with the app's id, and why the app's deletion hid it.
_WHOLE = (
    (apps, apps.c.id, SELF),
    (data_sources, data_sources.c.app_id, APP),
    (data_tables, data_tables.c.app_id, APP),
)


def _of_app(table: Table, its_app: Column[Any], grant: Grant) -> Update:
    return update(table).where(table.c.org_id == grant.org_id, its_app == app_id(grant))


async def source_counts(conn: Connection, grant: Grant) -> list[SourceCount]:
    """The active sources of an app with their numbers of tables, in one statement."""
    active = (
        (data_tables.c.data_source_id == data_sources.c.id)
        & data_tables.c.is_active
        & tables_seen(grant.principal)
    )
    statement = (
        select(
            data_sources.c.id,
            data_sources.c.name,
            data_sources.c.slug,
            data_sources.c.provider_type,
            func.count(data_tables.c.id).label("tables"),
            func.count(data_tables.c.id).filter(data_tables.c.is_materialized).label("materialized"),
        )
        .select_from(data_sources.outerjoin(data_tables, active))
        .where(
            data_sources.c.org_id == grant.org_id,
            data_sources.c.app_id == app_id(grant),
            data_sources.c.is_active,
            sources_seen(grant.principal),
        )
        .group_by(data_sources.c.id)
        .order_by(data_sources.c.id)
    )
    return [
        SourceCount(
            row["id"],
            row["name"],
            row["slug"],
            ProviderType(row["provider_type"]),
            row["tables"],
            row["materialized"],
        )
        for row in await conn.rows(statement)
    ]
