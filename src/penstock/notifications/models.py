"""Webhooks and their deliveries; the secrets stay in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an app's events are sent. `disabled_reason` is set when it was switched off by the server."""

    id: int
    uid: UUID
    org_id: int
    app_id: int
    url: str
    description: str
    events: Sequence[str]
    # The table whose records it is told of, and the filter they fulfil, as JSON.
    table_id: int | None
    table_name: str | None
    filter: str | None
    is_active: bool
    disabled_reason: str | None
    previous_secret_until: datetime | None
    created_by: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook, and how its last attempt went."""

    id: int
    uid: UUID
    webhook_id: int
    event: str
    body: str
    state: DeliveryState
    attempts: int
    status_code: int | None
    error: str | None
    created_at: datetime
    attempted_at: datetime | None

    @property
    def message_id(self) -> str:
        """The `webhook-id`, the same in every attempt."""
        return f"msg_{self.uid.hex}"


@dataclass(frozen=True, slots=True)
class Follower:
    """A webhook that is told of records, and how far it has been told."""

    webhook_id: int
    org_id: int
    app_id: int
    table_id: int
    table_name: str
    filter: str | None
    events: Sequence[str]
    cursor: str


@dataclass(frozen=True, slots=True)
class Due:
    """What an attempt at a delivery needs."""

    delivery: Delivery
    webhook: Webhook
    sealed: str
    previous_sealed: str | None
