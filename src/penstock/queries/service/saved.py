"""The verbs on saved queries. Who made one may change it; archiving one keeps it readable by its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock import tables
from penstock.identity import Principal, Role, audit
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.queries.access import ACTIONS, authorize, role_at
from penstock.queries.alerts.store import drop_of_query
from penstock.queries.saved import SavedQuery, Visualization
from penstock.queries.schedules.planning import plan
from penstock.queries.service.bound import author, within
from penstock.queries.store import dashboards, rights, saved
from penstock.tables import NumberedSource

KIND: Final = "query"
NOT_YOURS: Final = "You don't have permission to edit this resource."
# What every query has from its beginning.
_TABLE: Final[dict[str, Any]] = {"type": "TABLE", "name": "Table", "description": "", "options": {}}


@dataclass(frozen=True, slots=True)
class Seen:
    """A query that the caller may know of, with its source, and whether they may change it."""

    query: SavedQuery
    source: NumberedSource | None
    can_edit: bool
    can_archive: bool = False
    # Says who else may.
    can_share: bool = False

    def require_edit(self) -> None:
        if not self.can_edit:
            raise errors.Forbidden(NOT_YOURS)


async def find(
    conn: Connection, principal: Principal, query_id: int | None, *, lock: bool = False, linked: bool = False
) -> Seen:
    """Raises `NotFound` for what there is not, or what the caller may not know of.

    `linked`: it was come upon by a query that the caller knows, which a key for that one follows.
    """
    found = None
    if query_id is not None and (linked or await within(conn, principal, query_id)):
        found = await saved.find_query(conn, principal.org_id, query_id=query_id, lock=lock)
    if found is None:
        raise errors.NotFound
    source = None
    if found.data_source_id is not None:
        source = await tables.numbered_source(conn, principal, found.data_source_id)
    if principal.bound is not None:
        # It reads, whatever the one may do in whose name it asks.
        return Seen(found, source, False)
    all_of_it = _holds_all(principal, found, source)
    held = frozenset[str]() if all_of_it else await rights.held(conn, principal, KIND, found.id)
    seen = seen_of(principal, found, source, held)
    if seen is None:
        raise errors.NotFound
    return seen


async def find_all(conn: Connection, principal: Principal, ids: Sequence[int]) -> dict[int, Seen]:
    """Those of these queries that the caller may know of."""
    found = await saved.queries_by_id(conn, principal.org_id, ids)
    sources = {one.id: one for one in await tables.numbered_sources(conn, principal)} if found else {}
    held = await rights.held_on(conn, principal, KIND, list(found))
    seen = {
        number: seen_of(
            principal, query, sources.get(query.data_source_id or 0), held.get(number, frozenset())
        )
        for number, query in found.items()
    }
    return {number: one for number, one in seen.items() if one is not None}


def seen_of(
    principal: Principal, query: SavedQuery, source: NumberedSource | None, held: frozenset[str]
) -> Seen | None:
    """With its source as far as the caller sees that; None when they may not know of the query.

    `held` are rights of their own on it.
    """
    if _holds_all(principal, query, source):
        return Seen(query, source, True, True, True)
    if source is None and not held:
        return None
    return Seen(query, source, "modify" in held, "delete" in held)


def _holds_all(principal: Principal, query: SavedQuery, source: NumberedSource | None) -> bool:
    level = role_at(principal, source) or 0
    admin = (principal.org_role or 0) >= Role.ADMIN
    return is_own(principal, query) or admin or (source is not None and level >= ACTIONS["query.alter"])


def is_own(principal: Principal, query: SavedQuery) -> bool:
    if principal.user_id is not None:
        return query.user_id == principal.user_id
    return principal.key_id is not None and query.key_id == principal.key_id


async def source_of(conn: Connection, principal: Principal, source_id: int) -> NumberedSource:
    """Raises `Invalid` for a data source that the caller does not see."""
    source = await tables.numbered_source(conn, principal, source_id)
    if source is None:
        raise errors.Invalid({"data_source_id": [f"There is no data source {source_id}."]})
    return source


async def create(conn: Connection, principal: Principal, values: Mapping[str, Any]) -> SavedQuery:
    """Store a query, which is a draft."""
    authorize(principal, "query.create", await source_of(conn, principal, values["data_source_id"]))
    return await _add(conn, principal, values)


async def _add(conn: Connection, principal: Principal, values: Mapping[str, Any]) -> SavedQuery:
    made = await saved.add_query(
        conn,
        {
            **values,
            "org_id": principal.org_id,
            "user_id": principal.user_id,
            "key_id": principal.key_id if principal.user_id is None else None,
            "modified_by": principal.user_id,
            **author(principal),
        },
    )
    assert made is not None
    await saved.add_visualization(conn, made.id, _TABLE)
    await plan(conn, made)
    await audit.record(conn, principal, "query.create", KIND, made.id, made.name)
    return made


async def change(
    conn: Connection, principal: Principal, seen: Seen, values: Mapping[str, Any], version: int | None
) -> SavedQuery:
    """Raises `Forbidden`, or `Conflict` when somebody else has changed it since."""
    seen.require_edit()
    if version is not None and version != seen.query.version:
        raise errors.Conflict(
            f"The query has version {seen.query.version} by now, and the change is of version {version}."
        )
    moved = values.get("data_source_id")
    if moved is not None and moved != seen.query.data_source_id:
        authorize(principal, "query.create", await source_of(conn, principal, moved))
    written = author(principal) if any(values.get(one, was) != was for one, was in _asked(seen.query)) else {}
    changed = await saved.change_query(
        conn, seen.query.id, {**values, **written, "modified_by": principal.user_id}
    )
    await plan(conn, changed, seen.query)
    if changed.is_archived:
        await drop_of_query(conn, changed.id)
    await audit.record(
        conn, principal, "query.update", KIND, changed.id, changed.name, {"changed": sorted(values)}
    )
    return changed


def _asked(query: SavedQuery) -> tuple[tuple[str, Any], ...]:
    """What it asks; the rest is how it is shown."""
    return (("text", query.text), ("data_source_id", query.data_source_id), ("options", query.options))


async def archive(conn: Connection, principal: Principal, seen: Seen) -> None:
    """It is on no dashboard then."""
    if not seen.can_archive:
        raise errors.Forbidden(NOT_YOURS)
    values = {"is_archived": True, "schedule": None, "modified_by": principal.user_id}
    changed = await saved.change_query(conn, seen.query.id, values)
    await plan(conn, changed, seen.query)
    await drop_of_query(conn, changed.id)
    await dashboards.drop_widgets_of_query(conn, changed.id)
    await audit.record(conn, principal, "query.archive", KIND, seen.query.id, seen.query.name)


async def fork(conn: Connection, principal: Principal, seen: Seen) -> SavedQuery:
    """A copy of the caller's own, with its visualizations."""
    authorize(principal, "query.create", seen.source)
    query = seen.query
    made = await saved.add_query(
        conn,
        {
            "org_id": principal.org_id,
            "name": f"Copy of (#{query.id}) {query.name}",
            "description": query.description,
            "text": query.text,
            "data_source_id": query.data_source_id,
            "options": dict(query.options),
            "tags": list(query.tags),
            "user_id": principal.user_id,
            "key_id": principal.key_id if principal.user_id is None else None,
            "modified_by": principal.user_id,
            **author(principal),
        },
    )
    assert made is not None
    for one in (await visualizations(conn, [query.id])).get(query.id, []):
        values = {name: getattr(one, name) for name in ("type", "name", "description", "options")}
        await saved.add_visualization(conn, made.id, values)
    await audit.record(conn, principal, "query.fork", KIND, made.id, made.name, {"of": query.id})
    return made


async def visualizations(conn: Connection, ids: list[int]) -> dict[int, list[Visualization]]:
    """Those of each of these queries, in the order they were made."""
    return await saved.list_visualizations(conn, ids)
