"""What becomes of a schema change when rows that came meanwhile are in the way of what was left to be done.

The change is taken back as a whole, as if it had failed at once, when that brings back all that was. Where it made or
lost values, the one rule that rows break is taken out of the definition, and the rest of the change stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import msgspec

from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables import events, store
from penstock.tables.definitions import read_definition
from penstock.tables.models import DataTable, Definition, NewOperation, Operation, ProviderType
from penstock.tables.schema import identity
from penstock.tables.schema.apply import Limits, Locked, StepFailed, attempts, run
from penstock.tables.schema.ddl import Rule, Step
from penstock.tables.schema.diff import Version, diff
from penstock.tables.schema.language import parse_schema
from penstock.tables.schema.retract import without
from penstock.tables.service.altering import alteration
from penstock.tables.service.rules import follow, hold, lift
from penstock.tables.service.undoing import rebuilding, undoing

_ENCODER = msgspec.json.Encoder(decimal_format="number")


async def retract(
    conn: Connection, table: DataTable, operation: Operation, rule: Rule | None, reason: str, limits: Limits
) -> None:
    """Have the definition say again what the table keeps, and the operation why. Raises `Locked` to be tried again."""
    org_id = await store.org_of_table(conn, table.id)
    said: str | None = None
    try:
        async with conn.savepoint():
            said = await _take_back(conn, table, org_id, operation, limits)
    except Locked:
        raise
    except (StepFailed, errors.Invalid):
        pass  # rows, or rules, that came meanwhile need what the change made
    if said is None and rule is not None:
        said = await _relax(conn, table, org_id, rule, limits)
    detail = {**operation.detail, "reason": f"{reason} {said}" if said else reason}
    await store.update_operation(conn, operation.id, "failed", detail, 0)
    if said:
        await events.changed_by_system(conn, org_id, table, {"operation": operation.id, "reason": said})


async def _take_back(
    conn: Connection, table: DataTable, org_id: int, operation: Operation, limits: Limits
) -> str | None:
    """Undo all steps of the change; None when that would not bring back all that was."""
    if operation.revision is None:
        return None
    operations = await store.steps_of_revision(conn, operation.revision)
    if not all(one.detail.get("whole") for one in operations):
        return None
    revision = await store.revision_by_id(conn, operation.revision)
    steps = [undoing(one) for one in reversed(operations)]
    definition = read_definition(revision.schema_text)
    before = identity.complete(await store.field_ids_of(conn, table.id), parse_schema(table.json_schema))
    after = identity.complete(revision.field_ids, definition.schema)
    await follow(conn, table, definition, before, after)

    async def undo() -> None:
        await lift(conn, table)
        await run(conn, table, steps)

    await attempts(conn, limits, undo)
    await store.redefine(conn, table.id, definition, revision.field_ids)
    await hold(conn, replace(table, json_schema=definition.raw), ProviderType.FLAT_TABLE)
    await store.end_revision(conn, revision.id)
    await store.append_operations(conn, org_id, rebuilding(table, list(reversed(operations))))
    return "The change was taken back."


async def _relax(conn: Connection, table: DataTable, org_id: int, rule: Rule, limits: Limits) -> str | None:
    """Take the rule out of the definition, and what there is of it out of the table."""
    patched = without(table.json_schema, rule)
    if patched == table.json_schema:
        return None
    definition = read_definition(_ENCODER.encode(patched).decode())
    steps = await _alteration(conn, table, definition)
    await attempts(conn, limits, lambda: run(conn, table, steps))
    await store.redefine(conn, table.id, definition)
    await store.append_operations(conn, org_id, [_row(table, one) for one in steps])
    return "The schema no longer asks for it; the rest of the change stays."


async def _alteration(conn: Connection, table: DataTable, definition: Definition) -> Sequence[Step]:
    old = parse_schema(table.json_schema)
    ids = identity.complete(await store.field_ids_of(conn, table.id), old)
    before, after = Version(old, ids), Version(definition.schema, ids)
    changes = diff(table.name, before, after, has_rows=True)
    found = await alteration(conn, table, before, after, changes, lambda _: None, large=True)
    return [step for _, step in found]


def _row(table: DataTable, step: Step) -> NewOperation:
    detail: dict[str, Any] = {"after": [asdict(one) for one in step.after]} if step.after else {}
    return NewOperation(
        table.id,
        step.operation_type,
        step.description,
        step.whole_sql,
        None,
        0,
        status="pending" if step.after else "success",
        detail=detail,
    )
