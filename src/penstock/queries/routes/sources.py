"""HTTP for data sources as the dashboard dialect sees them (contract section 11): those of all apps, by number."""

from __future__ import annotations

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.kit import errors, http
from penstock.kit.http import AnyRequest
from penstock.queries.routes import shapes
from penstock.queries.routes.common import number_of
from penstock.queries.routes.saved import caller
from penstock.tables import numbered_source, numbered_sources


@get("/api/data_sources")
async def list_data_sources(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await numbered_sources(conn, principal)
    return http.json([shapes.source(one) for one in found])


@get("/api/data_sources/{source:str}")
async def read_data_source(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    number = number_of(http.segment(request, "source"))
    found = None
    if number is not None:
        async with http.context(request).db.control.transaction() as conn:
            found = await numbered_source(conn, principal, number)
    if found is None:
        raise errors.NotFound
    return http.json(shapes.source(found))


ROUTES = (list_data_sources, read_data_source)
