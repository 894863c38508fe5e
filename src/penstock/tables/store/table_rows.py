"""Data tables: rows to models and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    Select,
    all_,
    any_,
    bindparam,
    column,
    func,
    literal,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, aggregate_order_by, insert

from penstock.identity import Grant, Principal
from penstock.kit.db import Connection, Row
from penstock.kit.metadata import TEXT
from penstock.kit.paging import Page
from penstock.tables.models import DataTable, Definition, ProviderType, TableEntry
from penstock.tables.naming import EDGES
from penstock.tables.store.core import SELF, apps, data_sources, data_tables
from penstock.tables.store.listing import Listing, listing
from penstock.tables.store.scope import app_id, touched
from penstock.tables.store.visibility import tables_seen

# Lists leave the schemas out: they may be long and nothing of them is shown.
_BRIEF = (
    data_tables.c.id,
    data_tables.c.app_id,
    data_tables.c.data_source_id,
    data_tables.c.name,
    data_tables.c.description,
    data_tables.c.schema_hash,
    data_tables.c.physical_schema,
    data_tables.c.physical_name,
    data_tables.c.is_materialized,
    data_tables.c.is_active,
    data_tables.c.created_at,
    data_tables.c.updated_at,
    data_tables.c.created_by,
    data_tables.c.modified_by,
    data_tables.c.layout,
)
_SOURCE = (
    data_tables.c.field_count,
    data_sources.c.name.label("source_name"),
    data_sources.c.slug.label("source_slug"),
    data_sources.c.provider_type,
)


def entry_of(row: Row) -> TableEntry:
    """A table with what is shown beside it; without a schema when the statement left it out."""
    text: str = row.get("json_schema") or ""
    values = {one.name: row[one.name] for one in _BRIEF}
    found = DataTable(**values, json_schema=msgspec.json.decode(text) if text else {})
    return TableEntry(
        found,
        row["source_name"],
        row["source_slug"],
        ProviderType(row["provider_type"]),
        row["field_count"],
        text,
    )


def _of_app(grant: Grant) -> Any:
    return (
        (data_tables.c.org_id == grant.org_id)
        & (data_tables.c.app_id == app_id(grant))
        & data_tables.c.is_active
    )


def _entries(grant: Grant, *more: Any) -> Select[*tuple[Any, ...]]:
    joined = data_tables.join(data_sources, data_sources.c.id == data_tables.c.data_source_id)
    return select(*_BRIEF, *_SOURCE, *more).select_from(joined).where(_of_app(grant))


def _seen(grant: Grant, *more: Any) -> Select[*tuple[Any, ...]]:
    """Those that the caller sees: what a request names, where `_entries` is for what tables have to do with others."""
    return _entries(grant, *more).where(tables_seen(grant.principal))


async def seen_among(conn: Connection, grant: Grant, names: Sequence[str]) -> set[str]:
    """Those of the named tables that the caller sees."""
    rows = await conn.rows(
        select(data_tables.c.name).where(
            _of_app(grant), data_tables.c.name == any_(_texts(names)), tables_seen(grant.principal)
        )
    )
    return {row["name"] for row in rows}


async def find_table(
    conn: Connection, grant: Grant, name: str, *, source_slug: str | None = None
) -> TableEntry | None:
    """The table of this name in the app, if the caller sees it; in one source of it, when a slug is given."""
    statement = _seen(grant, data_tables.c.json_schema).where(data_tables.c.name == name)
    if source_slug is not None:
        statement = statement.where(data_sources.c.slug == source_slug)
    row = await conn.row(statement)
    return entry_of(row) if row else None


async def load_table(
    conn: Connection, org_id: int, app_slug: str, name: str
) -> tuple[DataTable, ProviderType] | None:
    """A table for the catalog, which serves every caller of the org: each request is authorized by itself."""
    row = await conn.row(_loading(org_id, app_slug).where(data_tables.c.name == name))
    if row is None:
        return None
    entry = entry_of(row)
    return entry.table, entry.provider_type


async def load_tables(conn: Connection, org_id: int, app_slug: str) -> list[tuple[DataTable, ProviderType]]:
    """All tables of an app for the catalog."""
    entries = [entry_of(row) for row in await conn.rows(_loading(org_id, app_slug))]
    return [(entry.table, entry.provider_type) for entry in entries]


def _loading(org_id: int, app_slug: str) -> Select[*tuple[Any, ...]]:
    joined = data_tables.join(apps, apps.c.id == data_tables.c.app_id)
    return (
        select(*_BRIEF, *_SOURCE, data_tables.c.json_schema)
        .select_from(joined.join(data_sources, data_sources.c.id == data_tables.c.data_source_id))
        .where(
            data_tables.c.org_id == org_id,
            apps.c.org_id == org_id,
            apps.c.slug == app_slug,
            apps.c.is_active,
            data_tables.c.is_active,
        )
    )


async def table_by_id(conn: Connection, table_id: int) -> DataTable | None:
    """For jobs: a table that was there when the job was deferred."""
    joined = data_tables.join(data_sources, data_sources.c.id == data_tables.c.data_source_id)
    row = await conn.row(
        select(*_BRIEF, *_SOURCE, data_tables.c.json_schema)
        .select_from(joined)
        .where(data_tables.c.id == table_id)
    )
    return entry_of(row).table if row else None


async def org_of_table(conn: Connection, table_id: int) -> int:
    return await conn.value(select(data_tables.c.org_id).where(data_tables.c.id == table_id))


async def unique_indexes(conn: Connection, table: DataTable) -> frozenset[str]:
    """Names of the unique indexes that the physical table has, and that hold."""
    rows = await conn.rows(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
        "WHERE n.nspname = $1 AND t.relname = $2 AND i.indisunique AND i.indisvalid",
        table.physical_schema,
        table.physical_name,
    )
    return frozenset(row["relname"] for row in rows)


async def comments(conn: Connection, relations: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The comments of relations, by schema and name."""
    rows = await conn.rows(
        "SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class') AS text "
        "FROM unnest($1::text[], $2::text[]) AS named(schema, name) "
        "JOIN pg_namespace n ON n.nspname = named.schema "
        "JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = named.name",
        [schema for schema, _ in relations],
        [name for _, name in relations],
    )
    return {(row["nspname"], row["relname"]): row["text"] for row in rows if row["text"]}


