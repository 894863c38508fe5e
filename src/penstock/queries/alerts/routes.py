"""HTTP for alerts and who is told of them (contract section 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock import identity, notifications
from penstock.identity import Principal, enveloped, page_or_first
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries.alerts import service, store
from penstock.queries.alerts.models import State, Subscription
from penstock.queries.alerts.options import read as read_options
from penstock.queries.alerts.service import Seen
from penstock.queries.routes.common import integer_of, moment, null, number_of, object_body, text_of
from penstock.queries.routes.saved import caller
from penstock.queries.routes.shapes import Shapes, person

_ALL: Final = "/api/alerts"
_ONE: Final = f"{_ALL}/{{alert:str}}"
_LONGEST: Final = 255
_MOST_REARM: Final = 10 * 366 * 86_400  # seconds
_UNSCHEDULED: Final = (
    "Its query has no schedule: it looks when somebody runs it who gets the same rows as its owner."
)


@get(_ALL)
async def list_alerts(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await service.listed(conn, principal)
    return http.json(await _shown(request, principal, found))


@post(_ALL, status_code=200)
async def create_alert(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    values = _changed(body)
    for name in ("name", "query_id", "options"):
        if name not in values:
            raise errors.Invalid({name: ["It is missing."]})
    made = await service.create(http.context(request), principal, values)
    return await _answer(request, principal, made)


@get(_ONE)
async def read_alert(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    return await _answer(request, principal, await _seen(request, principal))


@post(_ONE, status_code=200)
async def update_alert(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    seen = await _seen(request, principal)
    seen.require_edit()
    changed = await service.change(http.context(request), principal, seen, _changed(body))
    return await _answer(request, principal, changed)


@delete(_ONE, status_code=200)
async def delete_alert(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        await service.drop(conn, principal, await _found(request, conn, principal, lock=True))
    return null()


@post(f"{_ONE}/mute", status_code=200)
async def mute_alert(request: AnyRequest) -> ASGIResponse:
    return await _mute(request, muted=True)


@delete(f"{_ONE}/mute", status_code=200)
async def unmute_alert(request: AnyRequest) -> ASGIResponse:
    return await _mute(request, muted=False)


async def _mute(request: AnyRequest, *, muted: bool) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await _found(request, conn, principal, lock=True)
        await service.mute(conn, principal, found, muted=muted)
    return null()


@post(f"{_ONE}/eval", status_code=200)
async def evaluate_alert(request: AnyRequest) -> ASGIResponse:
    """Look at the newest rows now."""
    principal = await caller(request)
    await service.look_now(http.context(request), await _seen(request, principal))
    return null()


@get(f"{_ONE}/subscriptions")
async def list_subscriptions(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await _found(request, conn, principal)
        listed = await store.subscriptions(conn, found.alert.id)
        return http.json(await _subscriptions(conn, principal, listed))


@post(f"{_ONE}/subscriptions", status_code=200)
async def create_subscription(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    body = await object_body(request)
    destination_id = integer_of(body, "destination_id") if body.get("destination_id") is not None else None
    async with http.context(request).db.control.transaction() as conn:
        found = await _found(request, conn, principal, lock=True)
        made = await service.subscribe(conn, principal, found, destination_id)
        (shown,) = await _subscriptions(conn, principal, [made])
    return http.json(shown)


@delete(f"{_ONE}/subscriptions/{{subscription:str}}", status_code=200)
async def delete_subscription(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    number = number_of(http.segment(request, "subscription"))
    async with http.context(request).db.control.transaction() as conn:
        found = await _found(request, conn, principal)
        one = None
        if number is not None:
            one = await store.find_subscription(conn, found.alert.id, number)
        if one is None:
            raise errors.NotFound
        await service.unsubscribe(conn, principal, found, one)
    return null()


@get(f"{_ONE}/deliveries")
async def list_alert_deliveries(request: AnyRequest) -> ASGIResponse:
    """What was sent of it, to whom, and whether it arrived; newest first."""
    principal = await caller(request)
    page = page_or_first(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await _found(request, conn, principal)
        found.require_edit()
        total, sent = await notifications.messages(conn, principal.org_id, page, about=found.alert.about)
    return http.json(enveloped(request, page, total, [notifications.SentOut.of(one) for one in sent]))


async def _seen(request: AnyRequest, principal: Principal) -> Seen:
    async with http.context(request).db.control.transaction() as conn:
        return await _found(request, conn, principal)


async def _found(request: AnyRequest, conn: Connection, principal: Principal, *, lock: bool = False) -> Seen:
    return await service.find(conn, principal, number_of(http.segment(request, "alert")), lock=lock)


def _changed(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body sets; what else clients send back is passed over."""
    values: dict[str, Any] = {}
    if "name" in body:
        values["name"] = text_of(body, "name", _LONGEST)
    if "query_id" in body:
        values["query_id"] = integer_of(body, "query_id")
    if "options" in body:
        values["options"] = read_options(body["options"])
    if "rearm" in body:
        values["rearm"] = _rearm(body)
    return values


