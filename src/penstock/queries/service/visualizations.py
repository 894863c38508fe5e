"""The verbs on visualizations. Who may change a query may change how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.identity import Principal, audit
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.queries.saved import Visualization
from penstock.queries.service.saved import Seen, find
from penstock.queries.store import saved

KIND: Final = "visualization"
_MOST: Final = 100  # of a query


async def find_visualization(
    conn: Connection, principal: Principal, visualization_id: int | None
) -> tuple[Visualization, Seen]:
    """With its query. Raises `NotFound` for what there is not, or what the caller may not know of."""
    found = None
    if visualization_id is not None:
        found = await saved.find_visualization(conn, principal.org_id, visualization_id)
    if found is None:
        raise errors.NotFound
    return found, await find(conn, principal, found.query_id)


async def create(
    conn: Connection, principal: Principal, query_id: int, values: Mapping[str, Any]
) -> Visualization:
    """Raises `Invalid` for a query that the caller does not see, `Forbidden` for one that is not theirs to change."""
    try:
        seen = await find(conn, principal, query_id, lock=True)
    except errors.NotFound as error:
        raise errors.Invalid({"query_id": [f"There is no query {query_id}."]}) from error
    seen.require_edit()
    if len((await saved.list_visualizations(conn, [query_id])).get(query_id, ())) >= _MOST:
        raise errors.BadRequest(f"A query has at most {_MOST} visualizations.")
    made = await saved.add_visualization(conn, query_id, values)
    await audit.record(conn, principal, "visualization.create", KIND, made.id, made.name, {"query": query_id})
    return made


async def change(
    conn: Connection, principal: Principal, visualization_id: int | None, values: Mapping[str, Any]
) -> Visualization:
    found, seen = await find_visualization(conn, principal, visualization_id)
    seen.require_edit()
    if not values:
        return found
    changed = await saved.change_visualization(conn, found.id, values)
    if changed is None:
        raise errors.NotFound
    detail = {"changed": sorted(values)}
    await audit.record(conn, principal, "visualization.update", KIND, changed.id, changed.name, detail)
    return changed


async def remove(conn: Connection, principal: Principal, visualization_id: int | None) -> None:
    """Widgets that show it go with it."""
    found, seen = await find_visualization(conn, principal, visualization_id)
    seen.require_edit()
    await saved.drop_visualization(conn, found.id)
    await audit.record(conn, principal, "visualization.delete", KIND, found.id, found.name)
