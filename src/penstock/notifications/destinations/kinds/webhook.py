"""Messages to programs: a signed POST of the data."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from penstock.notifications.destinations.kinds.base import Envelope, Kind, Option, web_address
from penstock.notifications.sending import post
from penstock.notifications.signing import PREFIX, signature


def _signing_secret(value: str) -> str | None:
    try:
        key = base64.b64decode(value.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if value.startswith(PREFIX) and len(key) >= 16:
        return None
    return f"must be '{PREFIX}' and at least 16 bytes in base64; leave it out to have one made."


async def _send(options: Mapping[str, Any], envelope: Envelope) -> int | None:
    body = msgspec.json.encode(envelope.message.data)
    now = int(time.time())
    headers = {"webhook-id": envelope.message_id, "webhook-timestamp": str(now)}
    if options.get("secret"):
        headers["webhook-signature"] = signature([options["secret"]], envelope.message_id, now, body)
    if options.get("username") or options.get("password"):
        pair = f"{options.get('username', '')}:{options.get('password', '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return await post(
        options["url"],
        body,
        headers,
        seconds=envelope.settings.webhook_timeout,
        limits=envelope.limits,
    )


WEBHOOK: Final = Kind(
    "webhook",
    "Webhook",
    "fa-bolt",
    (
        Option("url", "Address", required=True, check=web_address),
        Option("username", "User name"),
        Option("password", "Password", secret=True),
        Option("secret", "Secret that signs", secret=True, check=_signing_secret),
    ),
    _send,
)
