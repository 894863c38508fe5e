"""What this domain offers over HTTP, declared for the OpenAPI document; `routes` does it."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import in_place
from penstock.kit.openapi import (
    GONE,
    PAGING,
    Access,
    Body,
    Operation,
    Parameter,
    Reply,
    envelope,
    in_either_shape,
    path,
)
from penstock.notifications import schemas
from penstock.notifications.access import ACTIONS
from penstock.notifications.destinations import operations as destinations
from penstock.notifications.events import TABLE_EVENTS
from penstock.notifications.models import DeliveryState

_TAG: Final = "Webhooks"
TAGS: Final = {_TAG: "Signed messages to other systems about what happens in an app.", **destinations.TAGS}
_ALL: Final = "/api/apps/{app}/webhooks"
_ONE: Final = f"{_ALL}/{{webhook}}"
_DELIVERIES: Final = f"{_ONE}/deliveries"
_DELIVERY: Final = f"{_DELIVERIES}/{{delivery}}"
_APP: Final = Parameter(
    name="app",
    place="path",
    schema={"type": "string", "minLength": 1},
    description="Slug of the app.",
    example="shop",
)
_HOOK: Final = (_APP, path("webhook", "Id of a webhook.", "1"))
_SENT: Final = (*_HOOK, path("delivery", "Id of a delivery.", "1"))
_DETAIL: Final = Reply(status=200, description="The webhook.", schema=schemas.WebhookOut)
_EXAMPLE: Final = {"url": "https://example.com/hook", "events": list(TABLE_EVENTS)}


def _access(action: str) -> Access:
    role = ACTIONS[action]
    return in_place(role, f"Takes the role `{role.label}` on the app or in the org (`{action}`).")


def _operation(name: str, method: str, where: str, summary: str, action: str, **more: Any) -> Operation:
    return Operation(
        id=name, method=method, path=where, summary=summary, tag=_TAG, access=_access(action), **more
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    _operation(
        "listWebhooks",
        "get",
        _ALL,
        "List the webhooks of an app",
        "webhook.read",
        parameters=(_APP, *PAGING),
        replies=(Reply(status=200, description="Webhooks.", schema=in_either_shape(schemas.WebhookOut)),),
    ),
    _operation(
        "createWebhook",
        "post",
        _ALL,
        "Create a webhook",
        "webhook.create",
        description=(
            "Only this answer holds the secret that signs its messages. Events of records (`record.created`, "
            "`record.updated`, `record.deleted`) are of one `table` with a change feed, and of records that fulfil "
            "`filter`; a webhook of these is told of nothing else, and in their order."
        ),
        parameters=(_APP,),
        body=Body(schema=schemas.WebhookCreate, examples={"a webhook": _EXAMPLE}),
        replies=(Reply(status=201, description="The new webhook.", schema=schemas.NewWebhookOut),),
        errors=(409,),
    ),
    _operation(
        "readWebhook", "get", _ONE, "Read a webhook", "webhook.read", parameters=_HOOK, replies=(_DETAIL,)
    ),
    _operation(
        "updateWebhook",
        "patch",
        _ONE,
        "Change a webhook, switch it off or on",
        "webhook.alter",
        parameters=_HOOK,
        body=Body(schema=schemas.WebhookPatch, examples={"off": {"is_active": False}}),
        replies=(_DETAIL,),
    ),
    _operation(
        "deleteWebhook",
        "delete",
        _ONE,
        "Delete a webhook and its deliveries",
        "webhook.delete",
        parameters=_HOOK,
        replies=(GONE,),
    ),
    _operation(
        "rotateWebhookSecret",
        "post",
        f"{_ONE}/rotate",
        "Give a webhook a new secret",
        "webhook.alter",
        description="For 24 hours messages are signed with the new secret and the one before.",
        parameters=_HOOK,
        replies=(Reply(status=200, description="The webhook and its secret.", schema=schemas.NewWebhookOut),),
    ),
    _operation(
        "listWebhookDeliveries",
        "get",
        _DELIVERIES,
        "List the deliveries of a webhook, newest first",
        "webhook.read",
        parameters=(
            *_HOOK,
            *PAGING,
            Parameter(
                name="state",
                schema={"enum": [state.value for state in DeliveryState]},
                description="Only those in this state.",
            ),
        ),
        replies=(Reply(status=200, description="Deliveries.", schema=envelope(schemas.DeliveryOut)),),
    ),
    _operation(
        "readWebhookDelivery",
        "get",
        _DELIVERY,
        "Read a delivery",
        "webhook.read",
        parameters=_SENT,
        replies=(Reply(status=200, description="The delivery.", schema=schemas.DeliveryOut),),
    ),
    _operation(
        "redeliverWebhook",
        "post",
        f"{_DELIVERY}/redeliver",
        "Send a delivery once more",
        "webhook.redeliver",
        description="Under the same `webhook-id`, so that the receiver can tell.",
        parameters=_SENT,
        replies=(Reply(status=202, description="It is under way.", schema=schemas.DeliveryOut),),
        errors=(409,),
    ),
    *destinations.OPERATIONS,
)
