"""What undoes the operations of a change, and what undoing leaves to be done."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.kit import errors
from penstock.tables.models import DataTable, NewOperation, Operation
from penstock.tables.schema.ddl import Step


def undoing(operation: Operation) -> Step:
    """The step that undoes one."""
    if operation.rollback_sql is None:
        raise errors.Conflict(f"Nothing undoes operation {operation.id} ({operation.description}).")
    sql = operation.detail.get("rollback_sql", operation.rollback_sql)
    return Step(operation.operation_type, f"Roll back '{operation.description}'", sql, None)


def rebuilding(table: DataTable, operations: Sequence[Operation]) -> list[NewOperation]:
    """What undoing leaves to be done after the transaction, as pending rows of their own."""
    return [
        NewOperation(
            table.id,
            one.operation_type,
            f"Finish rolling back '{one.description}'",
            "\n".join(later["sql"] for later in one.detail["rollback_after"]),
            None,
            0,
            status="pending",
            detail={"after": one.detail["rollback_after"]},
        )
        for one in operations
        if "rollback_after" in one.detail
    ]
