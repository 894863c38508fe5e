"""A request that was planned with a definition that has changed since is planned anew, instead of failing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

import asyncpg
from litestar.response.base import ASGIResponse

from penstock.identity import authenticate
from penstock.kit import errors, http
from penstock.tables.catalog import Catalog, Table

Handler = Callable[[http.AnyRequest], Awaitable[ASGIResponse]]
# How often one request may meet a change.
_CHANGES = 3
_PLANNED = "penstock.planned"


def planned(request: http.AnyRequest, table: Table) -> None:
    """Remember with which definition a request goes on."""
    request.scope["state"][_PLANNED] = table


def replanned(handler: Handler) -> Handler:
    """Have a handler start again when its table changed under it. Its body must be in memory, and nothing sent yet."""

    @wraps(handler)
    async def handle(request: http.AnyRequest) -> ASGIResponse:
        for _ in range(_CHANGES):
            try:
                return await handler(request)
            except errors.Outdated:
                await _forget(request)
            except errors.BadRequest as error:
                # A value of the old type, says the driver or the database; or simply a bad one.
                if not isinstance(error.__cause__, asyncpg.DataError) or not await _is_outdated(request):
                    raise
        return await handler(request)

    return handle


async def _forget(request: http.AnyRequest) -> None:
    ctx = http.context(request)
    principal = await authenticate(ctx, request.scope)
    Catalog.of(ctx).forget(principal.org_id)


async def _is_outdated(request: http.AnyRequest) -> bool:
    table: Table | None = request.scope["state"].get(_PLANNED)
    if table is None:
        return False
    org_id = (await authenticate(http.context(request), request.scope)).org_id
    fresh = await Catalog.of(http.context(request)).load(org_id, table.app_slug, table.name)
    return fresh.definition.schema_hash != table.definition.schema_hash
