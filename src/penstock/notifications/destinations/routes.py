"""HTTP for destinations, in the manner of the dashboard dialect, and for what was sent to them."""

from __future__ import annotations

from typing import Any

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.response.base import ASGIResponse

from penstock.identity import (
    Caller,
    Conn,
    Grant,
    Principal,
    body,
    enveloped,
    page_or_first,
    principal,
    resource_id,
    transaction,
)
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.notifications.destinations import service, store
from penstock.notifications.destinations.access import authorize
from penstock.notifications.destinations.kinds import KINDS
from penstock.notifications.destinations.models import MASK, Destination
from penstock.notifications.destinations.schemas import DestinationIn, SentOut
from penstock.notifications.models import DeliveryState

_ALL = "/api/destinations"
_ONE = f"{_ALL}/{{destination:str}}"


@get(_ALL)
async def list_destinations(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """For whoever may subscribe one to an alert."""
    grant = authorize(principal, "destination.list")
    return http.json([_listed(one) for one in await store.listed(conn, grant.org_id)])


@get(f"{_ALL}/types")
async def list_types(request: AnyRequest, principal: Caller) -> ASGIResponse:
    authorize(principal, "destination.read")
    return http.json(
        [
            {"name": kind.name, "type": kind.type, "icon": kind.icon, "configuration_schema": kind.schema}
            for kind in KINDS.values()
        ]
    )


@post(_ALL, status_code=200)
async def create_destination(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    grant = authorize(principal, "destination.create")
    made, secret = await service.create(
        conn, grant, http.context(request).keys.encryption, await _body(request)
    )
    return http.json(_whole(made) if secret is None else {**_whole(made), "secret": secret})


@get(_ONE)
async def read_destination(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    _, found = await _found(request, conn, principal, "destination.read")
    return http.json(_whole(found))


@post(_ONE, status_code=200)
async def update_destination(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    grant, found = await _found(request, conn, principal, "destination.alter", lock=True)
    ring = http.context(request).keys.encryption
    return http.json(_whole(await service.change(conn, grant, ring, found, await _body(request))))


@delete(_ONE, status_code=200)
async def delete_destination(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    grant, found = await _found(request, conn, principal, "destination.delete", lock=True)
    await service.remove(conn, grant, found)
    return http.empty()


@post(f"{_ONE}/test", status_code=200)
async def test_destination(request: AnyRequest, principal: Caller) -> ASGIResponse:
    """Send it a message, now; what goes wrong is the answer."""
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        _, found = await _found(request, conn, principal, "destination.test")
    trouble = await service.try_out(ctx, found)
    return http.json({"ok": trouble is None, "message": trouble or "success"})


@get(f"{_ONE}/deliveries")
async def list_destination_deliveries(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """What was sent there, newest first."""
    _, found = await _found(request, conn, principal, "destination.read")
    state = dict(http.query(request)).get("state")
    if state is not None and state not in tuple(DeliveryState):
        raise errors.Invalid({"state": [f"'{state[:40]}' is none of: {', '.join(DeliveryState)}."]})
    page = page_or_first(request)
    total, sent = await store.messages(conn, found.org_id, page, destination_id=found.id, state=state)
    return http.json(enveloped(request, page, total, [SentOut.of(one) for one in sent]))


async def _found(
    request: AnyRequest, conn: Connection, principal: Principal, action: str, *, lock: bool = False
) -> tuple[Grant, Destination]:
    grant = authorize(principal, action)
    number = resource_id(http.segment(request, "destination"))
    return grant, await service.find(conn, grant.org_id, number, lock=lock)


async def _body(request: AnyRequest) -> dict[str, Any]:
    """The keys that were given."""
    return (await body(request, DestinationIn)).given()


def _listed(one: Destination) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "type": one.type, "icon": KINDS[one.type].icon}


def _whole(one: Destination) -> dict[str, Any]:
    return {**_listed(one), "options": {**one.options, **dict.fromkeys(one.secret_names, MASK)}}


ROUTES = (
    Router(
        path="/",
        route_handlers=[
            list_destinations,
            list_types,
            create_destination,
            read_destination,
            update_destination,
            delete_destination,
            test_destination,
            list_destination_deliveries,
        ],
        dependencies={"principal": Provide(principal), "conn": Provide(transaction)},
    ),
)
