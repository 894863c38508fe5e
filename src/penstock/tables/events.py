"""What this domain announces when a definition changes: an audit entry, and a notice to all caches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.identity import Grant, audit
from penstock.kit.db import Connection

# The payload is "org id:app id"; every process forgets what it knows of that app.
CATALOG: Final = "penstock_catalog"


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
