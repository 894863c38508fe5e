"""HTTP for visualizations (contract section 9.3): their definitions, and what they show as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.kit.http import AnyRequest
from penstock.queries.charts import pictures
from penstock.queries.charts.drawing import Drawing
from penstock.queries.routes import shapes
from penstock.queries.routes.common import (
    LONGEST_NAME,
    integer_of,
    null,
    number_of,
    object_body,
    object_of,
    text_of,
)
from penstock.queries.routes.saved import caller
from penstock.queries.service import visualizations as service
from penstock.queries.service.addressed import values_shown
from penstock.queries.service.asking import stored

ALL: Final = "/api/visualizations"
ONE: Final = f"{ALL}/{{visualization:str}}"
_LONGEST_TYPE: Final = 60
_FORMATS: Final = ("json", "svg", "png")
_SIZES: Final = (80, 4000)
# A picture can hold nothing that runs, wherever it is opened.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@post(ALL, status_code=200)
async def create_visualization(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    values: dict[str, Any] = {
        "options": {},
        **_changed({"type": body.get("type"), "name": body.get("name"), **body}),
    }
    query_id = integer_of(body, "query_id")
    async with http.context(request).db.control.transaction() as conn:
        made = await service.create(conn, principal, query_id, values)
    return http.json(shapes.visualization(made))


@post(ONE, status_code=200)
async def update_visualization(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    values = _changed(await object_body(request))
    async with http.context(request).db.control.transaction() as conn:
        changed = await service.change(conn, principal, _number(request), values)
    return http.json(shapes.visualization(changed))


@delete(ONE, status_code=200)
async def delete_visualization(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        await service.remove(conn, principal, _number(request))
    return null()


@get(ONE)
async def read_visualization(request: AnyRequest) -> ASGIResponse:
    """By its id; or, as `7.svg`, `7.png` and `7.json`, what it shows of the newest stored rows."""
    principal = await caller(request)
    name, dot, form = http.segment(request, "visualization").partition(".")
    if dot and form not in _FORMATS:
        raise errors.NotFound(
            f"Visualizations are not written as '{form[:20]}'.",
            hint=f"The formats are {', '.join(_FORMATS)}.",
        )
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        found, seen = await service.find_visualization(conn, principal, number_of(name))
    if not dot:
        return http.json({**shapes.visualization(found), "query_id": found.query_id})
    pairs = http.query(request)
    given = dict(pairs)
    width, height = (_size(given, side, otherwise) for side, otherwise in _STANDARD)
    wanted = seen.query.request(values_shown(seen.query, pairs))
    result = await stored(ctx, principal, wanted, seen.query.id)
    if result is None:
        raise errors.NotFound("No cached result found for this query.", hint="Run the query first.")
    document = await pictures.document(ctx, found, result, width, height)
    return await _answer(request, ctx, document, form, _scale(given))


_STANDARD: Final = (("width", pictures.WIDTH), ("height", pictures.HEIGHT))


async def _answer(
    request: AnyRequest, ctx: Context, document: Mapping[str, Any], form: str, scale: float
) -> ASGIResponse:
    if form == "json":
        return http.json(document)
    picture = await ctx.get(Drawing).picture(dict(document), form, scale)
    tag = http.etag(picture)
    headers = {"ETag": tag, "Cache-Control": "private,no-cache", "Content-Security-Policy": _POLICY}
    if http.not_modified(request, tag):
        return ASGIResponse(status_code=304, headers=headers)
    kind = "image/svg+xml" if form == "svg" else "image/png"
    return ASGIResponse(body=picture, media_type=kind, headers=headers)


def _size(given: Mapping[str, str], side: str, otherwise: int) -> int:
    least, most = _SIZES
    number = number_of(given.get(side, str(otherwise)))
    if number is None or not least <= number <= most:
        raise errors.BadRequest(f"`{side}` is a number of pixels from {least} to {most:,}.")
    return number


def _scale(given: Mapping[str, str]) -> float:
    try:
        scale = float(given.get("scale", "1"))
    except ValueError:
        scale = 0.0
    if not 0.1 <= scale <= 4:
        raise errors.BadRequest("`scale` is a number from 0.1 to 4.")
    return scale


def _changed(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body changes; what nobody may change by it is passed over."""
    values: dict[str, Any] = {}
    for name, longest in (("type", _LONGEST_TYPE), ("name", LONGEST_NAME)):
        if name in body:
            values[name] = text_of(body, name, longest)
    if "description" in body:
        values["description"] = None if body["description"] is None else text_of(body, "description")
    if "options" in body:
        values["options"] = object_of(body, "options")
    return values


def _number(request: AnyRequest) -> int | None:
    return number_of(http.segment(request, "visualization"))


ROUTES = (create_visualization, read_visualization, update_visualization, delete_visualization)
