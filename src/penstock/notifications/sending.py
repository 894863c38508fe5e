"""Sending one webhook: to the address that was looked at, without following anybody elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

from penstock import __version__
from penstock.kit import errors, outbound
from penstock.kit.outbound import OutboundSettings
from penstock.notifications.signing import signature


class NotSent(Exception):
    """Nothing answered; the message is a sentence. `final`: trying again would not help."""

    def __init__(self, sentence: str, *, final: bool = False) -> None:
        super().__init__(sentence)
        self.final = final


async def send(
    url: str,
    body: bytes,
    message_id: str,
    secrets: Sequence[str],
    *,
    seconds: float,
    limits: OutboundSettings,
) -> int:
    """The status that the receiver answered with; its body is not read. Raises `NotSent`."""
    return await post(url, body, _signed(body, message_id, secrets), seconds=seconds, limits=limits)


async def post(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, limits: OutboundSettings
) -> int:
    """As `send`, with headers of the caller's own."""
    import httpx2  # noqa: PLC0415  (only the process that does the jobs needs it)

    given = {"Content-Type": "application/json", "User-Agent": f"Penstock/{__version__}", **headers}
    try:
        async with asyncio.timeout(seconds):
            return await _post(url, body, given, limits)
    except TimeoutError as error:
        raise NotSent(f"No answer within {seconds:g} seconds.") from error
    except (errors.Transient, errors.Terminal) as error:
        raise NotSent(str(error)) from error
    except httpx2.ConnectError as error:
        raise NotSent("No connection came about.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
        raise NotSent(f"The connection broke off ({type(error).__name__}).") from error


async def _post(url: str, body: bytes, headers: dict[str, str], limits: OutboundSettings) -> int:
    import httpx2  # noqa: PLC0415  (large)

    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = (await outbound.addresses(host, port, limits))[0]
    shown = f"[{address}]" if ":" in address else address
    target = urlunsplit((parts.scheme, f"{shown}:{port}", parts.path or "/", parts.query, ""))
    # The name goes into the Host header and the handshake, the connection to the address that was looked at.
    headers["Host"] = parts.netloc
    async with (
        httpx2.AsyncClient(
            verify=outbound.trusted(), follow_redirects=False, trust_env=False, timeout=None
        ) as client,
        client.stream(
            "POST", target, content=body, headers=headers, extensions={"sni_hostname": host}
        ) as answer,
    ):
        return answer.status_code


def _signed(body: bytes, message_id: str, secrets: Sequence[str]) -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(secrets, message_id, now, body),
    }
