"""HTTP for what is on dashboards (contract section 9.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import delete, post
from litestar.response.base import ASGIResponse

from penstock.identity import Principal
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest
from penstock.queries.routes.common import (
    integer_of,
    null,
    number_of,
    object_body,
    object_of,
    text_of,
)
from penstock.queries.routes.dashboard_shapes import widgets as widget_shapes
from penstock.queries.routes.saved import caller
from penstock.queries.service import dashboards as service
from penstock.queries.service.dashboards import Placed

ALL: Final = "/api/widgets"
ONE: Final = f"{ALL}/{{widget:str}}"
_LONGEST: Final = 100_000
_WIDEST: Final = 100


@post(ALL, status_code=200)
async def create_widget(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    dashboard_id = integer_of(body, "dashboard_id")
    shown = None
    if body.get("visualization_id") is not None:
        shown = integer_of(body, "visualization_id")
    values: dict[str, Any] = {"text": "", "options": {}, **_changed(body), "visualization_id": shown}
    async with http.context(request).db.control.transaction() as conn:
        made = await service.add_widget(conn, principal, dashboard_id, values)
    return await _answer(request, principal, made)


@post(ONE, status_code=200)
async def update_widget(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    values = _changed(await object_body(request))
    async with http.context(request).db.control.transaction() as conn:
        changed = await service.change_widget(conn, principal, _number(request), values)
    return await _answer(request, principal, changed)


@delete(ONE, status_code=200)
async def delete_widget(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        await service.remove_widget(conn, principal, _number(request))
    return null()


async def _answer(request: AnyRequest, principal: Principal, placed: Placed) -> ASGIResponse:
    (shown,) = await widget_shapes(http.context(request), principal, [placed])
    return http.json(shown)


def _changed(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body changes; what nobody may change by it is passed over."""
    values: dict[str, Any] = {}
    if "text" in body:
        values["text"] = "" if body["text"] is None else text_of(body, "text", _LONGEST)
    if "options" in body:
        values["options"] = object_of(body, "options")
    if body.get("width") is not None:
        values["width"] = integer_of(body, "width")
        if not 0 <= values["width"] <= _WIDEST:
            raise errors.Invalid({"width": [f"It must be from 0 to {_WIDEST}."]})
    return values


def _number(request: AnyRequest) -> int | None:
    return number_of(http.segment(request, "widget"))


ROUTES = (create_widget, update_widget, delete_widget)
