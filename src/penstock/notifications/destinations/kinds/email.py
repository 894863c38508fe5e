"""Messages by e-mail: over the mail server of the settings, or over one that the destination names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from penstock.notifications.destinations.kinds.base import Envelope, Kind, Option
from penstock.notifications.mail import MailServer, server_of, write
from penstock.notifications.mail import send as send_mail
from penstock.notifications.sending import NotSent

_MOST: Final = 50  # addresses
_ADDRESS: Final = re.compile(r"[^@\s,;<>\"()\[\]\\]{1,64}@[^@\s,;<>\"()\[\]\\]{1,255}")
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


def addresses_of(text: str) -> list[str]:
    return [one for one in re.split(r"[,;\s]+", text) if one]


def _addresses(value: str) -> str | None:
    found = addresses_of(value)
    if not 1 <= len(found) <= _MOST:
        return f"must have 1 to {_MOST} addresses, with commas between them."
    wrong = next((one for one in found if not _ADDRESS.fullmatch(one)), None)
    return None if wrong is None else f"holds '{wrong[:80]}', which is no address such as jo@example.com."


def _address(value: str) -> str | None:
    return None if _ADDRESS.fullmatch(value) else "is no address such as jo@example.com."


def _port(value: int) -> str | None:
    return None if 0 < value < 65536 else "must be 1 to 65535."


async def _send(options: Mapping[str, Any], envelope: Envelope) -> int | None:
    await mail(addresses_of(options["addresses"]), envelope, _own_server(options))
    return None


async def mail(recipients: list[str], envelope: Envelope, server: MailServer | None = None) -> None:
    """Raises `NotSent`."""
    using = server or server_of(envelope.settings)
    if using is None:
        raise NotSent("This server has no mail server: its operator sets `mail_host` and `mail_from`.")
    try:
        letter = write(envelope.message, envelope.message_id, using.sender, recipients)
    except ValueError as error:
        # An address may look like one and yet be no address: encoded, it can hold line breaks.
        raise NotSent("One of the addresses cannot stand in a letter.", final=True) from error
    limits = envelope.limits if server is not None else None
    await send_mail(letter, recipients, using, limits, envelope.settings.mail_timeout)


def _own_server(options: Mapping[str, Any]) -> MailServer | None:
    if not options.get("smtp_host"):
        return None
    security = options.get("smtp_security", "starttls")
    sender = options.get("from") or addresses_of(options["addresses"])[0]
    return MailServer(
        options["smtp_host"],
        options.get("smtp_port") or _PORTS[security],
        options.get("smtp_username"),
        options.get("smtp_password"),
        security,
        sender,
    )


EMAIL: Final = Kind(
    "email",
    "Email",
    "fa-envelope",
    (
        Option("addresses", "Addresses, with commas between them", required=True, check=_addresses),
        Option("smtp_host", "Mail server, if not that of the settings"),
        Option("smtp_port", "Its port", type="number", check=_port),
        Option("smtp_security", "How it is encrypted", choices=tuple(_PORTS)),
        Option("smtp_username", "User name there"),
        Option("smtp_password", "Password there", secret=True),
        Option("from", "From whom the messages are", check=_address),
    ),
    _send,
)
