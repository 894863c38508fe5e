"""The verbs on data tables: their definitions, not their records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables import events, naming, store
from penstock.tables.models import DataSource, DataTable, Definition, TableEntry

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
    await check_edges(conn, grant, name, definition)
    physical = (await store.physical_schema(conn, grant), naming.physical_name(name))
    table_id = await store.insert_table(
        conn,
        grant,
        source_id=source.id,
        name=name,
        description=description,
        definition=definition,
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
    name: str | None = None,
    description: str | None = None,
    definition: Definition | None = None,
) -> TableEntry:
    """What is None stays. Raises `Invalid` for a changed schema of a materialized table, and for a rename."""
    table = entry.table
    if name is not None and name != table.name:
        raise errors.Invalid({"name": [f"A table is not renamed; this one is '{table.name}'."]})
    if definition is not None:
        require_unchanged(table, definition)
        await check_edges(conn, grant, table.name, definition)
    changes: dict[str, Any] = {}
    if description is not None and description != table.description:
        changes["description"] = description
    replaced = definition if definition is not None and definition.text != entry.schema_text else None
    if not changes and replaced is None:
        return entry
    await store.update_table(conn, grant, table.id, changes, replaced)
    detail: Mapping[str, Any] = {"changed": sorted([*changes, *(["json_schema"] if replaced else [])])}
    await events.changed(conn, grant, table.app_id, (KIND, table.id, table.name), detail)
    return await reread(conn, grant, table.name)


async def delete_table(conn: Connection, grant: Grant, entry: TableEntry, *, force: bool = False) -> None:
    """Hides the table; its records stay where they are. Raises `Conflict` while other tables refer to it."""
    table = entry.table
    children = await store.children_of(conn, grant, [table.name])
    if children and not force:
        raise errors.Conflict(
            f"Foreign keys of other tables refer to '{table.name}': {', '.join(children[:10])}.",
            hint="Delete those first, or repeat the request with ?force=true.",
        )
    await store.deactivate_table(conn, grant, table.id)
    await events.changed(conn, grant, table.app_id, (KIND, table.id, table.name))


async def reread(conn: Connection, grant: Grant, name: str) -> TableEntry:
    """The table as it is now, for answering."""
    entry = await store.find_table(conn, grant, name)
    assert entry is not None
    return entry


def require_unchanged(table: DataTable, definition: Definition) -> None:
    """A materialized table keeps its schema; the same schema, however it is written, is no change."""
    if table.is_materialized and definition.digest != table.schema_hash:
        message = (
            "Schema changes of materialized tables are not supported yet, and "
            f"'{table.name}' is materialized. Send the schema it has, or create a table under another name."
        )
        raise errors.Invalid({"json_schema": [message]})


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
