"""HTTP for dashboards (contract sections 9.1, 9.2 and 9.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from litestar import delete, get, post
from litestar.response.base import ASGIResponse
from sqlalchemy import ColumnElement, func, select

from penstock.identity import Principal
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries.dashboards import Dashboard
from penstock.queries.routes.common import (
    LONGEST_NAME,
    answer_page,
    flag_of,
    integer_of,
    moment,
    null,
    object_body,
    object_of,
    page_of,
    tags_of,
    text_of,
)
from penstock.queries.routes.dashboard_shapes import DashboardShapes, public_widget
from penstock.queries.routes.dashboard_shapes import widgets as widget_shapes
from penstock.queries.routes.saved import caller
from penstock.queries.service import dashboards as service
from penstock.queries.service import sharing
from penstock.queries.service.dashboards import SeenDashboard
from penstock.queries.store import dashboards as store
from penstock.queries.store.dashboard_tables import dashboard_favorites, dashboards

ALL: Final = "/api/dashboards"
ONE: Final = f"{ALL}/{{dashboard:str}}"
PUBLIC: Final = f"{ALL}/public/{{token:str}}"
_MOST_LAYOUT: Final = 1000
# Others may show a public dashboard inside a page of theirs.
FRAMED: Final = "frame-ancestors *"


@get(ALL)
async def list_dashboards(request: AnyRequest) -> ASGIResponse:
    return await _list(request)


@get(f"{ALL}/my")
async def list_my_dashboards(request: AnyRequest) -> ASGIResponse:
    return await _list(request, mine=True)


@get(f"{ALL}/favorites")
async def list_favorite_dashboards(request: AnyRequest) -> ASGIResponse:
    return await _list(request, favorites=True)


@get(f"{ALL}/tags")
async def list_dashboard_tags(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await store.list_tags(conn, principal, await service.wanted(conn, principal))
    return http.json({"tags": [{"name": name, "count": number} for name, number in found]})


async def _list(request: AnyRequest, **which: bool) -> ASGIResponse:
    principal = await caller(request)
    page = page_of(request)
    pairs = http.query(request)
    words = " ".join(value for name, value in pairs if name == "q").split()[:20]
    tags = [value for name, value in pairs if name == "tags"]
    if any("\0" in one for one in (*words, *tags)):
        raise errors.BadRequest("Text has no NUL character.")
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        wanted = await service.wanted(conn, principal, tags=tags, words=words, **which)
        order = _order(principal, dict(pairs).get("order", ""))
        total, found = await store.list_dashboards(conn, principal, wanted, order, page.size, page.offset)
    shapes = await DashboardShapes.of(ctx, principal, found)
    return answer_page(page, total, [shapes.listed(one) for one in found])


def _order(principal: Principal, key: str) -> Sequence[ColumnElement[Any]]:
    """Nulls last, and the id in the end, so that no page has what another has."""
    known = _ORDERS.get(key.removeprefix("-"))
    if known is None:
        return [dashboards.c.created_at.desc(), dashboards.c.id.desc()]
    column = known(principal)
    if key.startswith("-"):
        return [column.desc().nulls_last(), dashboards.c.id.desc()]
    return [column.asc().nulls_last(), dashboards.c.id.asc()]


def _starred(principal: Principal) -> ColumnElement[Any]:
    return (
        select(dashboard_favorites.c.created_at)
        .where(
            dashboard_favorites.c.dashboard_id == dashboards.c.id,
            dashboard_favorites.c.user_id == principal.user_id,
        )
        .scalar_subquery()
    )


_ORDERS: Final[Mapping[str, Callable[[Principal], ColumnElement[Any]]]] = {
    "name": lambda _: func.lower(dashboards.c.name),
    "created_at": lambda _: dashboards.c.created_at,
    "starred_at": _starred,
}


@post(ALL, status_code=200)
async def create_dashboard(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    values = {"name": _name(body), **({"tags": tags_of(body)} if "tags" in body else {})}
    async with http.context(request).db.control.transaction() as conn:
        made = await service.create(conn, principal, values)
    return await _whole(request, principal, made)


@get(ONE)
async def read_dashboard(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        seen = await find(request, conn, principal)
        token = await sharing.token_of(ctx, conn, seen)
    shared = {} if token is None else _shared(request, token)
    return await _whole(request, principal, seen.dashboard, {"can_edit": seen.can_edit, **shared})


@post(ONE, status_code=200)
async def update_dashboard(request: AnyRequest) -> ASGIResponse:
    """A body without anything to change changes nothing, which one published client relies on."""
    principal = await caller(request)
    body = await object_body(request)
    values = _changed(body)
    version = integer_of(body, "version") if body.get("version") is not None else None
    async with http.context(request).db.control.transaction() as conn:
        seen = await find(request, conn, principal, lock=True)
        changed = await service.change(conn, principal, seen, values, version)
    return await _whole(request, principal, changed)


@delete(ONE, status_code=200)
async def archive_dashboard(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        seen = await find(request, conn, principal, lock=True)
        archived = await service.archive(conn, principal, seen)
    return await _whole(request, principal, archived)


@post(f"{ONE}/fork", status_code=200)
async def fork_dashboard(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        made = await service.fork(conn, principal, await find(request, conn, principal))
    return await _whole(request, principal, made)


@post(f"{ONE}/favorite", status_code=200)
async def star_dashboard(request: AnyRequest) -> ASGIResponse:
    return await _favorite(request, starred=True)


@delete(f"{ONE}/favorite", status_code=200)
async def unstar_dashboard(request: AnyRequest) -> ASGIResponse:
    return await _favorite(request, starred=False)


async def _favorite(request: AnyRequest, *, starred: bool) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        seen = await find(request, conn, principal)
        if principal.user_id is None:
            raise errors.Forbidden("A service key has no favorites.")
        change = store.add_favorite if starred else store.drop_favorite
        await change(conn, principal.user_id, seen.dashboard.id)
    return null()


@post(f"{ONE}/share", status_code=200)
async def share_dashboard(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        seen = await find(request, conn, principal, lock=True)
        token = await sharing.share(ctx, conn, principal, seen)
    return http.json(_shared(request, token))


@delete(f"{ONE}/share", status_code=200)
async def unshare_dashboard(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        await sharing.unshare(conn, principal, await find(request, conn, principal))
    return null()


@get(PUBLIC)
async def read_public_dashboard(request: AnyRequest) -> ASGIResponse:
    """For anybody who has the token."""
    ctx = http.context(request)
    opened = await sharing.opened_by(ctx, http.segment(request, "token"))
    async with ctx.db.control.transaction() as conn:
        placed = await service.placed(conn, opened.principal, opened.dashboard.id)
    one = opened.dashboard
    shown = {
        "name": one.name,
        "layout": one.layout,
        "dashboard_filters_enabled": one.dashboard_filters_enabled,
        "updated_at": moment(one.updated_at),
        "created_at": moment(one.created_at),
        "options": one.options,
        "widgets": [public_widget(each) for each in placed],
    }
    return http.json(shown, headers={"Content-Security-Policy": FRAMED, "Cache-Control": "no-store"})


async def find(
    request: AnyRequest, conn: Connection, principal: Principal, *, lock: bool = False
) -> SeenDashboard:
    """The one in the address. Raises `NotFound`."""
    legacy = "legacy" in dict(http.query(request))
    return await service.find(conn, principal, http.segment(request, "dashboard"), legacy=legacy, lock=lock)


async def _whole(
    request: AnyRequest, principal: Principal, one: Dashboard, more: Mapping[str, Any] | None = None
) -> ASGIResponse:
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        placed = await service.placed(conn, principal, one.id)
    shown = await widget_shapes(ctx, principal, placed)
    shapes = await DashboardShapes.of(ctx, principal, [one])
    return http.json({**shapes.whole(one, shown), **(more or {})})


def _shared(request: AnyRequest, token: str) -> dict[str, Any]:
    base = str(request.base_url).rstrip("/")
    return {"public_url": f"{base}/public/dashboards/{token}", "api_key": token}


def _name(body: Mapping[str, Any]) -> str:
    name = text_of(body, "name", LONGEST_NAME)
    if not name.strip():
        raise errors.Invalid({"name": ["It must not be empty."]})
    return name


def _changed(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body changes; what nobody may change by it is passed over."""
    values: dict[str, Any] = {}
    if "name" in body:
        values["name"] = _name(body)
    for name in ("is_draft", "is_archived", "dashboard_filters_enabled"):
        if name in body:
            values[name] = flag_of(body, name)
    if "options" in body:
        values["options"] = object_of(body, "options")
    if "tags" in body:
        values["tags"] = tags_of(body)
    if "layout" in body:
        given: Any = [] if body["layout"] is None else body["layout"]
        if not isinstance(given, list) or len(cast("list[Any]", given)) > _MOST_LAYOUT:
            raise errors.Invalid({"layout": [f"It must be a list of at most {_MOST_LAYOUT:,} entries."]})
        values["layout"] = given
    return values


ROUTES = (
    list_dashboards,
    list_my_dashboards,
    list_favorite_dashboards,
    list_dashboard_tags,
    create_dashboard,
    read_dashboard,
    update_dashboard,
    archive_dashboard,
    fork_dashboard,
    star_dashboard,
    unstar_dashboard,
    share_dashboard,
    unshare_dashboard,
    read_public_dashboard,
)
