"""Dashboards and widgets: rows to models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.identity import Principal
from penstock.kit.db import Connection, Row
from penstock.queries.dashboards import Dashboard, Widget
from penstock.queries.store.dashboard_tables import (
    dashboard_favorites,
    dashboards,
    widgets,
)
from penstock.queries.store.rights import by_rights
from penstock.queries.store.saved import literal
from penstock.queries.store.saved import own as own_query
from penstock.queries.store.tables import queries, visualizations

_DASHBOARD: Final = [dashboards.c[name] for name in Dashboard.__dataclass_fields__]
_WIDGET: Final = [widgets.c[name] for name in Widget.__dataclass_fields__]
# As `dashboards.shown_slug` has it.
_SHOWN: Final = func.regexp_replace(func.lower(dashboards.c.name), "[^a-z0-9_-]+", "-", "g")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dashboards a list has. `sources` are those that the caller sees; `everything` is all of the org.

    `texts`: a text is something for the caller to see.
    """

    sources: Sequence[int]
    everything: bool
    texts: bool
    mine: bool = False
    favorites: bool = False
    tags: Sequence[str] = ()
    words: Sequence[str] = ()


async def add_dashboard(conn: Connection, values: Mapping[str, Any]) -> Dashboard | None:
    """None when the slug is taken."""
    statement = upsert(dashboards).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["org_id", "slug"]).returning(*_DASHBOARD)
    row = await conn.row(statement)
    return None if row is None else _dashboard(row)


async def slugs_like(conn: Connection, org_id: int, slug: str) -> set[str]:
    """The slug and those made of it, as far as they are taken."""
    column = dashboards.c.slug
    statement = select(column).where(
        dashboards.c.org_id == org_id,
        or_(column == slug, column.like(f"{literal(slug)}\\_%", escape="\\")),
    )
    return {row["slug"] for row in await conn.rows(statement)}


async def find_dashboard(
    conn: Connection, org_id: int, which: ColumnElement[bool], *, lock: bool = False
) -> Dashboard | None:
    """The earliest of those that fit."""
    statement = (
        select(*_DASHBOARD).where(dashboards.c.org_id == org_id, which).order_by(dashboards.c.id).limit(1)
    )
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else _dashboard(row)


def by_id(number: int) -> ColumnElement[bool]:
    return dashboards.c.id == number


def by_slug(slug: str) -> ColumnElement[bool]:
    return dashboards.c.slug == slug


def by_shown_slug(slug: str) -> ColumnElement[bool]:
    """By that of its present name."""
    return _SHOWN.in_([slug])


async def change_dashboard(conn: Connection, dashboard_id: int, values: Mapping[str, Any]) -> Dashboard:
    """The version goes up."""
    statement = (
        update(dashboards)
        .where(dashboards.c.id == dashboard_id)
        .values(**values, version=dashboards.c.version + 1, updated_at=func.now())
        .returning(*_DASHBOARD)
    )
    row = await conn.row(statement)
    assert row is not None
    return _dashboard(row)


async def list_dashboards(
    conn: Connection,
    principal: Principal,
    wanted: Wanted,
    order: Sequence[ColumnElement[Any]],
    limit: int,
    offset: int,
) -> tuple[int, list[Dashboard]]:
    total = await conn.value(_filtered(select(func.count()), principal, wanted))
    statement = _filtered(select(*_DASHBOARD), principal, wanted)
    statement = statement.order_by(*order).limit(limit).offset(offset)
    return total, [_dashboard(row) for row in await conn.rows(statement)]


async def list_tags(conn: Connection, principal: Principal, wanted: Wanted) -> list[tuple[str, int]]:
    """Each tag, and how many dashboards have it."""
    tag = func.unnest(dashboards.c.tags).label("tag")
    inner = _filtered(select(tag), principal, wanted).subquery()
    statement = select(inner.c.tag, func.count().label("number")).group_by(inner.c.tag).order_by(inner.c.tag)
    return [(row["tag"], row["number"]) for row in await conn.rows(statement)]


async def is_seen(conn: Connection, principal: Principal, dashboard_id: int, wanted: Wanted) -> bool:
    statement = select(dashboards.c.id).where(dashboards.c.id == dashboard_id, _seen(principal, wanted))
    return await conn.value(statement) is not None


def _filtered(statement: Select[Any], principal: Principal, wanted: Wanted) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        dashboards.c.org_id == principal.org_id,
        dashboards.c.is_archived.is_(False),
        own(principal) if wanted.mine else _seen(principal, wanted),
    ]
    if wanted.tags:
        conditions.append(dashboards.c.tags.contains(list(wanted.tags)))
    if wanted.favorites:
        starred = select(dashboard_favorites.c.dashboard_id).where(
            dashboard_favorites.c.user_id == principal.user_id
        )
        conditions.append(dashboards.c.id.in_(starred))
    for word in wanted.words:
        pattern = func.lower(f"%{literal(word)}%")
        conditions.append(func.lower(dashboards.c.name).like(pattern, escape="\\"))
    return statement.select_from(dashboards).where(*conditions)


