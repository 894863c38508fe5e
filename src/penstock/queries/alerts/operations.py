"""What can be done with alerts, declared for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import in_place
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
    nullable,
    path,
)
from penstock.notifications import SentOut
from penstock.queries.access import ACTIONS
from penstock.queries.alerts.models import Selector, State
from penstock.queries.alerts.options import OPERATORS
from penstock.queries.operations.common import ANY, MOMENT, NULL, NUMBER, QUERY_OBJECT, TEXT, access

TAG: Final = "Alerts"
TAGS: Final = {TAG: "Conditions on the rows of queries, and who is told when one comes true."}
_ALL: Final = "/api/alerts"
_ALERT: Final = path("alert", "Id of an alert.", "1")
_STATE: Final = {"enum": [state.value for state in State]}
_PERSON: Final = nullable({"type": "object", "properties": {"id": NUMBER, "name": TEXT}})
_OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "column": TEXT,
        "selector": {"enum": [one.value for one in Selector]},
        "op": {"enum": list(OPERATORS)},
        "value": {"type": ["number", "string", "boolean"]},
        "recover_value": {"type": ["number", "string", "null"]},
        "when_empty": _STATE,
        "parameters": ANY,
        "muted": {"type": "boolean"},
        "custom_subject": {"type": ["string", "null"]},
        "custom_body": {"type": ["string", "null"]},
    },
}
_OBJECT: Final = described(
    {
        "id": NUMBER,
        "name": TEXT,
        "options": ANY,
        "state": _STATE,
        "last_triggered_at": nullable(MOMENT),
        "updated_at": MOMENT,
        "created_at": MOMENT,
        "rearm": nullable(NUMBER),
        "value": nullable(TEXT),
        "reason": nullable(TEXT),
        "evaluated_at": nullable(MOMENT),
        "note": nullable(TEXT),
        "query": QUERY_OBJECT,
        "user": _PERSON,
    }
)
_FIELDS: Final[dict[str, Any]] = {
    "name": TEXT,
    "query_id": NUMBER,
    "options": _OPTIONS,
    "rearm": nullable(NUMBER),
}
_SUBSCRIPTION: Final = described(
    {
        "id": NUMBER,
        "alert_id": NUMBER,
        "user": _PERSON,
        "destination": described({"id": NUMBER, "name": TEXT, "type": TEXT}),
    },
    "destination",
)
_WHOLE: Final = Reply(status=200, description="The alert.", schema=_OBJECT)
_ONE: Final = One(f"{_ALL}/{{alert}}", TAG, (_ALERT,), _WHOLE)
_OWN: Final = in_place(
    ACTIONS["query.read"],
    f"Who made the alert; others need the role `{ACTIONS['query.alter'].label}` on the data source of its query.",
)
_EXAMPLE: Final[dict[str, Any]] = {
    "name": "Many errors",
    "query_id": 1,
    "options": {"column": "n", "op": ">", "value": 10},
    "rearm": 3600,
}


def _done(name: str, method: str, tail: str, summary: str, *more: Parameter, who: Access = _OWN) -> Operation:
    return Operation(
        id=name,
        method=method,
        path=f"{_ONE.path}{tail}",
        summary=summary,
        tag=TAG,
        access=who,
        parameters=(_ALERT, *more),
        replies=(NULL,),
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listAlerts",
        method="get",
        path=_ALL,
        summary="List alerts",
        description="Of queries that the caller may know of, newest first.",
        tag=TAG,
        access=access("query.read"),
        replies=(Reply(status=200, description="Alerts.", schema={"type": "array", "items": _OBJECT}),),
    ),
    Operation(
        id="createAlert",
        method="post",
        path=_ALL,
        summary="Create an alert",
        description="It looks at the rows that its owner, who makes it, gets of the query.",
        tag=TAG,
        access=access("query.read"),
        body=Body(
            schema={"type": "object", "properties": _FIELDS, "required": ["name", "query_id", "options"]},
            examples={"an alert": _EXAMPLE},
        ),
        replies=(_WHOLE,),
        errors=(409,),
    ),
    _ONE.read("readAlert", "Read an alert", access("query.read")),
    _ONE.change(
        "updateAlert",
        "Change an alert",
        _OWN,
        Body(
            schema={"type": "object", "properties": _FIELDS},
            examples={"once an hour": {"rearm": 3600}},
        ),
        method="post",
        description="Fields that are not sent stay. A changed condition makes its state unknown.",
    ),
    _done("deleteAlert", "delete", "", "Delete an alert and its subscriptions"),
    _done("muteAlert", "post", "/mute", "Have an alert tell nobody"),
    _done("unmuteAlert", "delete", "/mute", "Have a muted alert tell of itself again"),
    _done("evaluateAlert", "post", "/eval", "Have an alert look at the newest rows now"),
    Operation(
        id="listAlertSubscriptions",
        method="get",
        path=f"{_ONE.path}/subscriptions",
        summary="List who is told of an alert",
        tag=TAG,
        access=access("query.read"),
        parameters=(_ALERT,),
        replies=(
            Reply(status=200, description="Subscriptions.", schema={"type": "array", "items": _SUBSCRIPTION}),
        ),
    ),
    Operation(
        id="subscribeToAlert",
        method="post",
        path=f"{_ONE.path}/subscriptions",
        summary="Have the caller, or a destination, told of an alert",
        description="Without `destination_id` the caller, by e-mail. Told is only who would get the same rows as the "
        "owner of the alert.",
        tag=TAG,
        access=access("query.read"),
        parameters=(_ALERT,),
        body=Body(
            schema={"type": "object", "properties": {"destination_id": nullable(NUMBER)}},
            required=False,
            examples={"by e-mail": {}},
        ),
        replies=(Reply(status=200, description="The subscription.", schema=_SUBSCRIPTION),),
        errors=(409,),
    ),
    _done(
        "unsubscribeFromAlert",
        "delete",
        "/subscriptions/{subscription}",
        "End a subscription",
        path("subscription", "Id of a subscription.", "1"),
        who=in_place(ACTIONS["query.read"], "Who subscribed; others need the role `admin` in the org."),
    ),
    Operation(
        id="listAlertDeliveries",
        method="get",
        path=f"{_ONE.path}/deliveries",
        summary="List what was sent of an alert, newest first",
        tag=TAG,
        access=_OWN,
        parameters=(_ALERT, *PAGING),
        replies=(Reply(status=200, description="Deliveries.", schema=envelope(SentOut)),),
    ),
)
