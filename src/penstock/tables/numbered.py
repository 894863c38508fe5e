"""Data sources by their number, as queries name them, whatever app they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, column, func, select, table

from penstock.identity import Principal, Role
from penstock.kit.db import Connection, Row
from penstock.kit.metadata import SCHEMA
from penstock.tables.access import APP, SOURCE
from penstock.tables.store.core import apps, data_sources
from penstock.tables.store.visibility import sources_seen


@dataclass(frozen=True, slots=True)
class NumberedSource:
    """A data source of any app, or of none: a foreign system. `role` is None for who sees it only as the container
    of a table; `provider` is a kind of credential for what is foreign, or `results`."""

    id: int
    slug: str
    name: str
    description: str
    provider: str
    # None and empty for what is no app's.
    app_id: int | None
    app_slug: str
    app_name: str
    credential_id: int | None
    is_paused: bool
    pause_reason: str | None
    # Changes with all that says how to reach it.
    stamp: str
    role: Role | None

    @property
    def is_foreign(self) -> bool:
        return self.app_id is None


async def numbered_sources(conn: Connection, principal: Principal) -> list[NumberedSource]:
    """Those that the caller sees, by app and name."""
    statement = _statement(principal).order_by(apps.c.slug, data_sources.c.name, data_sources.c.id)
    return [_of(row, principal) for row in await conn.rows(statement)]


async def numbered_source(conn: Connection, principal: Principal, source_id: int) -> NumberedSource | None:
    """None for what does not exist, or what the caller does not see."""
    row = await conn.row(_statement(principal).where(data_sources.c.id == source_id))
    return None if row is None else _of(row, principal)


async def foreign_sources(conn: Connection, principal: Principal) -> list[NumberedSource]:
    """The foreign systems that the caller sees, by their slugs."""
    statement = _statement(principal).where(data_sources.c.app_id.is_(None)).order_by(data_sources.c.slug)
    return [_of(row, principal) for row in await conn.rows(statement)]


def _statement(principal: Principal) -> Select[Any]:
    names = ("id", "slug", "name", "description", "app_id", "credential_id", "is_paused", "pause_reason")
    columns = [data_sources.c[name] for name in names]
    credentials = table(
        "credentials",
        column("id"),
        column("uid"),
        column("updated_at"),
        column("secrets_changed_at"),
        schema=SCHEMA,
    )
    stamp = func.concat_ws(
        " ",
        data_sources.c.updated_at,
        credentials.c.uid,
        credentials.c.updated_at,
        credentials.c.secrets_changed_at,
    )
    return (
        select(
            *columns,
            data_sources.c.provider_type.label("provider"),
            func.coalesce(apps.c.slug, "").label("app_slug"),
            func.coalesce(apps.c.name, "").label("app_name"),
            stamp.label("stamp"),
        )
        .select_from(
            data_sources.outerjoin(apps, apps.c.id == data_sources.c.app_id).outerjoin(
                credentials, credentials.c.id == data_sources.c.credential_id
            )
        )
        .where(
            data_sources.c.org_id == principal.org_id,
            data_sources.c.is_active,
            data_sources.c.app_id.is_(None) | apps.c.is_active,
            sources_seen(principal),
        )
    )


def _of(row: Row, principal: Principal) -> NumberedSource:
    values: dict[str, Any] = {
        name: row[name] for name in NumberedSource.__dataclass_fields__ if name != "role"
    }
    places = [(SOURCE, row["id"])]
    if row["app_id"] is not None:
        places.append((APP, row["app_id"]))
    role = principal.role_on(*places)
    if role is None:
        values["description"] = ""
    return NumberedSource(**values, role=role)
