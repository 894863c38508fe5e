"""The verbs on data tables: their definitions, not their records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables import access, events, naming, store
from penstock.tables.models import DataSource, Definition, ProviderType, TableEntry
from penstock.tables.providers import Feature, capabilities
from penstock.tables.schema import identity, parse_schema
from penstock.tables.service.migrating import (
    ChangeRefused,
    Migrated,
    Terms,
    Wanted,
    identities,
    migrate,
)
from penstock.tables.service.rules import follow
from penstock.tables.store.scope import app_id

KIND = "data_table"


async def create_table(
    conn: Connection,
    grant: Grant,
    source: DataSource,
    name: str,
    description: str,
    definition: Definition,
) -> TableEntry:
    """Raises `Invalid` for a name that is no name or clashes with edges, `Conflict` for one that is taken."""
    naming.check_table_name(name)
    await _check_resources(conn, grant, definition)
    await check_edges(conn, grant, name, definition)
    _check_feed(source.provider_type, name, definition)
    physical = (await store.physical_schema(conn, grant), naming.physical_name(name))
    table_id = await store.insert_table(
        conn,
        grant,
        source_id=source.id,
        name=name,
        description=description,
        definition=definition,
        field_ids=identity.assign({}, None, definition.schema),
        physical=physical,
    )
    if table_id is None:
        raise errors.Conflict(
            f"This app has a table named '{name}' already; names of tables are unique in an app.",
            errors={"name": [f"A table named '{name}' exists already."]},
        )
    await events.changed(conn, grant, source.app_id, (KIND, table_id, name))
    return await reread(conn, grant, name)


async def update_table(
    conn: Connection,
    grant: Grant,
    entry: TableEntry,
    *,
    terms: Terms,
    name: str | None = None,
    description: str | None = None,
    definition: Definition | None = None,
) -> tuple[TableEntry, Migrated]:
    """What is None stays. Raises `Invalid` for a rename of the table, and for a schema that cannot be applied."""
    table = entry.table
    if name is not None and name != table.name:
        raise errors.Invalid({"name": [f"A table is not renamed; this one is '{table.name}'."]})
    after, wanted = await write_definition(conn, grant, entry, description=description, definition=definition)
    if wanted is None:
        return after, Migrated()
    try:
        migrated = await migrate(conn, grant, [wanted], terms)
    except ChangeRefused as refused:
        raise errors.Invalid({"json_schema": refused.faults[table.name]}) from refused
    return after, migrated


async def write_definition(
    conn: Connection,
    grant: Grant,
    entry: TableEntry,
    *,
    description: str | None = None,
    definition: Definition | None = None,
) -> tuple[TableEntry, Wanted | None]:
    """Store what is not None, and tell what the physical table then lacks."""
    table = entry.table
    if definition is not None:
        await _check_resources(conn, grant, definition)
        await check_edges(conn, grant, table.name, definition)
        _check_feed(entry.provider_type, table.name, definition)
    changes: dict[str, Any] = {}
    if description is not None and description != table.description:
        changes["description"] = description
    replaced = definition if definition is not None and definition.text != entry.schema_text else None
    if not changes and replaced is None:
        return entry, None
    wanted = await _wanted(conn, grant, entry, replaced) if replaced else None
    new_ids = wanted.new_ids if wanted else None
    if replaced is not None and wanted is not None:
        await follow(conn, table, replaced, wanted.old_ids, wanted.new_ids)
    await store.update_table(conn, grant, table.id, changes, replaced, new_ids)
    detail: Mapping[str, Any] = {"changed": sorted([*changes, *(["json_schema"] if replaced else [])])}
    await events.changed(conn, grant, table.app_id, (KIND, table.id, table.name), detail)
    # The same schema, however it is written, is no change of the table.
    is_changed = replaced is not None and table.is_materialized and replaced.digest != table.schema_hash
    return await reread(conn, grant, table.name), wanted if is_changed else None


async def _wanted(conn: Connection, grant: Grant, entry: TableEntry, definition: Definition) -> Wanted:
    known = await store.lock_definition(conn, grant, entry.table.id)
    old_ids, new_ids = identities(known, parse_schema(entry.table.json_schema), definition.schema)
    return Wanted(entry, definition, old_ids, new_ids)


async def delete_table(conn: Connection, grant: Grant, entry: TableEntry, *, force: bool = False) -> None:
    """Hides the table; its records stay where they are. Raises `Conflict` while other tables refer to it."""
    table = entry.table
    children = await store.children_of(conn, grant, [table.name])
    if children and not force:
        seen = sorted(await store.seen_among(conn, grant, children))
        listed = f": {', '.join(seen[:10])}" if seen else ""
        raise errors.Conflict(
            f"Foreign keys of other tables refer to '{table.name}'{listed}.",
            hint="Delete those first, or repeat the request with ?force=true.",
        )
    await store.deactivate_table(conn, grant, table.id)
    await events.changed(conn, grant, table.app_id, (KIND, table.id, table.name))


async def reread(conn: Connection, grant: Grant, name: str) -> TableEntry:
    """The table as it is now, for answering."""
    entry = await store.find_table(conn, grant, name)
    assert entry is not None
    return entry


async def _check_resources(conn: Connection, grant: Grant, definition: Definition) -> None:
    """Foreign keys lead to tables that the caller sees: they would tell which keys there are in any other."""
    if access.sees_app(grant.principal, app_id(grant)):
        return
    named = {key.resource for key in definition.schema.foreign_keys if key.resource}
    unseen = named - await store.seen_among(conn, grant, sorted(named)) if named else set[str]()
    if unseen:
        message = f"A foreign key refers to the table '{min(unseen)}', which this app does not have."
        raise errors.Invalid({"json_schema": [message]})


def _check_feed(provider: ProviderType, name: str, definition: Definition) -> None:
    if definition.schema.changes:
        capabilities(provider).require(Feature.CHANGES, name)


async def check_edges(conn: Connection, grant: Grant, name: str, definition: Definition) -> None:
    """The edges of a graph table `x` are a table `x_edges`, so no other table may have that name."""
    base = name.removesuffix(naming.EDGES)
    if base != name and base in await store.graph_tables(conn, grant, [base]):
        message = f"'{name}' is kept for the edges of '{base}', which declares a hierarchy or graph."
        raise errors.Invalid({"name": [message]})
    companion = f"{name}{naming.EDGES}"
    if definition.schema.has_graph and await store.find_tables(conn, grant, [companion]):
        message = f"A hierarchy or graph keeps its edges in '{companion}', and a table has that name already."
        raise errors.Invalid({"json_schema": [message]})
