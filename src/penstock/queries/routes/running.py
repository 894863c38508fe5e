"""HTTP for running queries and for their runs (contract section 5): a result that is there, or a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock.identity import Principal, Role
from penstock.kit import errors, http, jobs
from penstock.kit.context import Context
from penstock.kit.http import AnyRequest
from penstock.kit.jobs import RunState, RunView
from penstock.queries import store
from penstock.queries.access import ACTIONS, role_at
from penstock.queries.routes import explorer
from penstock.queries.routes.common import (
    in_job,
    integer_of,
    moment,
    null,
    number_of,
    object_body,
    seconds_of,
    text_of,
)
from penstock.queries.routes.files import answer_result
from penstock.queries.routes.saved import ONE, caller, is_slug, person, reader
from penstock.queries.run.request import QueryRequest
from penstock.queries.service import saved as service
from penstock.queries.service.addressed import values_of
from penstock.queries.service.asking import Answer, ask
from penstock.queries.service.authorizing import is_safe
from penstock.queries.service.bound import within
from penstock.queries.service.reasons import HIDDEN, may_see
from penstock.queries.service.runs import result_of
from penstock.tables import NumberedSource, numbered_source

_STATES: Final = {
    RunState.TODO: 1,
    RunState.DOING: 2,
    RunState.SUCCEEDED: 3,
    RunState.FAILED: 4,
    RunState.CANCELLED: 5,
    RunState.ABORTED: 5,
}
_CANCELLED: Final = "Query cancelled by user."
_NO_ACCESS: Final = "You do not have permission to run queries with this data source."
_UNSAFE: Final = (
    "This query contains potentially unsafe parameters and cannot be executed with read-only access to this "
    "data source."
)
_UNSAFE_SHARED: Final = (
    "This query contains potentially unsafe parameters and cannot be executed on a shared dashboard or an embedded "
    "visualization."
)
_NO_SOURCE: Final = "Please select data source to run this query."
_GONE: Final = "Target data source not available."


@post("/api/query_results", status_code=200)
async def run_text(request: AnyRequest) -> ASGIResponse:
    """SQL of the moment."""
    principal = await caller(request)
    body = await object_body(request)
    text = text_of(body, "query")
    if body.get("data_source_id") is None:
        raise in_job(errors.BadRequest(_NO_SOURCE))
    source_id = integer_of(body, "data_source_id")
    ctx = http.context(request)
    source = await _source(ctx, principal, source_id)
    if (role_at(principal, source) or 0) < ACTIONS["query.run"]:
        raise in_job(errors.Forbidden(_NO_ACCESS))
    wanted = QueryRequest(
        text=text,
        data_source_id=source_id,
        values=_values(request, body, ()),
        limited=_flag(body, "apply_auto_limit"),
    )
    return await _run(request, principal, wanted, seconds_of(body), None)


@post(f"{ONE}/results", status_code=200)
async def run_query(request: AnyRequest) -> ASGIResponse:
    """A saved query."""
    if is_slug(http.segment(request, "query_id")):
        await explorer.refuse_run(request)
    principal = await reader(request)
    body = await object_body(request)
    seen = await _runnable(request, principal)
    limited = _flag(body, "apply_auto_limit") if "apply_auto_limit" in body else None
    values = _values(request, body, seen.query.definitions)
    wanted = seen.query.request(values, limited=limited)
    return await _run(request, principal, wanted, seconds_of(body), seen.query.id)


@post(f"{ONE}/refresh", status_code=200)
async def refresh_query(request: AnyRequest) -> ASGIResponse:
    """Run it, whatever there is."""
    principal = await person(request)
    seen = await _runnable(request, principal)
    if (role_at(principal, seen.source) or 0) < ACTIONS["query.run"]:
        raise in_job(errors.Forbidden(_NO_ACCESS))
    values = _values(request, {}, seen.query.definitions)
    return await _run(request, principal, seen.query.request(values), 0.0, seen.query.id)


async def _runnable(request: AnyRequest, principal: Principal) -> service.Seen:
    """The query, for who may run it: a safe one whoever sees it, any other who has full access."""
    async with http.context(request).db.control.transaction() as conn:
        seen = await service.find(conn, principal, number_of(http.segment(request, "query_id")))
    if seen.query.data_source_id is None and seen.query.slug is None:
        raise in_job(errors.BadRequest(_GONE))
    shared = principal.bound is not None
    full = not shared and (role_at(principal, seen.source) or 0) >= ACTIONS["query.run"]
    if not full and not is_safe(seen.query):
        raise in_job(errors.Forbidden(_UNSAFE_SHARED if shared else _UNSAFE))
    return seen


async def _source(ctx: Context, principal: Principal, source_id: int) -> NumberedSource:
    async with ctx.db.control.transaction() as conn:
        found = await numbered_source(conn, principal, source_id)
    if found is None:
        raise in_job(errors.BadRequest(_GONE))
    return found


async def _run(
    request: AnyRequest,
    principal: Principal,
    wanted: QueryRequest,
    max_age: float | None,
    query_id: int | None,
) -> ASGIResponse:
    ctx = http.context(request)
    try:
        answer: Answer = await ask(ctx, principal, wanted, max_age=max_age, query_id=query_id)
    except (errors.BadRequest, errors.Forbidden, errors.NotFound) as error:
        raise in_job(error) from error
    if answer.result is not None:
        return await answer_result(request, principal, answer.result)
    assert answer.run_id is not None
    return await _answer_job(ctx, principal, answer.run_id)


def _flag(body: Mapping[str, Any], name: str) -> bool:
    return bool(body.get(name, False))


def _values(request: AnyRequest, body: Mapping[str, Any], definitions: Any) -> dict[str, Any]:
    """The values of parameters: those of the body, else those that the address has as `p_<name>`."""
    given = body.get("parameters")
    if given is None:
        return values_of(http.query(request), definitions)
    if not isinstance(given, dict):
        raise errors.Invalid({"parameters": ["It must be an object."]})
    return cast("dict[str, Any]", given)


@get("/api/jobs/{job:str}")
async def read_job(request: AnyRequest) -> ASGIResponse:
    return await _read_job(request, await caller(request))


@get(f"{ONE}/jobs/{{job:str}}")
async def read_query_job(request: AnyRequest) -> ASGIResponse:
    return await _read_job(request, await reader(request))


@delete("/api/jobs/{job:str}", status_code=200)
async def cancel_job(request: AnyRequest) -> ASGIResponse:
    return await _cancel_job(request, await caller(request))


@delete(f"{ONE}/jobs/{{job:str}}", status_code=200)
async def cancel_query_job(request: AnyRequest) -> ASGIResponse:
    return await _cancel_job(request, await person(request))


async def _read_job(request: AnyRequest, principal: Principal) -> ASGIResponse:
    ctx = http.context(request)
    stored = await _stored(request, principal)
    return await _answer_job(ctx, principal, stored.run_id, stored)


async def _cancel_job(request: AnyRequest, principal: Principal) -> ASGIResponse:
    """Who asked for it, and is not the only one who waits, leaves it to the others."""
    stored = await _stored(request, principal)
    async with http.context(request).db.control.transaction() as conn:
        await store.lock_fingerprint(conn, principal.org_id, stored.fingerprint)
        asked = stored.is_joined or _is_own(principal, stored)
        if asked and await store.others_wait(conn, principal, stored.run_id):
            await store.leave_run(conn, principal, stored.run_id)
        else:
            await jobs.cancel(conn, stored.run_id, org_id=principal.org_id)
    return null()


async def _stored(request: AnyRequest, principal: Principal) -> store.Stored:
    """A run that concerns the caller: they asked for it, or have full access to its data source."""
    run_id = number_of(http.segment(request, "job"))
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        found = None if run_id is None else await store.run_of(conn, principal, run_id)
        if found is None or not _belongs(request, found):
            raise errors.NotFound("Job not found.")
        if principal.bound is not None:
            if found.query_id is None or not await within(conn, principal, found.query_id):
                raise errors.NotFound("Job not found.")
            return found
        if found.is_joined or _is_own(principal, found) or (principal.org_role or 0) >= Role.ADMIN:
            return found
        source = None
        if found.data_source_id is not None:
            source = await numbered_source(conn, principal, found.data_source_id)
    if source is None or (role_at(principal, source) or 0) < ACTIONS["query.run"]:
        raise errors.NotFound("Job not found.")
    return found


def _belongs(request: AnyRequest, found: store.Stored) -> bool:
    """A run that is named below a query must be of it."""
    query = request.path_params.get("query_id")
    return query is None or number_of(str(query)) == found.query_id


def _is_own(principal: Principal, found: store.Stored) -> bool:
    if principal.user_id is not None:
        return found.user_id == principal.user_id
    return found.user_id is None and found.key_id == principal.key_id


async def _answer_job(
    ctx: Context, principal: Principal, run_id: int, stored: store.Stored | None = None
) -> ASGIResponse:
    """`stored`, where somebody else may have asked."""
    async with ctx.db.control.transaction() as conn:
        view = await jobs.find(conn, run_id, org_id=principal.org_id)
        if view is None:
            raise errors.NotFound("Job not found.")
        waiting = await store.position(conn, run_id) if view.state is RunState.TODO else None
    if stored is not None and stored.is_left:
        # For who has left it, it is over, whatever becomes of it for the others.
        view = replace(view, state=RunState.CANCELLED, result=None)
    shown = _job(view, waiting)
    if shown["status"] == 4 and stored is not None and not await may_see(ctx, principal, stored):
        shown["error"] = HIDDEN
    # One published client looks for the result beside the job.
    return http.json({"job": shown, "query_result_id": shown["query_result_id"]})


def _job(view: RunView, waiting: int | None) -> dict[str, Any]:
    state = _STATES[view.state]
    result_id = result_of(view)
    shown: dict[str, Any] = {
        "id": str(view.id),
        "updated_at": moment(view.started_at) or 0,
        "status": state,
        "error": (view.error or "It failed without a reason.") if state == 4 else "",
        "result": result_id,
        "query_result_id": result_id,
        "rows": view.done,
    }
    if state == 5:
        shown["error"] = _CANCELLED
    if waiting is not None:
        shown["queue_position"] = waiting
    return shown


ROUTES = (
    run_text,
    run_query,
    refresh_query,
    read_job,
    read_query_job,
    cancel_job,
    cancel_query_job,
)
