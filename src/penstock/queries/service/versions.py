"""What a query was: its versions, what each of them changed, and going back to one."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping
from typing import Any, Final

from penstock import tables
from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.queries.saved import SavedQuery, Version
from penstock.queries.service import saved as service
from penstock.queries.service.saved import Seen
from penstock.queries.store import versions as store

# What makes a version: these fields, by the names that they have on the wire.
FIELDS: Final = {
    "name": "name",
    "description": "description",
    "query": "text",
    "data_source_id": "data_source_id",
    "options": "options",
    "tags": "tags",
    "is_archived": "is_archived",
}
_RESTORED: Final = ("name", "description", "text", "data_source_id", "options", "tags")
_MOST_LINES: Final = 5000


async def find(conn: Connection, principal: Principal, seen: Seen, number: int) -> Version:
    """Raises `NotFound` for a version that is not kept, or one on a data source that the caller does not see."""
    found = await store.find_version(conn, seen.query.id, number)
    if found is None or not await _sees(conn, principal, seen, found):
        raise errors.NotFound(f"Version {number} of the query is not kept.")
    return found


async def before(conn: Connection, principal: Principal, seen: Seen, version: Version) -> Version | None:
    """The one that it changed; None for the first that is kept."""
    found = await store.version_before(conn, seen.query.id, version.version)
    return found if found is not None and await _sees(conn, principal, seen, found) else None


async def _sees(conn: Connection, principal: Principal, seen: Seen, version: Version) -> bool:
    if seen.can_edit or version.data_source_id == seen.query.data_source_id:
        return True
    if version.data_source_id is None:
        return False
    return await tables.numbered_source(conn, principal, version.data_source_id) is not None


async def seen_of(
    conn: Connection, principal: Principal, seen: Seen, limit: int, offset: int
) -> tuple[int, list[Version]]:
    """The number of versions that are kept, and those of a page that the caller sees, the newest first."""
    total, found = await store.list_versions(conn, seen.query.id, limit, offset)
    return total, [one for one in found if await _sees(conn, principal, seen, one)]


def changes(old: Version | None, new: Version) -> dict[str, dict[str, Any]]:
    """The fields that differ, as they were and as they are; all of them for a first version."""
    found: dict[str, dict[str, Any]] = {}
    for wire, name in FIELDS.items():
        was, now = None if old is None else getattr(old, name), getattr(new, name)
        if was != now:
            found[wire] = {"before": was, "after": now}
    return found


async def text_diff(old: Version | None, new: Version) -> str | None:
    """What changed in the SQL, as a unified diff; None for texts of too many lines."""
    was = [] if old is None else old.text.splitlines()
    now = new.text.splitlines()
    if max(len(was), len(now)) > _MOST_LINES:
        return None
    return await asyncio.to_thread(_unified, was, now, 0 if old is None else old.version, new.version)


def _unified(was: list[str], now: list[str], old: int, new: int) -> str:
    lines = difflib.unified_diff(was, now, f"version {old}", f"version {new}", lineterm="")
    return "\n".join(lines)


async def restore(
    conn: Connection, principal: Principal, seen: Seen, version: Version, expected: int | None
) -> SavedQuery:
    """Make the query what it was, which is another version. Raises `Forbidden` or `Conflict` as any change does."""
    values: Mapping[str, Any] = {name: getattr(version, name) for name in _RESTORED}
    if version.data_source_id is None:
        # That data source is gone.
        values = {name: value for name, value in values.items() if name != "data_source_id"}
    return await service.change(conn, principal, seen, values, expected)
