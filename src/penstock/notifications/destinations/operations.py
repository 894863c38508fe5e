"""What can be done with destinations, declared for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import in_org, in_place
from penstock.kit.openapi import (
    PAGING,
    Access,
    Body,
    One,
    Operation,
    Parameter,
    Reply,
    described,
    envelope,
    path,
)
from penstock.notifications.destinations.access import ACTIONS
from penstock.notifications.destinations.schemas import (
    DestinationIn,
    DestinationListed,
    DestinationOut,
    SentOut,
)
from penstock.notifications.models import DeliveryState

TAG: Final = "Destinations"
TAGS: Final = {TAG: "Where alerts of an org are sent: e-mail, chats, signed webhooks."}
_ALL: Final = "/api/destinations"
_TEXT: Final = {"type": "string"}
_ID: Final = path("destination", "Id of a destination.", "1")
_ONE: Final = One(
    f"{_ALL}/{{destination}}",
    TAG,
    (_ID,),
    Reply(status=200, description="The destination.", schema=DestinationOut),
)
_TYPE: Final = described(
    {"name": _TEXT, "type": _TEXT, "icon": _TEXT, "configuration_schema": {"type": "object"}}
)
_SLACK: Final[dict[str, Any]] = {
    "name": "The team's chat",
    "type": "slack",
    "options": {"url": "https://hooks.example.com/services/T0/B0/x"},
}


def _access(action: str) -> Access:
    role = ACTIONS[action]
    if action == "destination.list":
        return in_place(role, f"Takes the role `{role.label}` anywhere in the org (`{action}`).")
    return in_org(role)


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listDestinations",
        method="get",
        path=_ALL,
        summary="List destinations",
        tag=TAG,
        access=_access("destination.list"),
        replies=(
            Reply(
                status=200,
                description="Destinations, by name.",
                schema={"type": "array", "items": DestinationListed},
            ),
        ),
    ),
    Operation(
        id="listDestinationTypes",
        method="get",
        path=f"{_ALL}/types",
        summary="List the types of destinations, with their options",
        tag=TAG,
        access=_access("destination.read"),
        replies=(Reply(status=200, description="Types.", schema={"type": "array", "items": _TYPE}),),
    ),
    Operation(
        id="createDestination",
        method="post",
        path=_ALL,
        summary="Create a destination",
        description="A webhook without `secret` is given one, which only this answer holds.",
        tag=TAG,
        access=_access("destination.create"),
        body=Body(schema=DestinationIn, examples={"a chat": _SLACK}),
        replies=(Reply(status=200, description="The destination.", schema=DestinationOut),),
        errors=(409,),
    ),
    _ONE.read("readDestination", "Read a destination", _access("destination.read")),
    _ONE.change(
        "updateDestination",
        "Change a destination",
        _access("destination.alter"),
        Body(schema=DestinationIn, examples={"another name": {"name": "Chat"}}),
        method="post",
        description="What is not sent stays, and so does a secret that is sent as `--------`.",
    ),
    _ONE.delete(
        "deleteDestination",
        "Delete a destination",
        _access("destination.delete"),
        description="Subscriptions of it go with it.",
    ),
    Operation(
        id="testDestination",
        method="post",
        path=f"{_ONE.path}/test",
        summary="Send a destination a message now",
        description="What goes wrong is the answer.",
        tag=TAG,
        access=_access("destination.test"),
        parameters=(_ID,),
        replies=(
            Reply(
                status=200,
                description="Whether it was taken.",
                schema=described({"ok": {"type": "boolean"}, "message": _TEXT}),
            ),
        ),
    ),
    Operation(
        id="listDestinationDeliveries",
        method="get",
        path=f"{_ONE.path}/deliveries",
        summary="List what was sent to a destination, newest first",
        tag=TAG,
        access=_access("destination.read"),
        parameters=(
            _ID,
            *PAGING,
            Parameter(
                name="state",
                schema={"enum": [state.value for state in DeliveryState]},
                description="Only those in this state.",
            ),
        ),
        replies=(Reply(status=200, description="Deliveries.", schema=envelope(SentOut)),),
    ),
)
