"""HTTP for the webhooks of an app."""

from __future__ import annotations

from litestar import Router, delete, get, patch, post
from litestar.di import Provide
from litestar.response.base import ASGIResponse

from penstock.identity import (
    Caller,
    Conn,
    Grant,
    Places,
    Principal,
    answer_list,
    body,
    enveloped,
    page_or_first,
    parameters,
    principal,
    resource_id,
    transaction,
)
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.notifications import service, store
from penstock.notifications.access import APP, authorize
from penstock.notifications.feeds import TableFeeds
from penstock.notifications.models import DeliveryState, Webhook
from penstock.notifications.schemas import (
    DeliveryOut,
    NewWebhookOut,
    WebhookCreate,
    WebhookOut,
    WebhookPatch,
)

_ALL = "/api/apps/{app:str}/webhooks"
_ONE = f"{_ALL}/{{webhook:str}}"
_DELIVERIES = f"{_ONE}/deliveries"


@get(_ALL)
async def list_webhooks(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, "page", "page_size")
    grant, app_id = await _app(request, conn, principal, "webhook.read")
    return await answer_list(request, lambda page: store.listed(conn, grant, app_id, page), WebhookOut.of)


@post(_ALL)
async def create_webhook(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, app_id = await _app(request, conn, principal, "webhook.create")
    wanted = await body(request, WebhookCreate)
    ring = http.context(request).keys.encryption
    feeds = http.context(request).get(TableFeeds)
    webhook, secret = await service.create_webhook(conn, grant, ring, app_id, wanted, feeds)
    return http.json(NewWebhookOut.of_new(webhook, secret), 201)


@get(_ONE)
async def read_webhook(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    _, webhook = await _found(request, conn, principal, "webhook.read")
    return http.json(WebhookOut.of(webhook))


@patch(_ONE)
async def update_webhook(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, webhook = await _found(request, conn, principal, "webhook.alter", lock=True)
    wanted = await body(request, WebhookPatch)
    return http.json(WebhookOut.of(await service.update_webhook(conn, grant, webhook, wanted)))


@delete(_ONE, status_code=200)
async def delete_webhook(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, webhook = await _found(request, conn, principal, "webhook.delete", lock=True)
    await service.delete_webhook(conn, grant, webhook)
    return http.empty()


@post(f"{_ONE}/rotate", status_code=200)
async def rotate_secret(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, webhook = await _found(request, conn, principal, "webhook.alter", lock=True)
    changed, secret = await service.rotate_secret(conn, grant, http.context(request).keys.encryption, webhook)
    return http.json(NewWebhookOut.of_new(changed, secret))


@get(_DELIVERIES)
async def list_deliveries(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(request, "page", "page_size", "state")
    _, webhook = await _found(request, conn, principal, "webhook.read")
    state = given.get("state")
    if state is not None and state not in tuple(DeliveryState):
        sentence = f"'{state[:40]}' is none of: {', '.join(DeliveryState)}."
        raise errors.Invalid({"state": [sentence]})
    page = page_or_first(request)
    total, found = await store.deliveries(conn, webhook.id, page, state)
    return http.json(enveloped(request, page, total, [DeliveryOut.of(delivery) for delivery in found]))


@get(f"{_DELIVERIES}/{{delivery:str}}")
async def read_delivery(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    _, webhook = await _found(request, conn, principal, "webhook.read")
    found = await service.find_delivery(conn, webhook, _id(request, "delivery"))
    return http.json(DeliveryOut.of(found))


@post(f"{_DELIVERIES}/{{delivery:str}}/redeliver", status_code=202)
async def redeliver(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, webhook = await _found(request, conn, principal, "webhook.redeliver")
    delivery = await service.find_delivery(conn, webhook, _id(request, "delivery"), lock=True)
    return http.json(DeliveryOut.of(await service.redeliver(conn, grant, webhook, delivery)), 202)


async def _app(request: AnyRequest, conn: Connection, principal: Principal, action: str) -> tuple[Grant, int]:
    """The permission for `action` on the app of the path, and the app's id."""
    places = http.context(request).get(Places)
    place = await places.find(conn, principal.org_id, APP, http.segment(request, "app"))
    if place is None:
        raise errors.NotFound
    return authorize(principal, action, place[1]), place[1]


async def _found(
    request: AnyRequest, conn: Connection, principal: Principal, action: str, *, lock: bool = False
) -> tuple[Grant, Webhook]:
    grant, app_id = await _app(request, conn, principal, action)
    return grant, await service.find_webhook(conn, grant, app_id, _id(request, "webhook"), lock=lock)


def _id(request: AnyRequest, name: str) -> int:
    found = resource_id(http.segment(request, name))
    return -1 if found is None else found


ROUTES = (
    Router(
        path="/",
        route_handlers=[
            list_webhooks,
            create_webhook,
            read_webhook,
            update_webhook,
            delete_webhook,
            rotate_secret,
            list_deliveries,
            read_delivery,
            redeliver,
        ],
        dependencies={"principal": Provide(principal), "conn": Provide(transaction)},
    ),
)
