"""Audit entries: who changed what, written in the transaction that changed it. Never a secret."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, cast, func, select
from sqlalchemy.types import Text

from penstock.identity.models import AuditEntry, Grant, Principal
from penstock.identity.store import QUERIES
from penstock.identity.store.tables import audit_entries
from penstock.kit.db import Connection, Pool, Row
from penstock.kit.logs import structlog
from penstock.kit.paging import Page

SYSTEM = "system"
_STEP = 1000  # entries at a time
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; None is any. `actor` is a name, `until` exclusive."""

    actor: str | None = None
    action: str | None = None
    resource_kind: str | None = None
    resource_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self, org_id: int) -> list[ColumnElement[bool]]:
        table = audit_entries.c
        equal = {
            table.actor_name: self.actor,
            table.action: self.action,
            table.resource_kind: self.resource_kind,
            table.resource_id: self.resource_id,
        }
        found: list[ColumnElement[bool]] = [table.org_id == org_id]
        found += [column == value for column, value in equal.items() if value is not None]
        if self.since is not None:
            found.append(table.at >= self.since)
        if self.until is not None:
            found.append(table.at < self.until)
        return found


async def export(pool: Pool, grant: Grant, wanted: Wanted) -> AsyncGenerator[list[AuditEntry]]:
    """Every entry that fits, newest first, some at a time; those that come meanwhile are left out."""
    below: int | None = None
    while True:
        conditions = wanted.conditions(grant.org_id)
        if below is not None:
            conditions.append(audit_entries.c.id < below)
        async with pool.transaction() as conn:
            rows = await conn.rows(_select(conditions).limit(_STEP))
        if not rows:
            return
        yield [_entry(row) for row in rows]
        below = rows[-1]["id"]


def _select(conditions: Sequence[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    table = audit_entries.c
    detail = cast(table.detail, Text).label("detail")
    return select(*_PLAIN, detail).where(and_(*conditions)).order_by(table.id.desc())


async def entries(conn: Connection, grant: Grant, page: Page, wanted: Wanted) -> tuple[int, list[AuditEntry]]:
    """How many entries fit, and one page of them, newest first."""
    conditions = wanted.conditions(grant.org_id)
    total = await conn.value(select(func.count()).select_from(audit_entries).where(and_(*conditions)))
    rows = await conn.rows(_select(conditions).limit(page.size).offset(page.offset))
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
