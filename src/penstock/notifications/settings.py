"""Settings of webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.kit.settings import at_least, setting

MOST_ATTEMPTS = 40


def _attempts(value: int) -> str | None:
    return None if 1 <= value <= MOST_ATTEMPTS else f"must be from 1 to {MOST_ATTEMPTS}"


@dataclass(frozen=True, slots=True)
class NotificationsSettings:
    """How long webhooks are tried, and remembered."""

    webhook_attempts: int = setting(
        15,
        "Attempts at a delivery; the pause between them doubles from 5 seconds up to an hour (15 take about 6 hours).",
        check=_attempts,
    )
    webhook_timeout: float = setting(
        15.0, "Seconds that the receiver of a webhook gets to answer.", check=at_least(0.1)
    )
    webhook_disable_days: float = setting(
        3.0, "Days after which a webhook that only ever fails is switched off.", check=at_least(0)
    )
    webhook_delivery_days: float = setting(
        30.0, "Days that deliveries of webhooks are remembered.", check=at_least(1)
    )
