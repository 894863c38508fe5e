"""The operation history: what was done to a table in the database, and when."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select

from penstock.identity import Grant
from penstock.kit.db import Connection
from penstock.kit.paging import Page
from penstock.tables.models import NewOperation, Operation
from penstock.tables.store.core import operation_history
from penstock.tables.store.listing import Listing, listing

_COLUMNS = (
    operation_history.c.id,
    operation_history.c.operation_type,
    operation_history.c.description,
    operation_history.c.sql,
    operation_history.c.rollback_sql,
    operation_history.c.status,
    operation_history.c.execution_time_ms,
    operation_history.c.created_at,
)


async def add_operations(conn: Connection, grant: Grant, operations: Sequence[NewOperation]) -> None:
    if not operations:
        return
    rows = [
        {
            "org_id": grant.org_id,
            "table_id": one.table_id,
            "operation_type": one.operation_type,
            "description": one.description,
            "sql": one.sql,
            "rollback_sql": one.rollback_sql,
            "status": "success",
            "execution_time_ms": one.milliseconds,
            "created_by": grant.principal.user_id,
        }
        for one in operations
    ]
    await conn.execute(insert(operation_history).values(rows))


async def list_operations(
    conn: Connection, grant: Grant, table_id: int, status: str | None, page: Page
) -> Listing:
    """Newest first."""
    statement = (
        select(*_COLUMNS)
        .where(operation_history.c.org_id == grant.org_id, operation_history.c.table_id == table_id)
        .order_by(operation_history.c.id.desc())
    )
    if status is not None:
        statement = statement.where(operation_history.c.status == status)
    return await listing(conn, statement, page)


def operations_of(found: Listing) -> list[Operation]:
    return [Operation(*(row[column.name] for column in _COLUMNS)) for row in found.rows]
