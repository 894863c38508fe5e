"""Foreign data sources: rows of the table that the data sources of apps are in, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import msgspec

from penstock.identity import Principal
from penstock.kit import statements
from penstock.kit.db import Connection
from penstock.queries.store.results import tell_gone

_SQL: Final = statements.load("penstock.queries.store", "foreign.sql")


class NameTaken(Exception):
    """Another foreign data source of the org has this name."""


@dataclass(frozen=True, slots=True)
class Kept:
    """`config` says whose the credential is; `shape` is what the system said last of its tables."""

    config: Mapping[str, Any]
    shape: list[dict[str, Any]] | None


async def add(
    conn: Connection,
    by: Principal,
    *,
    name: str,
    slug: str,
    kind: str,
    config: Mapping[str, Any],
    credential_id: int | None,
) -> int | None:
    """None when the name or slug is taken."""
    text = msgspec.json.encode(config).decode()
    return await conn.value(_SQL["add_foreign"], by.org_id, name, slug, kind, text, credential_id, by.user_id)


async def is_named(conn: Connection, org_id: int, name: str, but: int = 0) -> bool:
    return await conn.value(_SQL["foreign_named"], org_id, name, but)


async def slugs_like(conn: Connection, org_id: int, base: str) -> set[str]:
    return {row["slug"] for row in await conn.rows(_SQL["foreign_slugs"], org_id, base)}


async def kept(conn: Connection, org_id: int, source_id: int) -> Kept:
    row = await conn.row(_SQL["foreign_config"], org_id, source_id)
    if row is None:
        return Kept({}, None)
    shape = None if row["shape"] is None else msgspec.json.decode(row["shape"])
    return Kept(msgspec.json.decode(row["config"]), shape)


async def lock(conn: Connection, org_id: int, source_id: int) -> None:
    await conn.execute(_SQL["lock_source"], org_id, source_id)


async def change(
    conn: Connection,
    by: Principal,
    source_id: int,
    name: str,
    config: Mapping[str, Any],
    credential_id: int | None,
) -> None:
    """Raises `NameTaken`."""
    text = msgspec.json.encode(config).decode()
    try:
        async with conn.savepoint():
            await conn.execute(
                _SQL["change_foreign"], by.org_id, source_id, name, text, credential_id, by.user_id
            )
    except asyncpg.UniqueViolationError as error:
        raise NameTaken from error


async def note_shape(conn: Connection, org_id: int, source_id: int, shape: list[dict[str, Any]]) -> None:
    await conn.execute(_SQL["note_shape"], org_id, source_id, msgspec.json.encode(shape).decode())


async def pause(
    conn: Connection, org_id: int, source_id: int, reason: str | None, *, is_paused: bool
) -> None:
    await conn.execute(_SQL["pause_source"], org_id, source_id, is_paused, reason)


async def remove(conn: Connection, org_id: int, source_id: int) -> list[str]:
    """Gives the files of the results that are gone with it."""
    rows = await conn.rows(_SQL["drop_results_of"], org_id, source_id)
    await conn.execute(_SQL["drop_foreign"], org_id, source_id)
    await tell_gone(conn)
    return [row["file"] for row in rows]
