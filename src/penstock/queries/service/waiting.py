"""Asking and waiting: for who wants rows, and not a job to come back for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from penstock.identity import Principal
from penstock.kit.context import Context
from penstock.kit.jobs import RunState
from penstock.queries import store
from penstock.queries.results.models import Result
from penstock.queries.run.request import QueryRequest
from penstock.queries.service.asking import ask
from penstock.queries.service.authorizing import Readers
from penstock.queries.service.runs import ended, result_of

CANCELLED: Final = "Query cancelled by user."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: a result, or the sentence on why there is none; neither while it still runs."""

    result: Result | None = None
    error: str | None = None
    cancelled: bool = False


async def run(
    ctx: Context,
    principal: Principal,
    request: QueryRequest,
    *,
    max_age: float | None,
    seconds: float,
    query_id: int | None = None,
) -> Outcome:
    """The result that `ask` gives, or that of the run, when this ends within so many seconds."""
    readers = ctx.get(Readers)
    generation = readers.generation
    answer = await ask(ctx, principal, request, max_age=max_age, query_id=query_id)
    if answer.result is not None:
        readers.keep(generation, principal, request, answer.result.fingerprint)
        return Outcome(answer.result)
    assert answer.run_id is not None
    view = await ended(ctx, principal.org_id, answer.run_id, seconds)
    result_id = result_of(view)
    if result_id is not None:
        async with ctx.db.control.transaction() as conn:
            found = await store.result(conn, principal.org_id, result_id)
        if found is not None:
            return Outcome(found)
    if view.finished_at is None:
        return Outcome()
    if view.state in (RunState.CANCELLED, RunState.ABORTED):
        return Outcome(error=CANCELLED, cancelled=True)
    return Outcome(error=view.error or "It failed without a reason.")


async def reread(ctx: Context, principal: Principal, request: QueryRequest) -> Result | None:
    """The newest result for who asked a moment ago and reads on; None when it was longer ago.

    Nothing is parsed again.
    """
    fingerprint = ctx.get(Readers).fingerprint(principal, request)
    if fingerprint is None:
        return None
    async with ctx.db.control.transaction() as conn:
        return await store.newest(conn, principal.org_id, fingerprint)
