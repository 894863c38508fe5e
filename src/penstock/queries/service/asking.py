"""Asking: the result that is there already, or a run that makes one."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from penstock.identity import Principal
from penstock.kit import jobs
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries import store
from penstock.queries.models import AuthorizedQuery
from penstock.queries.results.models import Result
from penstock.queries.run.request import QueryRequest
from penstock.queries.service.authorizing import authorized
from penstock.queries.service.choices import choices
from penstock.queries.service.runs import RUN_QUERY, Asked
from penstock.queries.service.values import OPTIONS, settled


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the two: a result, or the run that is on its way to one."""

    result: Result | None = None
    run_id: int | None = None


async def ask(
    ctx: Context,
    principal: Principal,
    request: QueryRequest,
    *,
    max_age: float | None,
    query_id: int | None = None,
) -> Answer:
    """The newest result that is not older than `max_age` seconds (None: however old), else a run.

    `max_age` 0 takes no result that is there, and joins no run either.
    """
    request = await _settled(ctx, principal, request)
    query = await authorized(ctx, principal, request)
    async with ctx.db.control.transaction() as conn:
        if max_age is None or max_age > 0:
            found = await store.newest(conn, query.org_id, query.fingerprint, max_age)
            if found is not None:
                return Answer(result=found)
            run_id = await store.joinable(conn, query.org_id, query.fingerprint)
            if run_id is not None:
                return Answer(run_id=run_id)
        return Answer(run_id=await _defer(conn, principal, request, query, query_id))


async def _settled(ctx: Context, principal: Principal, request: QueryRequest) -> QueryRequest:
    """What is asked at this moment: dates as they are now, and the choices that other queries give as they are."""
    if not request.definitions:
        return request
    definitions = [
        {**one, OPTIONS: await choices(ctx, principal, one)} if one.get("type") == "query" else one
        for one in request.definitions
    ]
    values = settled(request.values, definitions, "UTC")
    return msgspec.structs.replace(request, definitions=definitions, values=values)


async def _defer(
    conn: Connection,
    principal: Principal,
    request: QueryRequest,
    query: AuthorizedQuery,
    query_id: int | None,
) -> int:
    payload = Asked(request=request, user_id=principal.user_id, key_id=principal.key_id, query_id=query_id)
    run_id = await jobs.defer(conn, RUN_QUERY, payload, org_id=principal.org_id)
    await store.add_run(conn, principal, run_id, query.fingerprint, request.data_source_id, query_id)
    return run_id
