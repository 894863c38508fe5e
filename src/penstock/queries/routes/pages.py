"""Dashboards as pages that a browser shows, for those who have a key and for those who have a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.identity import Principal
from penstock.kit import errors, http, pages
from penstock.kit.http import AnyRequest
from penstock.queries.dashboards import Dashboard
from penstock.queries.pages import cards, rendering
from penstock.queries.routes.saved import caller
from penstock.queries.service import dashboards as service
from penstock.queries.service import sharing
from penstock.queries.service.dashboards import Placed

_SECONDS: Final = 120.0  # that drawing everything may take


@get("/dashboards/{dashboard:str}")
async def show_dashboard(request: AnyRequest) -> ASGIResponse:
    return await _page(request, _own, framed="'none'")


@get("/public/dashboards/{token:str}")
async def show_public_dashboard(request: AnyRequest) -> ASGIResponse:
    return await _page(request, _public, framed="*")


async def _page(
    request: AnyRequest, shown: Callable[[AnyRequest], Awaitable[str]], framed: str
) -> ASGIResponse:
    """People are told what went wrong by a page, too."""
    try:
        return pages.answer(await shown(request), framed=framed)
    except errors.PenstockError as error:
        if error.status >= 500:
            raise
        body = pages.failure(error.status, error.message)
        return pages.answer(body, error.status, framed=framed, **error.headers)


async def _own(request: AnyRequest) -> str:
    principal = await caller(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        seen = await service.find(conn, principal, http.segment(request, "dashboard"))
        placed = await service.placed(conn, principal, seen.dashboard.id)
    key = dict(http.query(request)).get("api_key")
    return await _shown(request, principal, seen.dashboard, placed, key=key)


async def _public(request: AnyRequest) -> str:
    ctx = http.context(request)
    opened = await sharing.opened_by(ctx, http.segment(request, "token"))
    async with ctx.db.control.transaction() as conn:
        placed = await service.placed(conn, opened.principal, opened.dashboard.id)
    return await _shown(request, opened.principal, opened.dashboard, placed, public=True)


async def _shown(
    request: AnyRequest,
    principal: Principal,
    dashboard: Dashboard,
    placed: Sequence[Placed],
    *,
    public: bool = False,
    key: str | None = None,
) -> str:
    http.allow(request, _SECONDS)
    pairs = http.query(request)
    shown = await cards.cards_of(http.context(request), principal, placed, pairs, public=public)
    fields = cards.fields_of(placed, pairs, public=public)
    return rendering.dashboard(dashboard, shown, fields, key)


ROUTES = (show_dashboard, show_public_dashboard)
