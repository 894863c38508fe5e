"""What a job reads and writes that finishes a schema change; it was granted when the change was begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import TEXT, cast, func, select, update

from penstock.kit import sql
from penstock.kit.db import Connection
from penstock.tables.models import DataTable, Definition, NewOperation, Operation, Revision
from penstock.tables.store.core import data_sources, data_tables, operation_history, schema_revisions
from penstock.tables.store.history import OPERATION, REVISION, insert_operations, operation_of, revision_of
from penstock.tables.store.table_rows import defined, table_by_id


async def next_pending(conn: Connection, table_id: int) -> Operation | None:
    """The oldest operation of a table of which something is still to be done; held until the transaction ends.

    For whoever finishes what was granted when it was begun.
    """
    row = await conn.row(
        select(*OPERATION, operation_history.c.detail)
        .where(operation_history.c.table_id == table_id, operation_history.c.status == "pending")
        .order_by(operation_history.c.id)
        .limit(1)
        .with_for_update()
    )
    return operation_of(row) if row else None


async def update_operation(
    conn: Connection, operation_id: int, status: str, detail: Mapping[str, Any], milliseconds: int
) -> None:
    """What came of a step of `next_pending`; its time is added."""
    await conn.execute(
        update(operation_history)
        .where(operation_history.c.id == operation_id)
        .values(
            status=status,
            detail=msgspec.json.encode(detail).decode(),
            execution_time_ms=operation_history.c.execution_time_ms + milliseconds,
        )
    )


async def hold_table(conn: Connection, table_id: int) -> DataTable | None:
    """A table with its definition, held until the transaction ends."""
    await conn.execute(
        select(data_tables.c.id).where(data_tables.c.id == table_id).with_for_update(key_share=True)
    )
    return await table_by_id(conn, table_id)


async def tables_with_keys(conn: Connection, after: int, limit: int) -> list[DataTable]:
    """Tables of all orgs that stand in PostgreSQL and have foreign keys, by id; those beyond `after`."""
    joined = data_tables.join(data_sources, data_sources.c.id == data_tables.c.data_source_id)
    rows = await conn.rows(
        select(data_tables.c.id)
        .select_from(joined)
        .where(
            data_tables.c.id > after,
            data_tables.c.is_active,
            data_tables.c.is_materialized,
            data_sources.c.provider_type == "flat_table",
            cast(data_tables.c.json_schema, TEXT).contains('"foreignKeys"'),
        )
        .order_by(data_tables.c.id)
        .limit(limit)
    )
    found = [await table_by_id(conn, row["id"]) for row in rows]
    return [one for one in found if one is not None]


async def index_names(conn: Connection, table: DataTable) -> frozenset[str]:
    """Names of the indexes that the physical table has, and that can be used."""
    rows = await conn.rows(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = to_regclass($1) AND i.indisvalid",
        sql.qualified(table.physical_schema, table.physical_name),
    )
    return frozenset(row["relname"] for row in rows)


async def field_ids_of(conn: Connection, table_id: int) -> dict[str, str]:
    text = await conn.value(select(data_tables.c.field_ids).where(data_tables.c.id == table_id))
    return msgspec.json.decode(text or "{}", type=dict[str, str])


async def revision_by_id(conn: Connection, revision: int) -> Revision:
    row = await conn.row(select(*REVISION).where(schema_revisions.c.id == revision))
    assert row is not None
    return revision_of(row)


async def steps_of_revision(conn: Connection, revision: int) -> list[Operation]:
    """In the order in which they were done."""
    rows = await conn.rows(
        select(*OPERATION, operation_history.c.detail)
        .where(operation_history.c.revision_id == revision)
        .order_by(operation_history.c.id)
    )
    return [operation_of(row) for row in rows]


async def redefine(
    conn: Connection, table_id: int, definition: Definition, field_ids: Mapping[str, str] | None = None
) -> None:
    """Give a table another definition."""
    values = defined(definition)
    if field_ids is not None:
        values["field_ids"] = msgspec.json.encode(field_ids).decode()
    await conn.execute(
        update(data_tables)
        .where(data_tables.c.id == table_id)
        .values(**values, updated_at=func.clock_timestamp())
    )


async def end_revision(conn: Connection, revision: int) -> None:
    """It is rolled back."""
    await conn.execute(
        update(schema_revisions).where(schema_revisions.c.id == revision).values(rolled_back=True)
    )
    await conn.execute(
        update(operation_history)
        .where(operation_history.c.revision_id == revision)
        .values(status="rolled_back")
    )


async def append_operations(conn: Connection, org_id: int, operations: Sequence[NewOperation]) -> None:
    """What nobody asked for."""
    await insert_operations(conn, org_id, None, operations)
