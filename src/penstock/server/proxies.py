"""Who is really calling, and under which address, when a trusted proxy stands in between."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from penstock.kit.settings import SettingError

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Origin:
    """Rewrites client address, scheme and host of a request before anything else looks at them."""

    def __init__(self, trusted: Sequence[str], public_url: str | None) -> None:
        """Raises `SettingError` when one of `trusted` is neither an address nor a network."""
        self._trusted = [_network(text) for text in trusted]
        self._public = urlsplit(public_url) if public_url else None
        self.active = bool(self._trusted or self._public)

    def apply(self, scope: Any) -> None:
        client = scope.get("client")
        if self._trusted and client and self._trusts(client[0]):
            self._believe(scope)
        if self._public:
            scope["scheme"] = self._public.scheme
            _set_host(scope, self._public.netloc.encode())

    def _believe(self, scope: Any) -> None:
        given: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name.startswith(b"x-forwarded-"):
                given[name] = given[name] + b"," + value if name in given else value
        hops = [
            hop.strip()
            for hop in given.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
            if hop.strip()
        ]
        # From the right: the first address that is not one of our proxies is the client's.
        for hop in reversed(hops):
            address = _bare(hop)
            if address is None:
                break
            scope["client"] = (address, 0)
            if not self._trusts(address):
                break
        scheme = given.get(b"x-forwarded-proto", b"").rpartition(b",")[2].strip().lower()
        if scheme in (b"http", b"https"):
            scope["scheme"] = scheme.decode()
        host = given.get(b"x-forwarded-host", b"").rpartition(b",")[2].strip()
        if host:
            _set_host(scope, host)

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def _set_host(scope: Any, host: bytes) -> None:
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"host"] + [
        (b"host", host)
    ]


def _bare(hop: str) -> str | None:
    """The address of a hop, which may carry a port."""
    text = hop
    if hop.startswith("["):
        text = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        text = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise SettingError(
            f"PENSTOCK_TRUSTED_PROXIES: '{text}' is neither an address nor a network."
        ) from None
