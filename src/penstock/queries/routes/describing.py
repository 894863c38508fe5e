"""HTTP for what data sources have (contract section 11)."""

from __future__ import annotations

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.kit import errors, http
from penstock.kit.http import AnyRequest
from penstock.queries.routes.common import number_of
from penstock.queries.routes.saved import caller
from penstock.queries.service.describing import tables_of
from penstock.tables import numbered_source


@get("/api/data_sources/{source:str}/schema")
async def describe_data_source(request: AnyRequest) -> ASGIResponse:
    """Read anew each time, so that `refresh` asks for nothing more."""
    principal = await caller(request)
    number = number_of(http.segment(request, "source"))
    ctx = http.context(request)
    found = None
    if number is not None:
        async with ctx.db.control.transaction() as conn:
            found = await numbered_source(conn, principal, number)
    if found is None:
        raise errors.NotFound
    described = await tables_of(ctx, principal, found)
    return http.json(
        {
            "schema": [
                {"name": one.name, "columns": [{"name": name, "type": kind} for name, kind in one.columns]}
                for one in described
            ]
        }
    )


ROUTES = (describe_data_source,)
