"""Alerts, what they watch for, who is told, and what came of looking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from penstock.queries.run.request import QueryRequest


class State(StrEnum):
    """How an alert stands."""

    UNKNOWN = "unknown"
    OK = "ok"
    TRIGGERED = "triggered"


class Selector(StrEnum):
    """Which value of the rows counts."""

    FIRST = "first"
    MAX = "max"
    MIN = "min"
    SUM = "sum"
    MEAN = "mean"
    # How many rows there are.
    COUNT = "count"
    # One row that fulfils the condition is enough.
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Condition:
    """What an alert watches for. `recover` counts in place of `threshold` while it is triggered."""

    selector: Selector
    column: str | None
    op: str
    threshold: Decimal | str
    recover: Decimal | None = None
    # The state when there are no rows.
    empty: State = State.UNKNOWN


@dataclass(frozen=True, slots=True)
class Outcome:
    """What looking at a result came to; `value` is what was compared, `reason` why there is nothing to compare."""

    state: State
    value: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose rows an alert looks at, and its own values for the parameters among its options."""

    org_id: int
    user_id: int | None
    key_id: int | None
    options: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.options.get("parameters") or {})


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition on the rows that its owner gets of a query."""

    id: int
    org_id: int
    query_id: int
    name: str
    options: Mapping[str, Any]
    rearm: int | None
    # Whose rows it looks at: a person's, or those of a key that is nobody's or holds less than its user.
    user_id: int | None
    key_id: int | None
    state: State
    last_triggered_at: datetime | None
    evaluated_at: datetime | None
    # Of the last look: at which result, what it said, and what was asked.
    result_id: int | None
    value: str | None
    reason: str | None
    fingerprint: str | None
    asked: QueryRequest | None
    created_at: datetime
    updated_at: datetime

    @property
    def about(self) -> str:
        """What messages of it are known as."""
        return f"alert:{self.id}"

    @property
    def muted(self) -> bool:
        return bool(self.options.get("muted"))

    @property
    def asker(self) -> Asker:
        return Asker(self.org_id, self.user_id, self.key_id, self.options)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told: a destination, or without one the subscriber by e-mail."""

    id: int
    alert_id: int
    user_id: int | None
    key_id: int | None
    destination_id: int | None
    created_at: datetime