async def find_tables(conn: Connection, grant: Grant, names: Sequence[str]) -> dict[str, TableEntry]:
    """Those of the named tables that exist, by name."""
    rows = await conn.rows(
        _entries(grant, data_tables.c.json_schema).where(data_tables.c.name == any_(_texts(names)))
    )
    return {row["name"]: entry_of(row) for row in rows}


async def definitions(
    conn: Connection, grant: Grant, names: Sequence[str] | None, limit: int
) -> list[TableEntry]:
    """The tables of the app that the caller sees, with schemas, by name; only those named, if any are."""
    statement = _seen(grant, data_tables.c.json_schema).order_by(data_tables.c.name).limit(limit)
    if names is not None:
        statement = statement.where(data_tables.c.name == any_(_texts(names)))
    return [entry_of(row) for row in await conn.rows(statement)]


async def definitions_version(conn: Connection, grant: Grant) -> str:
    """A text that changes whenever a definition of the app does."""
    state = func.concat(data_tables.c.id, ":", data_tables.c.updated_at)
    joined = func.string_agg(state, aggregate_order_by(literal(","), data_tables.c.id))
    seen = _of_app(grant) & tables_seen(grant.principal)
    return await conn.value(select(func.md5(func.coalesce(joined, ""))).where(seen))


async def family_of(conn: Connection, grant: Grant, names: Sequence[str]) -> dict[str, TableEntry]:
    """The named tables and every table that their foreign keys lead to, by name."""
    ours = select(data_tables.c.name, data_tables.c.parents).where(_of_app(grant))
    reached = ours.where(data_tables.c.name == any_(_texts(names))).cte("reached", recursive=True)
    reached = reached.union(ours.where(data_tables.c.name == any_(reached.c.parents)))
    statement = _entries(grant, data_tables.c.json_schema).where(
        data_tables.c.name.in_(select(reached.c.name))
    )
    return {row["name"]: entry_of(row) for row in await conn.rows(statement)}


async def physical_schema(conn: Connection, grant: Grant) -> str:
    """The database schema that holds the tables of the grant's org."""
    orgs = table("orgs", column("id"), column("database_schema"), schema="penstock")
    return await conn.value(select(orgs.c.database_schema).where(orgs.c.id == grant.org_id))


async def mark_materialized(conn: Connection, grant: Grant, ids: Sequence[int]) -> None:
    await conn.execute(
        update(data_tables)
        .where(_of_app(grant), data_tables.c.id == any_(bindparam(None, list(ids), type_=ARRAY(BIGINT))))
        .values(is_materialized=True, updated_at=func.clock_timestamp())
    )


async def list_tables(
    conn: Connection,
    grant: Grant,
    page: Page | None,
    *,
    source_slug: str | None = None,
    is_materialized: bool | None = None,
) -> Listing:
    statement = _seen(grant).order_by(data_tables.c.id)
    if source_slug is not None:
        statement = statement.where(data_sources.c.slug == source_slug)
    if is_materialized is not None:
        statement = statement.where(data_tables.c.is_materialized == is_materialized)
    return await listing(conn, statement, page)


async def graph_tables(conn: Connection, grant: Grant, names: Sequence[str]) -> set[str]:
    """Those of the named tables that declare a hierarchy or graph."""
    rows = await conn.rows(
        select(data_tables.c.name).where(
            _of_app(grant), data_tables.c.name == any_(_texts(names)), data_tables.c.has_graph
        )
    )
    return {row["name"] for row in rows}


