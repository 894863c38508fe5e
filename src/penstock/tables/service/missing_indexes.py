"""Finds foreign keys without an index, such as those that an earlier release made, and has the indexes built."""

from __future__ import annotations

from dataclasses import asdict

from penstock.kit import jobs
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.jobs import Job, Run
from penstock.kit.jobs.cleaning import HOUR, Nothing
from penstock.tables import store
from penstock.tables.models import DataTable, Index, NewOperation
from penstock.tables.schema import ddl
from penstock.tables.schema.ddl import Later, Rule
from penstock.tables.schema.language import parse_schema
from penstock.tables.schema.materialize import place_of
from penstock.tables.service.unfinished import FINISH, Unfinished

CHECK = Job("tables.check_indexes", Nothing, time_limit=HOUR, at_once=1)
_PIECE = 200  # tables


async def check_indexes(ctx: Context, run: Run[Nothing]) -> int:
    """The job; its result is how many indexes it has asked for."""
    found, last = 0, 0
    while True:
        async with ctx.db.control.transaction() as conn:
            tables = await store.tables_with_keys(conn, last, _PIECE)
        for table in tables:
            async with ctx.db.control.transaction() as conn:
                found += await _complete(conn, table.id)
        if len(tables) < _PIECE:
            return found
        last = tables[-1].id


async def _complete(conn: Connection, table_id: int) -> int:
    """Ask for what a table lacks. One that is being changed is looked at another time."""
    table = await store.hold_table(conn, table_id)
    if table is None or await store.next_pending(conn, table_id) is not None:
        return 0
    known = await store.index_names(conn, table)
    place = place_of(table)
    missing = [
        one
        for one in ddl.foreign_indexes(parse_schema(table.json_schema))
        if ddl.index_name(place, one) not in known
    ]
    if missing:
        org_id = await store.org_of_table(conn, table_id)
        await store.append_operations(conn, org_id, [_operation(table, one) for one in missing])
        await jobs.defer(conn, FINISH, Unfinished(table_id), org_id=org_id, key=str(table_id))
    return len(missing)


def _operation(table: DataTable, index: Index) -> NewOperation:
    place = place_of(table)
    statement = ddl.create_index(place, index, concurrently=True)
    later = Later(statement, ddl.index_name(place, index), Rule("index", index.name))
    text = f"Create index {index.name}"
    return NewOperation(
        table.id, "INDEX", text, statement, None, 0, status="pending", detail={"after": [asdict(later)]}
    )
