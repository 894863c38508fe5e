"""Where connections to outside systems may go: names are resolved here, and the address that was looked at is used.

Whoever may name a host (an admin of an org) must not reach what only this machine can: its cloud's metadata service
never, private networks unless the operator of the server allows them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from penstock.kit import errors
from penstock.kit.settings import setting

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# Metadata services at addresses that are otherwise merely private.
_METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
_PATIENCE: Final = 5.0  # seconds


def _directories(value: tuple[str, ...]) -> str | None:
    wrong = next((one for one in value if not Path(one).is_absolute()), None)
    return None if wrong is None else f"holds '{wrong}', which is not an absolute path"


@dataclass(frozen=True, slots=True)
class OutboundSettings:
    """Where connections to outside systems may go."""

    outbound_private_addresses: Literal["allow", "forbid"] = setting(
        "allow",
        "`forbid`: credentials and webhooks of organizations reach public addresses only, not this machine and its "
        "private networks. Link-local addresses, such as a cloud's metadata service, are never reached.",
    )
    file_directories: tuple[str, ...] = setting(
        (),
        "Directories (absolute paths) below which data sources may read files: CSV, Parquet, SQLite, DuckDB. In one, "
        "`{org}` is the slug of the organization. `files/{org}` in `data_dir` when unset.",
        check=_directories,
    )


class Unreachable(errors.Terminal):
    """The host cannot be reached."""


async def addresses(host: str, port: int, settings: OutboundSettings) -> list[str]:
    """The addresses of a host that may be connected to. Raises `Unreachable` when there is none, now or ever."""
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise errors.Transient(f"The name '{host}' could not be resolved in time.") from error
    except (OSError, UnicodeError, ValueError) as error:
        raise errors.Transient(f"The name '{host}' cannot be resolved.") from error
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [text for text in texts if may_reach(text, settings)]
    if not allowed:
        raise Unreachable(f"'{host}' is an address that connections of this server may not go to.")
    return allowed


def may_reach(text: str, settings: OutboundSettings) -> bool:
    """Whether connections may go to this address."""
    try:
        address = _plain(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address.is_unspecified or address.is_multicast or address.is_link_local or address in _METADATA:
        return False
    if isinstance(address, ipaddress.IPv4Address) and address.is_reserved:
        return False
    return address.is_global or settings.outbound_private_addresses == "allow"


def _plain(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@cache
def trusted() -> ssl.SSLContext:
    """Made once, as reading the certificates of all authorities takes longer than sending."""
    import httpx2  # noqa: PLC0415  (large)

    return httpx2.create_ssl_context(trust_env=False)
