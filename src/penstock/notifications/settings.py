"""Settings of webhooks, destinations and e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.kit.settings import at_least, setting

MOST_ATTEMPTS = 40


def _port(value: int) -> str | None:
    return None if 0 < value < 65536 else "is not a port between 1 and 65535"


def _attempts(value: int) -> str | None:
    return None if 1 <= value <= MOST_ATTEMPTS else f"must be from 1 to {MOST_ATTEMPTS}"


@dataclass(frozen=True, slots=True)
class NotificationsSettings:
    """How long webhooks and other messages are tried, and remembered; over which mail server e-mail goes."""

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
    mail_host: str | None = setting(None, "Mail server over which e-mail is sent; none is sent when unset.")
    mail_port: int = setting(587, "Port of the mail server.", check=_port)
    mail_security: Literal["starttls", "tls", "none"] = setting(
        "starttls", "How the mail server is spoken to: `starttls`, `tls` from the first byte, or `none`."
    )
    mail_user: str | None = setting(None, "User name at the mail server, if it asks for one.")
    mail_password: str | None = setting(None, "Password at the mail server.", secret=True)
    mail_from: str | None = setting(
        None, "From whom e-mail is, such as `Penstock <penstock@example.com>`; needed with `mail_host`."
    )
    mail_timeout: float = setting(
        30.0, "Seconds that the mail server gets to take a message.", check=at_least(0.1)
    )
