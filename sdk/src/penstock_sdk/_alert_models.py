"""Alerts on the results of queries, and where they are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from penstock_sdk._model import Model
from penstock_sdk._query_models import Person

__all__ = ["Alert", "AlertDelivery", "Destination", "DestinationCheck", "Subscription"]


class Alert(Model, kw_only=True, frozen=True):
    """A condition on a query's results; `state` is `unknown` (`reason` says why), `ok` or `triggered`.

    `note` says what keeps it from looking.
    """

    id: int
    name: str
    options: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    state: str = "unknown"
    reason: str | None = None
    note: str | None = None
    rearm: int | None = None
    last_triggered_at: datetime | None = None
    query: dict[str, Any] | None = None
    user: Person | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Destination(Model, kw_only=True, frozen=True):
    """Where alerts are told. Secrets of `options` are masked; `secret` is in the answer alone that made it."""

    id: int
    name: str
    type: str
    options: dict[str, Any] | None = None
    secret: str | None = None


class AlertDelivery(Model, kw_only=True, frozen=True):
    """A message to a destination or a user; `status_code` and `error` are those of the last attempt."""

    id: int
    about: str
    destination_id: int | None
    user_id: int | None
    state: str
    attempts: int
    status_code: int | None = None
    error: str | None = None
    created_at: datetime | None = None
    attempted_at: datetime | None = None


class DestinationCheck(Model, kw_only=True, frozen=True):
    """Whether a message arrived that was sent to try a destination; `message` says what went wrong."""

    ok: bool
    message: str


class Subscription(Model, kw_only=True, frozen=True):
    """Who is told of an alert: a destination, or the user by e-mail."""

    id: int
    alert_id: int | None = None
    user: Person | None = None
    destination: Destination | None = None
