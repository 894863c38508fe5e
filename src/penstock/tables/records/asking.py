"""HTTP for asking what one may do, with a table or with one of its records."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.identity import Role
from penstock.kit import errors, http
from penstock.kit.filters import EVERYTHING, conjunction
from penstock.tables import access
from penstock.tables.records.allowed import ACTIONS, writable_by
from penstock.tables.records.call import Call, enter, only, reading
from penstock.tables.records.plan import DetailPlan, plan_detail
from penstock.tables.records.replan import replanned
from penstock.tables.records.request import DetailRequest
from penstock.tables.rules.language import NOTHING

TABLE = "/api/apps/{app:str}/datatables/{table:str}/allowed_actions"
RECORD = "/api/apps/{app:str}/datatables/{table:str}/data/{key:str}/allowed_actions"


@get(TABLE)
@replanned
async def actions_on_table(request: http.AnyRequest) -> ASGIResponse:
    """`create` is there when some record may be made, `update` and `delete` when some record may be written."""
    call = await enter(request, "record.read")
    only(request, "api_key")
    role = access.role_on(call.principal, call.table.definition) or Role.COLLABORATOR
    writes = writable_by(call.table, call.principal) != NOTHING
    found = ["read", *(("create", "update", "delete") if writes else ())]
    if role >= Role.ADMIN:
        found.append("alter")
    return http.json({"allowed_actions": found})


@get(RECORD)
@replanned
async def actions_on_record(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.read")
    only(request, "api_key")
    key = call.table.schema.primary_key
    plan = plan_detail(DetailRequest(key), call.key, call.table, call.grant)
    records = await reading(call)
    await records.get_record(plan)
    return http.json({"allowed_actions": list(ACTIONS if await _is_writable(call, plan) else ACTIONS[:1])})


async def _is_writable(call: Call, plan: DetailPlan) -> bool:
    writable = writable_by(call.table, call.principal)
    if writable in (EVERYTHING, NOTHING):
        return writable == EVERYTHING
    within = DetailPlan(plan.table, conjunction([plan.key, writable]), plan.fields)
    try:
        await (await reading(call)).get_record(within)
    except errors.NotFound:
        return False
    return True


ROUTES: tuple[Any, ...] = (actions_on_table, actions_on_record)
