"""HTTP for how the schedule of a query goes, and for what is due."""

from __future__ import annotations

from typing import Any, Final

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.identity import Principal, Role
from penstock.kit import clock, errors, http
from penstock.kit.context import Context
from penstock.kit.http import AnyRequest
from penstock.queries.routes.common import moment, number_of
from penstock.queries.routes.saved import ONE, caller
from penstock.queries.routes.shapes import Shapes
from penstock.queries.schedules import store
from penstock.queries.schedules.rule import rule_of
from penstock.queries.schedules.store import Plan
from penstock.queries.service import saved as service
from penstock.queries.service.reasons import HIDDEN, may_see
from penstock.queries.store import run_of, saved

_MOST: Final = 1000


@get(f"{ONE}/schedule")
async def read_schedule(request: AnyRequest) -> ASGIResponse:
    """When it runs next, and how it went."""
    principal = await caller(request)
    query_id = number_of(http.segment(request, "query_id"))
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        seen = await service.find(conn, principal, query_id)
        plan = await store.find(conn, seen.query.id)
    shown = _shown(plan)
    if shown["error"] and not await _may_see_why(ctx, principal, seen, plan):
        shown["error"] = HIDDEN
    state = _state(plan, rule_of(seen.query.schedule) is not None)
    return http.json({"schedule": seen.query.schedule, "state": state, **shown})


def _state(plan: Plan | None, scheduled: bool) -> str:
    if plan is None:
        return "off"
    if plan.next_at is None:
        return "stopped" if scheduled and plan.error else "over"
    return "running" if plan.is_running else "waiting"


async def _may_see_why(ctx: Context, principal: Principal, seen: service.Seen, plan: Plan | None) -> bool:
    """An error of the database may quote rows: it is for who would get the same, besides the owner."""
    if service.is_own(principal, seen.query) and not principal.narrowed:
        return True
    if plan is None or (plan.next_at is None and plan.run_id is None):
        # It was stopped, which is no word of the database.
        return seen.can_edit
    if not seen.can_edit or plan.run_id is None:
        return False
    async with ctx.db.control.transaction() as conn:
        run = await run_of(conn, principal, plan.run_id)
    return run is not None and await may_see(ctx, principal, run)


def _shown(plan: Plan | None) -> dict[str, Any]:
    if plan is None:
        return {"next_at": None, "last_at": None, "failures": 0, "error": None, "job": None}
    ended_well = plan.run_id is not None and not plan.is_running and not plan.failed
    error = plan.run_error if plan.failed else plan.error
    return {
        "next_at": moment(plan.next_at),
        "last_at": moment(plan.attempted_at),
        "failures": 0 if ended_well else plan.failures + plan.failed,
        "error": None if ended_well else error,
        "job": None if plan.run_id is None else str(plan.run_id),
    }


@get("/api/admin/queries/outdated")
async def list_outdated_queries(request: AnyRequest) -> ASGIResponse:
    """Queries whose turn has come and that wait for a worker."""
    principal = await caller(request)
    _require_admin(principal)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        found = [
            await saved.find_query(conn, principal.org_id, query_id=query_id)
            for query_id in await store.outdated(conn, principal.org_id, _MOST)
        ]
    due = [query for query in found if query is not None]
    shapes = await Shapes.of(ctx, principal, due)
    shown = [shapes.listed(query) for query in due]
    return http.json({"queries": shown, "updated_at": moment(clock.now())})


def _require_admin(principal: Principal) -> None:
    if (principal.org_role or 0) < Role.ADMIN:
        raise errors.Forbidden


ROUTES = (read_schedule, list_outdated_queries)
