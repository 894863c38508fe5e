"""Changes of tables whose records are in MongoDB, planned, done there, and written down here with their layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.tables import store
from penstock.tables.models import DataTable
from penstock.tables.providers import mongodb
from penstock.tables.schema.apply import Limits
from penstock.tables.schema.diff import Change, Version
from penstock.tables.schema.materialize import Done
from penstock.tables.service.materializing import check_collection


async def count(ctx: Context | None, conn: Connection, grant: Grant, table: DataTable) -> int:
    """About how many records there are; exactly whether there are any."""
    return await mongodb.load_engine().estimate(_known(ctx), conn, grant, table)


def plan(
    table: DataTable, old: Version, new: Version, changes: Sequence[Change], tables: Mapping[str, DataTable]
) -> mongodb.Alteration:
    """`table` has its new definition. Raises `Invalid` or `BadRequest` for what collections cannot do."""
    targets = {name: one.physical_name for name, one in check_collection(table, tables).items()}
    return mongodb.alteration(table, old, new, mongodb.read_layout(table.layout), changes, targets)


async def change(
    ctx: Context | None,
    conn: Connection,
    grant: Grant,
    alterations: Sequence[mongodb.Alteration],
    limits: Limits,
    *,
    rehearsal: bool,
) -> list[Done]:
    """Last of all that a transaction does: what is done there is not undone with it. Raises `StepFailed`."""
    if not alterations:
        return []
    for one in alterations:
        layout = mongodb.layout_text(one.layout[1])
        await store.update_table(conn, grant, one.table.id, {"layout": layout})
    engine = mongodb.load_engine()
    # This transaction, which keeps other changes of the app out, waits as long as the other database works.
    await conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    return await engine.alter(_known(ctx), conn, grant, alterations, limits, rehearsal=rehearsal)


def _known(ctx: Context | None) -> Context:
    if ctx is None:
        raise errors.Internal
    return ctx
