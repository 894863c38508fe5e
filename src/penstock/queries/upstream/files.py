"""Fetching the files that links name: without the caller's key, to addresses that may be reached, as much as may be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from penstock.kit import errors, outbound
from penstock.kit.outbound import OutboundSettings
from penstock.queries.upstream.client import Away, tried

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_PIECE: Final = 1024 * 1024
_CONNECT: Final = 10.0  # seconds
_SILENCE: Final = 60.0
_PASSING: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Fetching:
    """How links are followed. `home` is the service, to which whoever set it up lets this server go."""

    home: str
    limits: OutboundSettings
    most_bytes: int
    until: float

    async def all(self, client: Any, links: Sequence[str], paths: Sequence[Path]) -> None:
        """One file after the other, each to its path; together they have at most so many bytes."""
        room = self.most_bytes
        for link, path in zip(links, paths, strict=True):

            async def fetch(link: str = link, path: Path = path, room: int = room) -> None:
                await self._fetch(client, link, path, room)

            await tried(fetch, self.until)
            room -= path.stat().st_size

    async def _fetch(self, client: Any, link: str, path: Path, room: int) -> None:
        import httpx2

        try:
            async with self._opened(client, link) as answer:
                if answer.status_code in _PASSING:
                    raise Away(errors.BadGateway(f"A file of the rows was answered {answer.status_code}."))
                if answer.status_code != 200:
                    raise errors.BadGateway(f"A file of the rows was answered {answer.status_code}.")
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise errors.BadGateway("A file of the rows came in an encoding that was not asked for.")
                await _written(answer, path, room)
        except (httpx2.InvalidURL, ValueError) as error:
            raise errors.BadGateway("The link to a file of the rows cannot be read.") from error
        except (httpx2.HTTPError, OSError) as error:
            raise Away(errors.BadGateway("A file of the rows cannot be fetched.")) from error

    @asynccontextmanager
    async def _opened(self, client: Any, link: str) -> AsyncGenerator[Any]:
        import httpx2

        parts = urlsplit(link)
        host = parts.hostname or ""
        if parts.scheme not in _PORTS or not host or parts.username is not None:
            raise errors.BadGateway("A link to the rows is no address of the web.")
        port = parts.port or _PORTS[parts.scheme]
        target = urlunsplit(
            parts._replace(netloc=f"{await self._address(parts, host, port)}:{port}", fragment="")
        )
        left = max(self.until - time.monotonic(), 0.1)
        limits = httpx2.Timeout(min(_SILENCE, left), connect=_CONNECT)
        # The name goes into the Host header and the handshake, the connection to the address that was looked at.
        headers = {"Host": parts.netloc, "Accept-Encoding": "identity"}
        async with (
            asyncio.timeout(left),
            client.stream(
                "GET", target, headers=headers, timeout=limits, extensions={"sni_hostname": host}
            ) as answer,
        ):
            yield answer

    async def _address(self, parts: SplitResult, host: str, port: int) -> str:
        home = urlsplit(self.home)
        if (parts.scheme, host, port) == (
            home.scheme,
            home.hostname,
            home.port or _PORTS.get(home.scheme),
        ):
            return f"[{host}]" if ":" in host else host
        try:
            found = (await outbound.addresses(host, port, self.limits))[0]
        except errors.Transient as error:
            raise Away(errors.BadGateway("The host of a link to the rows cannot be found.")) from error
        except errors.Terminal as error:
            raise errors.BadGateway("A link leads to where this server may not go.") from error
        return f"[{found}]" if ":" in found else found


async def _written(answer: Any, path: Path, room: int) -> None:
    with path.open("wb") as file:
        async for piece in answer.aiter_raw(_PIECE):
            room -= len(piece)
            if room < 0:
                raise errors.BadGateway("The rows are more than this server takes (`result_bytes`).")
            await asyncio.to_thread(file.write, piece)