async def children_of(
    conn: Connection, grant: Grant, names: Sequence[str], *, outside_source: int | None = None
) -> list[str]:
    """Other tables of the app whose foreign keys point at one of the named, those of one source left out."""
    statement = select(data_tables.c.name).where(
        _of_app(grant),
        data_tables.c.name != all_(_texts(names)),
        data_tables.c.parents.overlap(_texts(names)),
    )
    if outside_source is not None:
        statement = statement.where(data_tables.c.data_source_id != outside_source)
    return [row["name"] for row in await conn.rows(statement.order_by(data_tables.c.name))]


async def names_in_source(conn: Connection, grant: Grant, source_id: int) -> list[str]:
    rows = await conn.rows(
        select(data_tables.c.name).where(_of_app(grant), data_tables.c.data_source_id == source_id)
    )
    return [row["name"] for row in rows]


async def insert_table(
    conn: Connection,
    grant: Grant,
    *,
    source_id: int,
    name: str,
    description: str,
    definition: Definition,
    field_ids: Mapping[str, str],
    physical: tuple[str, str],
) -> int | None:
    """The new table's id, None when the name is taken. `physical` is schema and name in the database."""
    return await conn.value(
        insert(data_tables)
        .values(
            org_id=grant.org_id,
            app_id=app_id(grant),
            data_source_id=source_id,
            name=name,
            description=description,
            physical_schema=physical[0],
            physical_name=physical[1],
            created_by=grant.principal.user_id,
            field_ids=msgspec.json.encode(field_ids).decode(),
            **defined(definition),
        )
        .on_conflict_do_nothing(
            index_elements=[data_tables.c.app_id, data_tables.c.name], index_where=data_tables.c.is_active
        )
        .returning(data_tables.c.id)
    )


async def update_table(
    conn: Connection,
    grant: Grant,
    table_id: int,
    changes: Mapping[str, Any],
    definition: Definition | None = None,
    field_ids: Mapping[str, str] | None = None,
) -> None:
    values = dict(changes)
    if definition is not None:
        values |= defined(definition)
    if field_ids is not None:
        values["field_ids"] = msgspec.json.encode(field_ids).decode()
    await conn.execute(
        update(data_tables)
        .where(_of_app(grant), data_tables.c.id == table_id)
        .values(**values, **touched(grant))
    )


async def lock_definition(conn: Connection, grant: Grant, table_id: int) -> dict[str, str]:
    """Hold a definition until the transaction ends; the ids of its fields by name."""
    text = await conn.value(
        select(data_tables.c.field_ids)
        .where(_of_app(grant), data_tables.c.id == table_id)
        .with_for_update(key_share=True)
    )
    return msgspec.json.decode(text or "{}", type=dict[str, str])


async def deactivate_table(conn: Connection, grant: Grant, table_id: int) -> None:
    await conn.execute(
        update(data_tables)
        .where(_of_app(grant), data_tables.c.id == table_id)
        .values(is_active=False, deactivated_by=SELF, **touched(grant))
    )


def _texts(names: Sequence[str]) -> BindParameter[Sequence[str]]:
    return bindparam(None, list(names), type_=ARRAY(TEXT))


def defined(definition: Definition) -> dict[str, Any]:
    """The columns that say what a table is."""
    return {
        "json_schema": definition.text,
        "schema_hash": definition.digest,
        "field_count": len(definition.schema.fields),
        "has_graph": definition.schema.has_graph,
        "parents": sorted({key.resource for key in definition.schema.foreign_keys if key.resource}),
    }


async def named_tables(
    conn: Connection, principal: Principal, names: Sequence[str] | None, limit: int = 1000
) -> list[tuple[str, str, str]]:
    """App, source and name of the tables that a caller sees, of these names or any; edges are tables of their own."""
    edges = func.concat(data_tables.c.name, EDGES)
    named = select(
        apps.c.slug, data_sources.c.slug.label("source"), data_tables.c.name, data_tables.c.has_graph
    )
    joined = data_tables.join(data_sources, data_sources.c.id == data_tables.c.data_source_id)
    statement = named.select_from(joined.join(apps, apps.c.id == data_tables.c.app_id)).where(
        data_tables.c.org_id == principal.org_id,
        data_tables.c.is_active,
        data_sources.c.is_active,
        apps.c.is_active,
        tables_seen(principal),
    )
    if names is not None:
        asked = _texts(names)
        statement = statement.where(
            (data_tables.c.name == any_(asked)) | (data_tables.c.has_graph & (edges == any_(asked)))
        )
    rows = await conn.rows(
        statement.order_by(apps.c.slug, data_sources.c.slug, data_tables.c.name).limit(limit)
    )
    found: list[tuple[str, str, str]] = []
    for row in rows:
        both = [row["name"], *([row["name"] + EDGES] if row["has_graph"] else [])]
        found += [(row["slug"], row["source"], name) for name in both if names is None or name in names]
    return found
