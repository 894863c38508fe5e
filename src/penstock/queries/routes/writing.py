"""HTTP for who writes queries: what a parameter may be that goes by another query, and SQL laid out."""

from __future__ import annotations

import asyncio

from litestar import get, post
from litestar.response.base import ASGIResponse

from penstock.kit import errors, http
from penstock.kit.http import AnyRequest
from penstock.queries.layout import laid_out
from penstock.queries.routes.common import number_of, object_body, text_of
from penstock.queries.routes.saved import ALL, ONE, caller, query_number, reader
from penstock.queries.service import saved as service
from penstock.queries.service.choices import Choice, choices, linked_by


@get(f"{ONE}/dropdown")
async def list_choices(request: AnyRequest) -> ASGIResponse:
    """What a query offers parameters that go by it."""
    principal = await reader(request)
    found = await choices(http.context(request), principal, query_number(request))
    return _answer(found)


@get(f"{ONE}/dropdowns/{{linked:str}}")
async def list_linked_choices(request: AnyRequest) -> ASGIResponse:
    """What another query offers parameters of this one."""
    principal = await reader(request)
    ctx = http.context(request)
    linked = number_of(http.segment(request, "linked"))
    async with ctx.db.control.transaction() as conn:
        seen = await service.find(conn, principal, query_number(request))
    used = linked is not None and any(
        one.get("type") == "query" and linked_by(one) == linked for one in seen.query.definitions
    )
    if not used and principal.bound is not None:
        raise errors.NotFound
    return _answer(await choices(ctx, principal, linked, by=seen.query.id if used else None))


def _answer(found: list[Choice]) -> ASGIResponse:
    return http.json([{"name": one.name, "value": one.value} for one in found])


@post(f"{ALL}/format", status_code=200)
async def format_query(request: AnyRequest) -> ASGIResponse:
    await caller(request)
    text = text_of(await object_body(request), "query", 100_000)
    return http.json({"query": await asyncio.to_thread(laid_out, text)})


ROUTES = (list_choices, list_linked_choices, format_query)
