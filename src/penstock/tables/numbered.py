"""Data sources by their number, as queries name them, whatever app they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from penstock.identity import Principal, Role
from penstock.kit.db import Connection, Row
from penstock.tables.access import APP, SOURCE
from penstock.tables.models import ProviderType
from penstock.tables.store.core import apps, data_sources
from penstock.tables.store.visibility import sources_seen


@dataclass(frozen=True, slots=True)
class NumberedSource:
    """A data source of any app. `role` is None for who sees it only as the container of a table."""

    id: int
    slug: str
    name: str
    description: str
    provider: ProviderType
    app_id: int
    app_slug: str
    app_name: str
    role: Role | None


async def numbered_sources(conn: Connection, principal: Principal) -> list[NumberedSource]:
    """Those that the caller sees, by app and name."""
    statement = _statement(principal).order_by(apps.c.slug, data_sources.c.name, data_sources.c.id)
    return [_of(row, principal) for row in await conn.rows(statement)]


async def numbered_source(conn: Connection, principal: Principal, source_id: int) -> NumberedSource | None:
    """None for what does not exist, or what the caller does not see."""
    row = await conn.row(_statement(principal).where(data_sources.c.id == source_id))
    return None if row is None else _of(row, principal)


def _statement(principal: Principal) -> Select[Any]:
    columns = [data_sources.c[name] for name in ("id", "slug", "name", "description", "app_id")]
    return (
        select(
            *columns,
            data_sources.c.provider_type.label("provider"),
            apps.c.slug.label("app_slug"),
            apps.c.name.label("app_name"),
        )
        .join(apps, apps.c.id == data_sources.c.app_id)
        .where(
            data_sources.c.org_id == principal.org_id,
            data_sources.c.is_active,
            apps.c.is_active,
            sources_seen(principal),
        )
    )


def _of(row: Row, principal: Principal) -> NumberedSource:
    values: dict[str, Any] = {
        name: row[name] for name in NumberedSource.__dataclass_fields__ if name != "role"
    }
    values["provider"] = ProviderType(row["provider"])
    role = principal.role_on((APP, row["app_id"]), (SOURCE, row["id"]))
    if role is None:
        values["description"] = ""
    return NumberedSource(**values, role=role)
