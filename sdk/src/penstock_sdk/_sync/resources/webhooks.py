# Generated from _async/resources/webhooks.py by scripts/async_to_sync.py; change that file instead.

"""Webhooks of an app: signed messages about what happens in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock_sdk._models import NewWebhook, Webhook, WebhookDelivery
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import Resource, given, segment
from penstock_sdk._sync.transport import Transport


class Webhooks(Resource):
    """The webhooks of one app, for its admins."""

    def __init__(self, transport: Transport, app_path: str) -> None:
        super().__init__(transport, f"{app_path}webhooks/")

    def list(self, *, page_size: int = 100) -> Pager[Webhook]:
        """All webhooks, page by page."""
        return self._pager(self._path, Webhook, page_size)

    def get(self, webhook_id: int) -> Webhook:
        """One webhook. A NotFoundError when there is none."""
        return (self._transport.request("GET", self._of(webhook_id))).as_type(Webhook)

    def create(
        self,
        url: str,
        events: Sequence[str],
        *,
        table: str | None = None,
        filter: Mapping[str, Any] | None = None,
        description: str | None = None,
    ) -> NewWebhook:
        """A new webhook; the secret that signs its messages is in the answer and never shown again.

        For events of records: of which `table`, and what the records fulfil.
        """
        body = given(url=url, events=events, table=table, filter=filter, description=description)
        return (self._transport.request("POST", self._path, body=body)).as_type(NewWebhook)

    def update(
        self,
        webhook_id: int,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        is_active: bool | None = None,
    ) -> Webhook:
        """Changes what is given."""
        body = given(url=url, events=events, description=description, is_active=is_active)
        return (self._transport.request("PATCH", self._of(webhook_id), body=body)).as_type(Webhook)

    def rotate(self, webhook_id: int) -> NewWebhook:
        """Gives it a new secret; for a day messages are signed with the one before, too."""
        answer = self._transport.request("POST", f"{self._of(webhook_id)}rotate/")
        return answer.as_type(NewWebhook)

    def delete(self, webhook_id: int) -> None:
        """Deletes a webhook and its deliveries."""
        self._transport.request("DELETE", self._of(webhook_id))

    def deliveries(
        self, webhook_id: int, *, state: str | None = None, page_size: int = 100
    ) -> Pager[WebhookDelivery]:
        """The deliveries of a webhook, newest first; only `pending`, `succeeded` or `failed` ones with `state`."""
        filters = [("state", state)] if state else None
        return self._pager(f"{self._of(webhook_id)}deliveries/", WebhookDelivery, page_size, filters)

    def redeliver(self, webhook_id: int, delivery_id: int) -> WebhookDelivery:
        """Sends a delivery once more, under the same id."""
        path = f"{self._of(webhook_id)}deliveries/{segment(delivery_id)}/redeliver/"
        return (self._transport.request("POST", path)).as_type(WebhookDelivery)

    def _of(self, webhook_id: int) -> str:
        return f"{self._path}{segment(webhook_id)}/"
