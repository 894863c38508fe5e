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
    """Of our own it is read anew each time; with `refresh`, so is that of a foreign one."""
    principal = await caller(request)
    number = number_of(http.segment(request, "source"))
    ctx = http.context(request)
    found = None
    if number is not None:
        async with ctx.db.control.transaction() as conn:
            found = await numbered_source(conn, principal, number)
    if found is None:
        raise errors.NotFound
    described = await tables_of(ctx, principal, found, fresh=_is_fresh(request))
    return http.json(
        {
            "schema": [
                {"name": one.name, "columns": [{"name": name, "type": kind} for name, kind in one.columns]}
                for one in described
            ]
        }
    )


def _is_fresh(request: AnyRequest) -> bool:
    return any(
        name == "refresh" and value.lower() not in ("false", "0") for name, value in http.query(request)
    )


ROUTES = (describe_data_source,)