def _seen(principal: Principal, wanted: Wanted) -> ColumnElement[bool]:
    """One's own, what one has a right on, and of the published the ones that have something for the caller to see."""
    if wanted.everything:
        return true()
    mine = own(principal)
    shared = by_rights(principal, "dashboard")
    if shared is not None:
        mine = or_(mine, dashboards.c.id.in_(shared))
    reached = or_(queries.c.data_source_id.in_(list(wanted.sources)), own_query(principal))
    given = by_rights(principal, "query")
    if given is not None:
        reached = or_(reached, queries.c.id.in_(given))
    if wanted.texts:
        reached = or_(reached, widgets.c.visualization_id.is_(None))
    shown = (
        select(widgets.c.id)
        .outerjoin(visualizations, visualizations.c.id == widgets.c.visualization_id)
        .outerjoin(queries, queries.c.id == visualizations.c.query_id)
        .where(widgets.c.dashboard_id == dashboards.c.id, reached)
    )
    return or_(mine, and_(dashboards.c.is_draft.is_(False), exists(shown)))


def own(principal: Principal) -> ColumnElement[bool]:
    """Made by the caller."""
    if principal.user_id is not None:
        return dashboards.c.user_id == principal.user_id
    return dashboards.c.key_id == principal.key_id


async def favorites(conn: Connection, user_id: int | None, ids: Sequence[int]) -> dict[int, Any]:
    """When each of these was starred by the user."""
    if user_id is None or not ids:
        return {}
    statement = select(dashboard_favorites.c.dashboard_id, dashboard_favorites.c.created_at).where(
        dashboard_favorites.c.user_id == user_id, dashboard_favorites.c.dashboard_id.in_(list(ids))
    )
    return {row["dashboard_id"]: row["created_at"] for row in await conn.rows(statement)}


async def add_favorite(conn: Connection, user_id: int, dashboard_id: int) -> None:
    statement = upsert(dashboard_favorites).values(user_id=user_id, dashboard_id=dashboard_id)
    await conn.execute(statement.on_conflict_do_nothing())


async def drop_favorite(conn: Connection, user_id: int, dashboard_id: int) -> None:
    await conn.execute(
        dashboard_favorites.delete().where(
            dashboard_favorites.c.user_id == user_id, dashboard_favorites.c.dashboard_id == dashboard_id
        )
    )


async def list_widgets(conn: Connection, dashboard_id: int) -> list[Widget]:
    """In the order they were made."""
    statement = select(*_WIDGET).where(widgets.c.dashboard_id == dashboard_id).order_by(widgets.c.id)
    return [_widget(row) for row in await conn.rows(statement)]


async def count_widgets(conn: Connection, dashboard_id: int) -> int:
    return await conn.value(
        select(func.count()).select_from(widgets).where(widgets.c.dashboard_id == dashboard_id)
    )


async def widgets_of_query(conn: Connection, dashboard_id: int, query_id: int) -> list[Widget]:
    """Those of a dashboard that show a query; none of one that is archived."""
    statement = (
        select(*_WIDGET)
        .join(dashboards, dashboards.c.id == widgets.c.dashboard_id)
        .join(visualizations, visualizations.c.id == widgets.c.visualization_id)
        .where(
            dashboards.c.id == dashboard_id,
            dashboards.c.is_archived.is_(False),
            visualizations.c.query_id == query_id,
        )
        .order_by(widgets.c.id)
    )
    return [_widget(row) for row in await conn.rows(statement)]


async def find_widget(conn: Connection, org_id: int, widget_id: int) -> Widget | None:
    statement = (
        select(*_WIDGET)
        .join(dashboards, dashboards.c.id == widgets.c.dashboard_id)
        .where(dashboards.c.org_id == org_id, widgets.c.id == widget_id)
    )
    row = await conn.row(statement)
    return None if row is None else _widget(row)


async def add_widget(conn: Connection, values: Mapping[str, Any]) -> Widget:
    row = await conn.row(widgets.insert().values(**values).returning(*_WIDGET))
    assert row is not None
    return _widget(row)


async def change_widget(conn: Connection, widget_id: int, values: Mapping[str, Any]) -> Widget | None:
    """None when it has gone meanwhile."""
    statement = update(widgets).where(widgets.c.id == widget_id)
    row = await conn.row(statement.values(**values, updated_at=func.now()).returning(*_WIDGET))
    return None if row is None else _widget(row)


async def drop_widget(conn: Connection, widget_id: int) -> None:
    await conn.execute(widgets.delete().where(widgets.c.id == widget_id))


async def drop_widgets_of_query(conn: Connection, query_id: int) -> None:
    """Those that show visualizations of the query."""
    shown = select(visualizations.c.id).where(visualizations.c.query_id == query_id)
    await conn.execute(widgets.delete().where(widgets.c.visualization_id.in_(shown)))


def _dashboard(row: Row) -> Dashboard:
    values: dict[str, Any] = {name: row[name] for name in Dashboard.__dataclass_fields__}
    return Dashboard(**values)


def _widget(row: Row) -> Widget:
    values: dict[str, Any] = {name: row[name] for name in Widget.__dataclass_fields__}
    return Widget(**values)
