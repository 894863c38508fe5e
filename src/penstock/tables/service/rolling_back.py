"""Taking back the newest schema change of a table: its steps are undone in reverse order, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables import events, store
from penstock.tables.definitions import read_definition
from penstock.tables.models import DataTable, Operation, ProviderType, Revision, TableEntry
from penstock.tables.schema import identity, parse_schema
from penstock.tables.schema.apply import StepFailed, attempts, run
from penstock.tables.schema.ddl import Step
from penstock.tables.schema.diff import Version, diff
from penstock.tables.schema.materialize import Done
from penstock.tables.service import altering_documents as documents
from penstock.tables.service.migrating import ChangeFailed, Terms, require_finished
from penstock.tables.service.rules import follow, hold, lift
from penstock.tables.service.undoing import rebuilding, undoing
from penstock.tables.service.unfinished import finish_later


async def roll_back(
    conn: Connection, grant: Grant, entry: TableEntry, operation_id: int, terms: Terms
) -> list[Done]:
    """Undo the revision that the operation belongs to, which must be the newest.

    Raises `NotFound` for an operation of another table, `Conflict` for one that has nothing to undo any more.
    """
    table = entry.table
    await store.lock_app(conn, grant)
    await store.lock_definition(conn, grant, table.id)
    operation = await store.find_operation(conn, grant, table.id, operation_id)
    if operation is None:
        raise errors.NotFound(f"'{table.name}' has no operation {operation_id}.")
    newest = await store.newest_revision(conn, grant, table.id)
    if newest is None or operation.revision != newest.id:
        raise errors.Conflict(_reason(operation, newest))
    operations = await store.operations_of_revision(conn, grant, table.id, newest.id)
    if not any(one.status == "pending" for one in operations):
        # A change may be taken back while it is unfinished; what an earlier rollback rebuilds comes first.
        await require_finished(conn, grant, table)
    steps = [undoing(one) for one in reversed(operations)]
    try:
        if entry.provider_type is ProviderType.MONGODB:
            return await _undo_documents(conn, grant, entry, newest, terms)
        done = await attempts(conn, terms.limits, lambda: _undo(conn, table, steps))
    except StepFailed as failed:
        raise ChangeFailed(grant, failed) from failed
    await _restore(conn, grant, entry, newest)
    rows = rebuilding(table, list(reversed(operations)))
    await store.add_operations(conn, grant, rows)
    if rows:
        await finish_later(conn, grant, table)
    return done


async def _undo(conn: Connection, table: DataTable, steps: Sequence[Step]) -> list[Done]:
    await lift(conn, table)
    return await run(conn, table, steps)


async def _undo_documents(
    conn: Connection, grant: Grant, entry: TableEntry, revision: Revision, terms: Terms
) -> list[Done]:
    """What comes back is a layout of its own: values that were written since are converted, as in any change."""
    table, definition = entry.table, read_definition(revision.schema_text)
    known = await store.lock_definition(conn, grant, table.id)
    old = parse_schema(table.json_schema)
    before = Version(old, identity.complete(known, old))
    after = Version(definition.schema, identity.complete(revision.field_ids, definition.schema))
    rows = await documents.count(terms.context, conn, grant, table)
    changes = diff(table.name, before, after, has_rows=rows > 0, undoes=True)
    named = {key.resource for key in definition.schema.foreign_keys if key.resource}
    entries = await store.find_tables(conn, grant, sorted({*named, table.name}))
    wanted = replace(table, json_schema=definition.raw)
    tables = {name: one.table for name, one in entries.items()} | {table.name: wanted}
    found = documents.plan(wanted, before, after, changes, tables)
    await _restore(conn, grant, entry, revision)
    if terms.allow:
        terms.allow()
    return await documents.change(
        terms.context, conn, grant, [found], terms.limits, rehearsal=terms.rehearsal
    )


async def _restore(conn: Connection, grant: Grant, entry: TableEntry, revision: Revision) -> None:
    table, definition = entry.table, read_definition(revision.schema_text)
    known = await store.lock_definition(conn, grant, table.id)
    before = identity.complete(known, parse_schema(table.json_schema))
    after = identity.complete(revision.field_ids, definition.schema)
    await follow(conn, table, definition, before, after)
    await store.update_table(conn, grant, table.id, {}, definition, revision.field_ids)
    await store.mark_rolled_back(conn, grant, revision.id)
    await hold(conn, replace(table, json_schema=definition.raw), entry.provider_type)
    detail = {"revision": revision.id}
    await events.changed(conn, grant, table.app_id, ("data_table", table.id, table.name), detail)


def _reason(operation: Operation, newest: Revision | None) -> str:
    if operation.status == "rolled_back":
        return f"Operation {operation.id} has been rolled back already."
    if operation.status == "failed":
        return f"Operation {operation.id} failed and changed nothing."
    if operation.revision is None and operation.operation_type != "CREATE":
        return f"Operation {operation.id} was made in the background, and is not rolled back by itself."
    if operation.revision is None:
        return "The making of a table is not rolled back; delete the table instead."
    assert newest is not None
    return "Only the newest change can be rolled back; roll back those after it first."
