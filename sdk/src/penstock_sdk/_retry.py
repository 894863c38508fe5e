"""When a failed request may be sent again, and how long to wait first. The transport sleeps and sends."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({502, 503, 504})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is repeated; times in seconds.

    `attempts` counts repetitions, not the first try. Waits grow as `base * 2**n` up to `cap` with full
    jitter; a `Retry-After` replaces them, and one longer than `longest_wait` ends the retries. `statuses` are
    those after which a request that may be sent twice is repeated; 429 is one for every request.
    """

    attempts: int = 3
    base: float = 0.25
    cap: float = 10.0
    longest_wait: float = 60.0
    statuses: frozenset[int] = RETRIED_STATUSES

    def wait(
        self, attempt: int, retry_after: float | None, jitter: Callable[[], float] = random.random
    ) -> float | None:
        """Seconds before repetition `attempt` (from 0), or None when there shall be none."""
        if attempt >= self.attempts:
            return None
        if retry_after is not None:
            return retry_after if retry_after <= self.longest_wait else None
        return min(self.cap, self.base * 2**attempt) * jitter()


def is_repeatable(method: str, has_idempotency_key: bool) -> bool:
    """Whether sending twice does no more than sending once."""
    return method in _SAFE_METHODS or has_idempotency_key


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a `Retry-After` header, a number or an HTTP date; None when absent or unreadable."""
    if not value:
        return None
    text = value.strip()
    if text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
