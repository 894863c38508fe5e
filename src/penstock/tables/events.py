"""What this domain announces when a definition changes: an audit entry, a notice to all caches, and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock import notifications
from penstock.identity import Grant, audit
from penstock.kit.db import Connection
from penstock.tables.models import DataTable

# The payload is "org id:app id"; every process forgets what it knows of that app.
CATALOG: Final = "penstock_catalog"
_TABLE: Final = "data_table"


async def changed(
    conn: Connection,
    grant: Grant,
    app_id: int,
    resource: tuple[str, int, str],
    detail: Mapping[str, Any] | None = None,
    *,
    action: str | None = None,
) -> None:
    """Record a change in its own transaction. `resource` is its kind, id and name.

    `action` is for what happens in passing, under a grant that was given for something else.
    """
    kind, resource_id, name = resource
    await audit.record(conn, grant.principal, action or grant.action, kind, resource_id, name, detail or {})
    await conn.notify(CATALOG, f"{grant.org_id}:{app_id}")
    if kind == _TABLE:
        await notifications.publish(
            conn,
            org_id=grant.org_id,
            app_id=app_id,
            event=_event(action or grant.action, detail),
            data={"app_id": app_id, "table_id": resource_id, "table": name, **(detail or {})},
        )


async def changed_by_system(
    conn: Connection, org_id: int, table: DataTable, detail: Mapping[str, Any]
) -> None:
    """A definition changed in the background, because of what rows say."""
    await audit.record(conn, None, "table.alter", _TABLE, table.id, table.name, detail, org_id=org_id)
    await notifications.publish(
        conn,
        org_id=org_id,
        app_id=table.app_id,
        event=_event("table.alter", detail),
        data={"app_id": table.app_id, "table_id": table.id, "table": table.name, **detail},
    )


def _event(action: str, detail: Mapping[str, Any] | None) -> str:
    """Under the permission to create, an import also changes tables, and says what."""
    if action == "table.delete":
        return "table.deleted"
    return "table.created" if action == "table.create" and not detail else "table.altered"
