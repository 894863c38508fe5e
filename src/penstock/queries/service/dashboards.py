"""The verbs on dashboards and on what is on them.

A dashboard is seen by who made it, by admins of the org, by whom these have given a right on it, and, once it is no
draft, by whoever sees something on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock import tables
from penstock.identity import Principal, Role, audit
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.queries.access import ACTIONS, authorize, role_at
from penstock.queries.dashboards import Dashboard, Widget, stored_slug
from penstock.queries.saved import Visualization
from penstock.queries.service import saved as queries
from penstock.queries.service.bound import author
from penstock.queries.service.visualizations import find_visualization
from penstock.queries.store import dashboards as store
from penstock.queries.store import rights, saved

KIND: Final = "dashboard"
MOST_WIDGETS: Final = 200
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_NUMBERED: Final = re.compile(r"([0-9]{1,18})-", re.ASCII)
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class SeenDashboard:
    """A dashboard that the caller may know of, and whether they may change it."""

    dashboard: Dashboard
    can_edit: bool
    can_archive: bool
    # Says who else may, and shows it to anybody.
    can_share: bool

    def require_edit(self) -> None:
        if not self.can_edit:
            raise errors.Forbidden(queries.NOT_YOURS)

    def require_share(self) -> None:
        if not self.can_share:
            raise errors.Forbidden(queries.NOT_YOURS)


@dataclass(frozen=True, slots=True)
class Placed:
    """A widget with what it shows. Of one that is restricted the reader may not know what that is."""

    widget: Widget
    visualization: Visualization | None = None
    query: queries.Seen | None = None

    @property
    def restricted(self) -> bool:
        return self.widget.visualization_id is not None and self.query is None


async def wanted(conn: Connection, principal: Principal, **which: Any) -> store.Wanted:
    """Which dashboards the caller sees, and of those which."""
    everything = _is_admin(principal)
    sources = [] if everything else await tables.numbered_sources(conn, principal)
    texts = (role_at(principal, None) or 0) >= ACTIONS["dashboard.read"]
    return store.Wanted([one.id for one in sources], everything, texts, **which)


def _is_admin(principal: Principal) -> bool:
    return (principal.org_role or 0) >= Role.ADMIN


async def find(
    conn: Connection, principal: Principal, name: str, *, legacy: bool = False, lock: bool = False
) -> SeenDashboard:
    """By its id or its slug, in the order that addresses of several generations of clients ask for.

    Raises `NotFound` for what there is not, or what the caller may not know of.
    """
    for which in _readings(name, legacy=legacy):
        found = await store.find_dashboard(conn, principal.org_id, which, lock=lock)
        if found is not None:
            return await _seen(conn, principal, found)
    raise errors.NotFound


async def find_numbered(
    conn: Connection, principal: Principal, number: int, *, lock: bool = False
) -> SeenDashboard:
    """By its id. Raises as `find`."""
    found = await store.find_dashboard(conn, principal.org_id, store.by_id(number), lock=lock)
    if found is None:
        raise errors.NotFound
    return await _seen(conn, principal, found)


def _readings(name: str, *, legacy: bool) -> list[Any]:
    """What the name may mean, the likeliest first."""
    ids = [store.by_id(int(name))] if _NUMBER.fullmatch(name) else []
    numbered = _NUMBERED.match(name)
    if numbered is not None:
        ids = [store.by_id(int(numbered[1]))]
    slugs = [store.by_slug(name), store.by_shown_slug(name)]
    return [*slugs, *ids] if legacy else [*ids, *slugs]


async def _seen(conn: Connection, principal: Principal, found: Dashboard) -> SeenDashboard:
    if is_own(principal, found) or _is_admin(principal):
        return SeenDashboard(found, can_edit=True, can_archive=True, can_share=True)
    held = await rights.held(conn, principal, KIND, found.id)
    if not held and not await store.is_seen(conn, principal, found.id, await wanted(conn, principal)):
        raise errors.NotFound
    can_edit = "modify" in held
    return SeenDashboard(found, can_edit, can_archive=can_edit or "delete" in held, can_share=False)


def is_own(principal: Principal, dashboard: Dashboard) -> bool:
    if principal.user_id is not None:
        return dashboard.user_id == principal.user_id
    return principal.key_id is not None and dashboard.key_id == principal.key_id


async def create(conn: Connection, principal: Principal, values: Mapping[str, Any]) -> Dashboard:
    """A draft."""
    authorize(principal, "dashboard.create", None)
    made = await _add(conn, principal, values)
    await audit.record(conn, principal, "dashboard.create", KIND, made.id, made.name, {"slug": made.slug})
    return made


async def _add(conn: Connection, principal: Principal, values: Mapping[str, Any]) -> Dashboard:
    slug = stored_slug(values["name"])
    for _ in range(_TRIES):
        taken = await store.slugs_like(conn, principal.org_id, slug)
        own = (
            slug
            if slug not in taken
            else next(name for n in range(1, len(taken) + 2) if (name := f"{slug}_{n}") not in taken)
        )
        made = await store.add_dashboard(
            conn,
            {
                **values,
                "slug": own,
                "org_id": principal.org_id,
                "user_id": principal.user_id,
                "key_id": principal.key_id if principal.user_id is None else None,
            },
        )
        if made is not None:
            return made
    raise errors.Contended


async def change(
    conn: Connection,
    principal: Principal,
    seen: SeenDashboard,
    values: Mapping[str, Any],
    version: int | None,
) -> Dashboard:
    """Raises `Forbidden`, or `Conflict` when somebody else has changed it since."""
    seen.require_edit()
    current = seen.dashboard.version
    if version is not None and version != current:
        raise errors.Conflict(
            f"The dashboard has version {current} by now, and the change is of version {version}."
        )
    if not values:
        return seen.dashboard
    changed = await store.change_dashboard(conn, seen.dashboard.id, values)
    await audit.record(
        conn, principal, "dashboard.update", KIND, changed.id, changed.name, {"changed": sorted(values)}
    )
    return changed


async def archive(conn: Connection, principal: Principal, seen: SeenDashboard) -> Dashboard:
    """It is in no list then, its token shows nothing, and it can still be read by its id."""
    if not seen.can_archive:
        raise errors.Forbidden(queries.NOT_YOURS)
    changed = await store.change_dashboard(conn, seen.dashboard.id, {"is_archived": True})
    await audit.record(conn, principal, "dashboard.archive", KIND, changed.id, changed.name)
    return changed


async def fork(conn: Connection, principal: Principal, seen: SeenDashboard) -> Dashboard:
    """A copy of the caller's own, with the widgets that they see."""
    authorize(principal, "dashboard.create", None)
    old = seen.dashboard
    made = await _add(
        conn,
        principal,
        {
            "name": f"Copy of (#{old.id}) {old.name}",
            "layout": list(old.layout),
            "options": dict(old.options),
            "dashboard_filters_enabled": old.dashboard_filters_enabled,
            "tags": list(old.tags),
        },
    )
    for one in await placed(conn, principal, old.id):
        if not one.restricted:
            copied = {
                name: getattr(one.widget, name) for name in ("visualization_id", "text", "width", "options")
            }
            await store.add_widget(conn, {**copied, **_placer(principal), "dashboard_id": made.id})
    await audit.record(conn, principal, "dashboard.fork", KIND, made.id, made.name, {"of": old.id})
    return made


