"""Asking the service: one question, tried again while what went wrong may pass, until it has an answer."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import msgspec

from penstock import __version__
from penstock.kit import errors

T = TypeVar("T")
_PATH: Final = "/api/v1/sql-query/"
_TRIES: Final = 4
_FIRST_PAUSE: Final = 0.5  # seconds, doubled with each try
_LONGEST_PAUSE: Final = 10.0
_LOOK: Final = 1.0  # seconds between two questions about what still runs
_CONNECT: Final = 10.0
_MOST_BYTES: Final = 1024 * 1024
_MOST_LINKS: Final = 1000
_LONGEST_SENTENCE: Final = 500
# Statuses of a service that is busy, or away for the moment.
_PASSING: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
BAD_KEY: Final = "Invalid API key"


class QueryRefused(errors.BadRequest):
    """The service refused the query, or could not bring it to its end."""


class Away(Exception):
    """What may be better in a moment; `pause` is how long the service asks to be left alone."""

    def __init__(self, error: errors.PenstockError, pause: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Service:
    """Where it is. `until` of its calls is a moment of the monotonic clock."""

    url: str

    async def run(self, client: Any, key: str, text: str, until: float) -> list[str]:
        """Links to files with the rows. Raises `QueryRefused`, `Unauthorized`, `BadGateway`, `Unavailable`,
        `GatewayTimeout`."""
        while True:

            async def ask() -> Mapping[str, Any]:
                return await self._ask(client, key, text, until)

            answer = await tried(ask, until)
            state = answer.get("state")
            if state == "SUCCEEDED":
                return _links(answer)
            if state in ("FAILED", "CANCELLED"):
                raise QueryRefused(sentence_of(answer) or f"The query has {state.lower()}.")
            if state != "RUNNING":
                raise errors.BadGateway("The service did not say how the query ended.")
            if time.monotonic() + _LOOK > until:
                raise errors.GatewayTimeout("The service still runs the query.")
            await asyncio.sleep(_LOOK)

    async def _ask(self, client: Any, key: str, text: str, until: float) -> Mapping[str, Any]:
        import httpx2

        headers = {"x-api-key": key, "User-Agent": f"Penstock/{__version__}"}
        body = {"sql": text, "mode": "parquet"}
        limits = httpx2.Timeout(max(until - time.monotonic(), 0.1), connect=_CONNECT)
        url = self.url.rstrip("/") + _PATH
        try:
            async with client.stream("POST", url, json=body, headers=headers, timeout=limits) as answer:
                raw = await bounded(answer, _MOST_BYTES)
                status: int = answer.status_code
                pause = answer.headers.get("retry-after", "")
        except httpx2.TimeoutException as error:
            raise errors.GatewayTimeout("The service did not answer in time.") from error
        except httpx2.HTTPError as error:
            raise Away(errors.BadGateway("The service cannot be reached.")) from error
        return _answer(status, raw, pause)


async def tried(call: Callable[[], Awaitable[T]], until: float) -> T:
    """What `call` gives, at the last when it has been `Away` too often."""
    for number in range(_TRIES):
        try:
            return await call()
        except Away as away:
            pause = max(min(_FIRST_PAUSE * 2.0**number, _LONGEST_PAUSE), away.pause)
            pause *= random.uniform(1.0, 1.3)  # noqa: S311  (no secret)
            if number == _TRIES - 1 or time.monotonic() + pause > until:
                raise away.error from away
            await asyncio.sleep(pause)
    raise AssertionError


async def bounded(answer: Any, most: int) -> bytes:
    """The body, which is not to be large. Raises `BadGateway` for one that is."""
    found = bytearray()
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > most:
            raise errors.BadGateway("The service answered with more than it should.")
    return bytes(found)


def _answer(status: int, raw: bytes, pause: str) -> Mapping[str, Any]:
    try:
        found: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    answer = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if status in (200, 201):
        if not answer:
            raise errors.BadGateway("The service answered with what is no JSON object.")
        return answer
    if status in (401, 403):
        raise errors.Unauthorized(BAD_KEY)
    if status in _PASSING:
        seconds = float(pause) if pause.isascii() and pause.isdigit() and len(pause) < 6 else 0.0
        shown = f"The service answered {status}."
        if status in (429, 503):
            raise Away(errors.Unavailable(shown, retry_after=max(1, int(seconds))), seconds)
        raise Away(errors.BadGateway(shown), seconds)
    if status in (400, 409, 413, 422):
        raise QueryRefused(sentence_of(answer) or f"The service answered {status}.")
    raise errors.BadGateway(f"The service answered {status}.")


def _links(answer: Mapping[str, Any]) -> list[str]:
    given: Any = answer.get("presigned_urls")
    found = cast("list[Any]", given) if isinstance(given, list) else None
    if found is None or len(found) > _MOST_LINKS or not all(isinstance(one, str) for one in found):
        raise errors.BadGateway("The service did not say where the rows are.")
    return cast("list[str]", found)


def sentence_of(answer: Mapping[str, Any]) -> str | None:
    """What a service says of a failure, in whichever of the usual ways."""
    several: Any = answer.get("errors")
    if isinstance(several, list) and several and isinstance(several[0], dict):
        answer = {**answer, **cast("dict[str, Any]", several[0])}
    for name in ("state_change_reason", "detail", "message", "error"):
        found = answer.get(name)
        if isinstance(found, str) and found.strip():
            return found.strip()[:_LONGEST_SENTENCE]
    return None
