"""Wire shapes of webhooks, in and out."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from penstock.kit import clock, errors
from penstock.notifications.events import EVENTS
from penstock.notifications.models import Delivery, Webhook

Url = Annotated[str, Meta(min_length=10, max_length=2000)]
Event = Literal[
    "table.created",
    "table.altered",
    "table.deleted",
    "record.created",
    "record.updated",
    "record.deleted",
]
Events = Annotated[list[Event], Meta(min_length=1, max_length=len(EVENTS))]
Description = Annotated[str, Meta(max_length=2000)]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class _In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body: fields that nobody knows are refused."""


class WebhookCreate(_In):
    """A new webhook: an address, and the events it is told of."""

    url: Url
    events: Events
    description: Description = ""
    # For events of records: of which table, and what the records fulfil.
    table: Annotated[str, Meta(max_length=100)] | None = None
    filter: dict[str, Any] | None = None


class WebhookPatch(_In):
    """Changes; absent fields stay. `is_active: true` also switches on again what the server had switched off."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class WebhookOut(msgspec.Struct, kw_only=True):
    """A webhook without its secret."""

    id: int
    url: str
    events: list[str]
    table: str | None
    filter: Any
    description: str
    is_active: bool
    disabled_reason: str | None
    previous_secret_until: Moment | None
    created_by: int | None
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, webhook: Webhook) -> WebhookOut:
        return cls(**_shown(webhook))


class NewWebhookOut(WebhookOut, kw_only=True):
    """A webhook just made, or given a new secret; only this answer holds it."""

    secret: str

    @classmethod
    def of_new(cls, webhook: Webhook, secret: str) -> NewWebhookOut:
        return cls(**_shown(webhook), secret=secret)


class DeliveryOut(msgspec.Struct, kw_only=True):
    """One event for one webhook; `status_code` and `error` are those of the last attempt."""

    id: int
    message_id: str
    event: str
    state: Literal["pending", "succeeded", "failed"]
    attempts: int
    status_code: int | None
    error: str | None
    created_at: Moment
    attempted_at: Moment | None
    payload: Any

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryOut:
        return cls(
            id=delivery.id,
            message_id=delivery.message_id,
            event=delivery.event,
            state=delivery.state.value,
            attempts=delivery.attempts,
            status_code=delivery.status_code,
            error=delivery.error,
            created_at=clock.iso(delivery.created_at),
            attempted_at=clock.iso(delivery.attempted_at) if delivery.attempted_at else None,
            payload=msgspec.json.decode(delivery.body),
        )


def check_url(url: str) -> None:
    """Raises `Invalid` for what is no address to send to. Where it leads is looked at with each delivery."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _not_an_address(url) from None
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise _not_an_address(url)
    if parts.username is not None or parts.password is not None or parts.fragment:
        sentence = "The address has neither user, password nor fragment; the signature says who calls."
        raise errors.Invalid({"url": [sentence]})


def _not_an_address(url: str) -> errors.Invalid:
    return errors.Invalid({"url": [f"'{url[:80]}' is not an address such as https://example.com/hook."]})


def _shown(webhook: Webhook) -> dict[str, Any]:
    until = webhook.previous_secret_until
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "table": webhook.table_name,
        "filter": None if webhook.filter is None else msgspec.json.decode(webhook.filter),
        "description": webhook.description,
        "is_active": webhook.is_active,
        "disabled_reason": webhook.disabled_reason,
        "previous_secret_until": clock.iso(until) if until and until > clock.now() else None,
        "created_by": webhook.created_by,
        "created_at": clock.iso(webhook.created_at),
        "updated_at": clock.iso(webhook.updated_at),
    }
