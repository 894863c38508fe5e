"""Asking: the result that is there already, or a run that makes one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from penstock.identity import Principal
from penstock.kit import clock, errors, jobs
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries import store
from penstock.queries.loading import load_for_reading
from penstock.queries.models import AuthorizedQuery
from penstock.queries.results.models import Result
from penstock.queries.run.request import QueryRequest
from penstock.queries.service import bound
from penstock.queries.service.authorizing import authorized
from penstock.queries.service.choices import with_choices
from penstock.queries.service.runs import RUN_QUERY, Asked


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the two: a result, or the run that is on its way to one."""

    result: Result | None = None
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A question as it is at this moment, and what its asker may have run of it."""

    principal: Principal
    request: QueryRequest
    query: AuthorizedQuery
    at: datetime


async def ready(
    ctx: Context,
    principal: Principal,
    request: QueryRequest,
    at: datetime | None = None,
    *,
    query_id: int | None = None,
) -> Ready:
    """`at` is the moment of asking, if not now; `query_id` the saved query that is asked.

    Raises `BadRequest` for what cannot be read, `NotFound` for a source that the asker does not see, and `Forbidden`
    for what the key of a query may not ask.
    """
    moment = at or clock.now()
    request = await with_choices(ctx, principal, request, moment, query_id)
    await bound.require(ctx, principal, query_id, request)
    return Ready(principal, request, await authorized(ctx, principal, request), moment)


async def start(conn: Connection, wanted: Ready, query_id: int | None, *, join: bool) -> int:
    """A run of it: one that is under way, if that may be joined, or a new one.

    Raises `BadRequest` while its data source is paused.
    """
    run_id = None
    if join:
        run_id = await store.joinable(conn, wanted.query.org_id, wanted.query.fingerprint)
        if run_id is not None:
            await store.join_run(conn, wanted.principal, run_id)
    if run_id is None and wanted.query.paused is not None:
        raise errors.BadRequest(wanted.query.paused)
    return run_id or await _defer(conn, wanted, query_id)


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
    wanted = await ready(ctx, principal, request, query_id=query_id)
    fresh = max_age is not None and max_age <= 0
    async with ctx.db.control.transaction() as conn:
        if not fresh:
            found = await store.newest(conn, wanted.query.org_id, wanted.query.fingerprint, max_age)
            if found is not None:
                return Answer(result=found)
        return Answer(run_id=await start(conn, wanted, query_id, join=not fresh))


async def stored(
    ctx: Context, principal: Principal, request: QueryRequest, query_id: int | None
) -> Result | None:
    """The newest result that is there for the caller; nothing is run. Raises as `ask`."""
    wanted = await ready(ctx, principal, request, query_id=query_id)
    async with ctx.db.control.transaction() as conn:
        return await store.newest(conn, wanted.query.org_id, wanted.query.fingerprint)


async def _defer(conn: Connection, wanted: Ready, query_id: int | None) -> int:
    principal, request = wanted.principal, wanted.request
    load_for_reading()
    payload = Asked(
        request=request,
        user_id=principal.user_id,
        key_id=principal.key_id,
        query_id=query_id,
        at=wanted.at,
    )
    run_id = await jobs.defer(conn, RUN_QUERY, payload, org_id=principal.org_id)
    await store.add_run(conn, principal, run_id, wanted.query.fingerprint, request.data_source_id, query_id)
    return run_id
