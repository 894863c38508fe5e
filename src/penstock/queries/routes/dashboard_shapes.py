"""Dashboards and widgets as they are on the wire (contract section 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock import identity
from penstock.identity import Principal
from penstock.kit.context import Context
from penstock.queries.dashboards import Dashboard, Widget
from penstock.queries.routes import shapes
from penstock.queries.routes.common import moment
from penstock.queries.routes.shapes import Shapes
from penstock.queries.service.dashboards import Placed
from penstock.queries.store import dashboards as store


class DashboardShapes:
    """What the objects of a list have in common to look up: people and stars."""

    def __init__(self, people: Mapping[int, identity.Member], stars: Mapping[int, datetime]) -> None:
        self._people = people
        self._stars = stars

    @classmethod
    async def of(cls, ctx: Context, principal: Principal, dashboards: Sequence[Dashboard]) -> DashboardShapes:
        people = {one.user_id for one in dashboards if one.user_id is not None}
        async with ctx.db.control.transaction() as conn:
            members = await identity.members_by_id(conn, principal.org_id, sorted(people))
            stars = await store.favorites(conn, principal.user_id, [one.id for one in dashboards])
        return cls(members, stars)

    def listed(self, one: Dashboard) -> dict[str, Any]:
        shown = self._common(one, None)
        if one.id in self._stars:
            shown["starred_at"] = moment(self._stars[one.id])
        return shown

    def whole(self, one: Dashboard, widgets: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return self._common(one, widgets)

    def _common(self, one: Dashboard, widgets: Sequence[dict[str, Any]] | None) -> dict[str, Any]:
        owner = None if one.user_id is None else self._people.get(one.user_id)
        return {
            "id": one.id,
            "slug": one.slug,
            "name": one.name,
            "user_id": one.user_id,
            "user": None if owner is None else _owner(owner),
            "layout": one.layout,
            "dashboard_filters_enabled": one.dashboard_filters_enabled,
            "widgets": widgets,
            "options": one.options,
            "is_archived": one.is_archived,
            "is_draft": one.is_draft,
            "tags": list(one.tags),
            "updated_at": moment(one.updated_at),
            "created_at": moment(one.created_at),
            "version": one.version,
            "is_favorite": one.id in self._stars,
        }


def _owner(member: identity.Member) -> dict[str, Any]:
    person = shapes.person(member)
    return {name: person[name] for name in ("id", "name", "email", "profile_image_url")}


async def widgets(ctx: Context, principal: Principal, placed: Sequence[Placed]) -> list[dict[str, Any]]:
    """With the queries behind them."""
    queries = {one.query.query.id: one.query.query for one in placed if one.query is not None}
    known = await Shapes.of(ctx, principal, list(queries.values()))
    return [_widget(one, known) for one in placed]


def _widget(placed: Placed, known: Shapes) -> dict[str, Any]:
    widget = placed.widget
    shown = _place(widget)
    if placed.restricted:
        return {**shown, "text": "", "restricted": True}
    shown["text"] = widget.text
    # Texts have no such key, by which clients tell them.
    if placed.visualization is not None and placed.query is not None:
        query = known.nested(placed.query.query)
        shown["visualization"] = {**shapes.visualization(placed.visualization), "query": query}
    return shown


def public_widget(placed: Placed) -> dict[str, Any]:
    """As anybody may see it."""
    shown = _place(placed.widget)
    if placed.restricted:
        return {**shown, "text": "", "restricted": True}
    shown["text"] = placed.widget.text
    if placed.visualization is not None and placed.query is not None:
        query = placed.query.query
        picture = shapes.visualization(placed.visualization)
        picture["query"] = {
            "id": query.id,
            "name": query.name,
            "description": query.description,
            "options": {"parameters": [], **query.options},
        }
        shown["visualization"] = picture
    return shown


def _place(widget: Widget) -> dict[str, Any]:
    return {
        "id": widget.id,
        "width": widget.width,
        "options": widget.options,
        "dashboard_id": widget.dashboard_id,
        "updated_at": moment(widget.updated_at),
        "created_at": moment(widget.created_at),
    }