def _rearm(body: Mapping[str, Any]) -> int | None:
    if body["rearm"] is None:
        return None
    found = integer_of(body, "rearm")
    if not 0 <= found <= _MOST_REARM:
        raise errors.Invalid({"rearm": [f"It must be null or 0 to {_MOST_REARM} seconds."]})
    return found


async def _answer(request: AnyRequest, principal: Principal, seen: Seen) -> ASGIResponse:
    (shown,) = await _shown(request, principal, [seen])
    return http.json(shown)


async def _shown(request: AnyRequest, principal: Principal, found: Sequence[Seen]) -> list[dict[str, Any]]:
    ctx = http.context(request)
    queries = {one.query.id: one.query for one in found}
    shapes = await Shapes.of(ctx, principal, list(queries.values()))
    listed = {query_id: shapes.listed(query) for query_id, query in queries.items()}
    ids = sorted({one.alert.user_id for one in found if one.alert.user_id is not None})
    async with ctx.db.control.transaction() as conn:
        people = await identity.members_by_id(conn, principal.org_id, ids)
    shown: list[dict[str, Any]] = []
    for one in found:
        owner = people.get(one.alert.user_id or 0)
        whole = await service.may_see_state(ctx, principal, one.alert)
        shown.append(
            {
                **_object(one, whole),
                "query": listed[one.query.id],
                "user": person(owner) if owner is not None else None,
            }
        )
    return shown


def _object(seen: Seen, whole: bool) -> dict[str, Any]:
    """The state is told from rows, and shown to who would get the same."""
    alert = seen.alert
    return {
        "id": alert.id,
        "name": alert.name,
        "options": {"muted": False, **alert.options},
        "state": (alert.state if whole else State.UNKNOWN).value,
        "last_triggered_at": moment(alert.last_triggered_at) if whole else None,
        "updated_at": moment(alert.updated_at),
        "created_at": moment(alert.created_at),
        "rearm": alert.rearm,
        "value": alert.value if whole else None,
        "reason": alert.reason if whole and seen.can_edit else None,
        "evaluated_at": moment(alert.evaluated_at) if whole else None,
        "note": None if seen.query.schedule is not None else _UNSCHEDULED,
    }


async def _subscriptions(
    conn: Connection, principal: Principal, listed: Sequence[Subscription]
) -> list[dict[str, Any]]:
    users = sorted({one.user_id for one in listed if one.user_id is not None})
    people = await identity.members_by_id(conn, principal.org_id, users)
    ids = sorted({one.destination_id for one in listed if one.destination_id is not None})
    places = await notifications.destinations_by_id(conn, principal.org_id, ids)
    shown: list[dict[str, Any]] = []
    for one in listed:
        owner = people.get(one.user_id or 0)
        entry: dict[str, Any] = {
            "id": one.id,
            "alert_id": one.alert_id,
            "user": person(owner) if owner is not None else None,
        }
        if one.destination_id in places:
            place = places[one.destination_id]
            entry["destination"] = {"id": place.id, "name": place.name, "type": place.type}
        shown.append(entry)
    return shown


ROUTES = (
    list_alerts,
    create_alert,
    read_alert,
    update_alert,
    delete_alert,
    mute_alert,
    unmute_alert,
    evaluate_alert,
    list_subscriptions,
    create_subscription,
    delete_subscription,
    list_alert_deliveries,
)