async def placed(conn: Connection, principal: Principal, dashboard_id: int) -> list[Placed]:
    """What is on a dashboard, as far as the reader may know."""
    return await _placed(conn, principal, await store.list_widgets(conn, dashboard_id))


async def _placed(conn: Connection, principal: Principal, widgets: Sequence[Widget]) -> list[Placed]:
    shown = [one.visualization_id for one in widgets if one.visualization_id is not None]
    pictures = await saved.visualizations_by_id(conn, shown)
    seen = await queries.find_all(conn, principal, [one.query_id for one in pictures.values()])
    found: list[Placed] = []
    for one in widgets:
        picture = pictures.get(one.visualization_id or 0)
        query = None if picture is None else seen.get(picture.query_id)
        found.append(Placed(one, None if query is None else picture, query))
    return found


def _placer(principal: Principal) -> dict[str, Any]:
    said = author(principal)
    return {"placed_by": said["written_by"], "placed_key_id": said["written_key_id"]}


async def add_widget(
    conn: Connection, principal: Principal, dashboard_id: int, values: Mapping[str, Any]
) -> Placed:
    """Raises `Invalid` for a dashboard or a visualization that the caller does not see."""
    try:
        seen = await find_numbered(conn, principal, dashboard_id, lock=True)
    except errors.NotFound as error:
        raise errors.Invalid({"dashboard_id": [f"There is no dashboard {dashboard_id}."]}) from error
    seen.require_edit()
    if values["visualization_id"] is not None:
        await _require_visualization(conn, principal, values["visualization_id"])
    if await store.count_widgets(conn, dashboard_id) >= MOST_WIDGETS:
        raise errors.BadRequest(f"A dashboard has at most {MOST_WIDGETS} widgets.")
    made = await store.add_widget(conn, {**values, **_placer(principal), "dashboard_id": dashboard_id})
    await audit.record(
        conn, principal, "dashboard.update", KIND, dashboard_id, seen.dashboard.name, {"widget": made.id}
    )
    return (await _placed(conn, principal, [made]))[0]


async def _require_visualization(conn: Connection, principal: Principal, visualization_id: int) -> None:
    try:
        await find_visualization(conn, principal, visualization_id)
    except errors.NotFound as error:
        sentence = f"There is no visualization {visualization_id}."
        raise errors.Invalid({"visualization_id": [sentence]}) from error


async def change_widget(
    conn: Connection, principal: Principal, widget_id: int | None, values: Mapping[str, Any]
) -> Placed:
    widget, seen = await _widget(conn, principal, widget_id)
    changed: Widget | None = widget
    if values:
        changed = await store.change_widget(conn, widget.id, {**values, **_placer(principal)})
    if changed is None:
        raise errors.NotFound
    await audit.record(
        conn,
        principal,
        "dashboard.update",
        KIND,
        seen.dashboard.id,
        seen.dashboard.name,
        {"widget": widget.id},
    )
    return (await _placed(conn, principal, [changed]))[0]


async def remove_widget(conn: Connection, principal: Principal, widget_id: int | None) -> None:
    widget, seen = await _widget(conn, principal, widget_id)
    await store.drop_widget(conn, widget.id)
    detail = {"removed": widget.id}
    await audit.record(
        conn, principal, "dashboard.update", KIND, seen.dashboard.id, seen.dashboard.name, detail
    )


async def _widget(
    conn: Connection, principal: Principal, widget_id: int | None
) -> tuple[Widget, SeenDashboard]:
    found = None if widget_id is None else await store.find_widget(conn, principal.org_id, widget_id)
    if found is None:
        raise errors.NotFound
    seen = await find_numbered(conn, principal, found.dashboard_id, lock=True)
    seen.require_edit()
    return found, seen
