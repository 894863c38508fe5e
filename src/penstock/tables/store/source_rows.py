"""Data sources: rows to models and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import column, func, select, table, update
from sqlalchemy.dialects.postgresql import insert

from penstock.identity import Grant
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page
from penstock.tables.models import DataSource, ProviderType
from penstock.tables.store.core import SELF, SOURCE, data_sources, data_tables
from penstock.tables.store.listing import Listing, listing
from penstock.tables.store.scope import app_id, touched
from penstock.tables.store.visibility import sources_seen, tables_seen

_COLUMNS = (
    data_sources.c.id,
    data_sources.c.app_id,
    data_sources.c.name,
    data_sources.c.slug,
    data_sources.c.provider_type,
    data_sources.c.provider_config,
    data_sources.c.description,
    data_sources.c.is_active,
    data_sources.c.created_at,
    data_sources.c.updated_at,
    data_sources.c.created_by,
    data_sources.c.modified_by,
)


def source_of(row: Row) -> DataSource:
    values = {column.name: row[column.name] for column in _COLUMNS}
    values["provider_type"] = ProviderType(values["provider_type"])
    values["provider_config"] = msgspec.json.decode(values["provider_config"])
    return DataSource(**values)


def _of_app(grant: Grant) -> Any:
    return (
        (data_sources.c.org_id == grant.org_id)
        & (data_sources.c.app_id == app_id(grant))
        & data_sources.c.is_active
    )


async def find_source(conn: Connection, grant: Grant, slug: str) -> DataSource | None:
    """None for one that the caller does not see, too."""
    row = await conn.row(
        select(*_COLUMNS).where(_of_app(grant), data_sources.c.slug == slug, sources_seen(grant.principal))
    )
    return source_of(row) if row else None


async def first_source(conn: Connection, grant: Grant) -> DataSource | None:
    """The oldest source of the app."""
    row = await conn.row(select(*_COLUMNS).where(_of_app(grant)).order_by(data_sources.c.id).limit(1))
    return source_of(row) if row else None


async def list_sources(conn: Connection, grant: Grant, page: Page | None) -> Listing:
    """Sources of an app, each row with `table_count` besides the columns of a source."""
    counted = (
        select(func.count())
        .where(
            data_tables.c.data_source_id == data_sources.c.id,
            data_tables.c.is_active,
            tables_seen(grant.principal),
        )
        .scalar_subquery()
        .label("table_count")
    )
    return await listing(
        conn,
        select(*_COLUMNS, counted)
        .where(_of_app(grant), sources_seen(grant.principal))
        .order_by(data_sources.c.id),
        page,
    )


async def table_counts(conn: Connection, grant: Grant, source_id: int) -> tuple[int, int]:
    """How many active tables the source has, and how many of them are materialized."""
    row = await conn.row(
        select(func.count(), func.count().filter(data_tables.c.is_materialized)).where(
            data_tables.c.org_id == grant.org_id,
            data_tables.c.data_source_id == source_id,
            data_tables.c.is_active,
            tables_seen(grant.principal),
        )
    )
    assert row is not None
    return row[0], row[1]


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """What a provider needs to know of a source to find its records."""

    slug: str
    app_id: int
    config: Mapping[str, Any]
    org_schema: str


async def source_config(conn: Connection, grant: Grant, source_id: int) -> SourceConfig | None:
    orgs = table("orgs", column("id"), column("database_schema"), schema="penstock")
    row = await conn.row(
        select(
            data_sources.c.slug,
            data_sources.c.app_id,
            data_sources.c.provider_config,
            orgs.c.database_schema,
        )
        .select_from(data_sources.join(orgs, orgs.c.id == data_sources.c.org_id))
        .where(data_sources.c.id == source_id, data_sources.c.org_id == grant.org_id)
    )
    if row is None:
        return None
    return SourceConfig(
        row["slug"], row["app_id"], msgspec.json.decode(row["provider_config"]), row["database_schema"]
    )


async def source_slugs_like(conn: Connection, grant: Grant, base: str) -> set[str]:
    """Slugs of the app's sources that are `base` or continue it after a hyphen."""
    rows = await conn.rows(
        select(data_sources.c.slug).where(
            _of_app(grant),
            (data_sources.c.slug == base) | data_sources.c.slug.startswith(f"{base}-", autoescape=True),
        )
    )
    return {row["slug"] for row in rows}


async def insert_source(
    conn: Connection,
    grant: Grant,
    *,
    name: str,
    slug: str,
    provider_type: ProviderType,
    provider_config: Mapping[str, Any],
    description: str,
) -> DataSource | None:
    """None when the slug is taken."""
    row = await conn.row(
        insert(data_sources)
        .values(
            org_id=grant.org_id,
            app_id=app_id(grant),
            name=name,
            slug=slug,
            provider_type=provider_type.value,
            provider_config=encoded(provider_config),
            description=description,
            created_by=grant.principal.user_id,
        )
        .on_conflict_do_nothing(
            index_elements=[data_sources.c.app_id, data_sources.c.slug], index_where=data_sources.c.is_active
        )
        .returning(*_COLUMNS)
    )
    return source_of(row) if row else None


async def update_source(
    conn: Connection, grant: Grant, source_id: int, changes: Mapping[str, Any]
) -> DataSource:
    values = dict(changes)
    if "provider_config" in values:
        values["provider_config"] = encoded(values["provider_config"])
    row = await conn.row(
        update(data_sources)
        .where(_of_app(grant), data_sources.c.id == source_id)
        .values(**values, **touched(grant))
        .returning(*_COLUMNS)
    )
    assert row is not None
    return source_of(row)


async def deactivate_source(conn: Connection, grant: Grant, source_id: int) -> None:
    """Hide the source and its tables."""
    await conn.execute(
        update(data_sources)
        .where(_of_app(grant), data_sources.c.id == source_id)
        .values(is_active=False, deactivated_by=SELF, **touched(grant))
    )
    await conn.execute(
        update(data_tables)
        .where(
            data_tables.c.org_id == grant.org_id,
            data_tables.c.data_source_id == source_id,
            data_tables.c.is_active,
        )
        .values(is_active=False, deactivated_by=SOURCE, **touched(grant))
    )


def encoded(document: Mapping[str, Any]) -> str:
    """The text of a `json` column."""
    return msgspec.json.encode(document).decode()


async def source_configs(conn: Connection, grant: Grant, ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """The configurations of these sources of the grant's app, by id."""
    rows = await conn.rows(
        select(data_sources.c.id, data_sources.c.provider_config).where(
            data_sources.c.org_id == grant.org_id,
            data_sources.c.app_id == app_id(grant),
            data_sources.c.id.in_(ids),
        )
    )
    return {row["id"]: msgspec.json.decode(row["provider_config"]) for row in rows}
