"""One request to one answer: sends, repeats what may be repeated, and turns a refusal into an exception.

What is sent belongs to the resources; who is calling belongs to `auth`.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from penstock_sdk import _json
from penstock_sdk._answer import Answer, checked_url, refusal, unanswered
from penstock_sdk._async.auth import AsyncCredential
from penstock_sdk._retry import RetryPolicy, is_repeatable, parse_retry_after
from penstock_sdk._timing import async_sleep
from penstock_sdk._version import __version__

Parameters = Sequence[tuple[str, str]]

USER_AGENT = f"penstock-sdk/{__version__} (python/{sys.version_info.major}.{sys.version_info.minor})"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# These fail before the first byte of the request has left, so that repeating is safe whatever the method.
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it is sent, perhaps several times."""

    method: str
    path: str
    params: Parameters
    content: bytes | None
    headers: dict[str, str]

    def showing(self, credential: dict[str, str]) -> Outgoing:
        return replace(self, headers=self.headers | credential)


class AsyncTransport:
    """Sends requests to one server with one credential. Safe to share between tasks."""

    def __init__(
        self,
        base_url: str,
        credential: AsyncCredential,
        *,
        timeout: float | httpx2.Timeout,
        retries: RetryPolicy,
        decimals: bool,
        verify: ssl.SSLContext | bool,
        connections: httpx2.AsyncBaseTransport | None,
    ) -> None:
        self.base_url = checked_url(base_url)
        self.credential = credential
        self.decimals = decimals
        self._retries = retries
        self._http = httpx2.AsyncClient(
            timeout=timeout,
            verify=verify,
            transport=connections,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            # A proxy of the environment cannot reach this machine's loopback.
            trust_env=httpx2.URL(self.base_url).host not in _LOOPBACK,
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Parameters = (),
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """Sends a request and gives its answer; raises a PenstockError for every status of 300 or more.

        `body` is sent as JSON, `content` as it is. `anonymous` leaves the credential out.
        """
        if body is not None:
            content = _json.encode(body)
        head = dict(headers or {})
        if content is not None:
            head.setdefault("Content-Type", "application/json")
        outgoing = Outgoing(method, path, params, content, head)
        answer = await (self._repeated(outgoing) if anonymous else self._authorized(outgoing))
        if answer.status_code < 300:
            return Answer(answer.status_code, answer.headers, answer.content, self.decimals)
        raise refusal(answer)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Parameters = (),
        content: AsyncIterable[bytes] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[httpx2.Response]:
        """Sends a request once and gives its answer while it arrives; raises a PenstockError as `request` does."""
        shown = {**(headers or {}), **await self.credential.headers(self)}
        try:
            async with self._http.stream(
                method,
                self.base_url + path,
                params=tuple(params) or None,
                content=content,
                headers=[(name.encode(), value.encode()) for name, value in shown.items()],
            ) as answer:
                if answer.status_code >= 300:
                    await answer.aread()
                    raise refusal(answer)
                yield answer
        except httpx2.TransportError as error:
            raise unanswered(error, self.base_url) from error

    async def pause(self, attempt: int) -> bool:
        """Waits before repetition `attempt` (from 0); False when there shall be none."""
        wait = self._retries.wait(attempt, None)
        if wait is None:
            return False
        await async_sleep(wait)
        return True

    async def _authorized(self, outgoing: Outgoing) -> httpx2.Response:
        shown = await self.credential.headers(self)
        answer = await self._repeated(outgoing.showing(shown))
        if answer.status_code == 401 and await self.credential.renew(self, shown):
            shown = await self.credential.headers(self)
            answer = await self._repeated(outgoing.showing(shown))
        return answer

    async def _repeated(self, outgoing: Outgoing) -> httpx2.Response:
        repeatable = is_repeatable(outgoing.method, "Idempotency-Key" in outgoing.headers)
        attempt = 0
        while True:
            wait: float | None
            try:
                answer = await self._send(outgoing)
            except httpx2.TransportError as error:
                wait = self._retries.wait(attempt, None)
                if wait is None or not (repeatable or isinstance(error, _NEVER_SENT)):
                    raise unanswered(error, self.base_url) from error
            else:
                status = answer.status_code
                if status != 429 and not (status in self._retries.statuses and repeatable):
                    return answer
                wait = self._retries.wait(attempt, parse_retry_after(answer.headers.get("retry-after")))
                if wait is None:
                    return answer
            await async_sleep(wait)
            attempt += 1

    async def _send(self, outgoing: Outgoing) -> httpx2.Response:
        return await self._http.request(
            outgoing.method,
            self.base_url + outgoing.path,
            params=tuple(outgoing.params) or None,
            content=outgoing.content,
            # As UTF-8: a key may be any text.
            headers=[(name.encode(), value.encode()) for name, value in outgoing.headers.items()],
        )
