"""Audit entries: who changed what, written in the transaction that changed it. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog
from sqlalchemy import ColumnElement, and_, cast, func, select
from sqlalchemy.types import Text

from penstock.identity.models import AuditEntry, Grant, Principal
from penstock.identity.store import QUERIES
from penstock.identity.store.tables import audit_entries
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page

SYSTEM = "system"
_PLAIN = [column for column in audit_entries.c if column.name != "detail"]


async def record(
    conn: Connection,
    principal: Principal | None,
    action: str,
    resource_kind: str,
    resource_id: int | str | None,
    resource_name: str | None,
    detail: Mapping[str, Any] | None = None,
    *,
    org_id: int | None = None,
) -> None:
    """Write one entry, such as `app.create`. `org_id`: for what has no principal or is in another org."""
    await conn.execute(
        QUERIES["insert_audit_entry"],
        principal.org_id if org_id is None and principal else org_id,
        principal.kind.value if principal else SYSTEM,
        (principal.user_id or principal.key_id) if principal else None,
        principal.username if principal else SYSTEM,
        action,
        resource_kind,
        None if resource_id is None else str(resource_id),
        resource_name,
        # As text, whatever codec the connection has for jsonb.
        msgspec.json.encode(detail or {}).decode(),
        structlog.contextvars.get_contextvars().get("request_id"),
    )


async def entries(
    conn: Connection,
    grant: Grant,
    page: Page,
    *,
    actor: str | None = None,
    action: str | None = None,
    resource_kind: str | None = None,
    resource_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[int, list[AuditEntry]]:
    """How many entries fit, and one page of them, newest first. `actor` is a name, `until` exclusive."""
    table = audit_entries.c
    wanted: list[ColumnElement[bool]] = [table.org_id == grant.org_id]
    equal = {table.actor_name: actor, table.action: action, table.resource_kind: resource_kind}
    equal[table.resource_id] = resource_id
    wanted += [column == value for column, value in equal.items() if value is not None]
    if since is not None:
        wanted.append(table.at >= since)
    if until is not None:
        wanted.append(table.at < until)
    total = await conn.value(select(func.count()).select_from(audit_entries).where(and_(*wanted)))
    rows = await conn.rows(
        select(*_PLAIN, cast(table.detail, Text).label("detail"))
        .where(and_(*wanted))
        .order_by(table.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return total, [_entry(row) for row in rows]


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        actor_kind=row["actor_kind"],
        actor_id=row["actor_id"],
        actor_name=row["actor_name"],
        action=row["action"],
        resource_kind=row["resource_kind"],
        resource_id=row["resource_id"],
        resource_name=row["resource_name"],
        detail=msgspec.json.decode(row["detail"]),
        request_id=row["request_id"],
    )
