"""The rim of the application: what every request passes before and after the router.

Paths, request ids, proxies, cross-origin rules, body limits, time-outs, counting and the access log. Kept lean:
a request pays for plain dictionary and list work only; writing and clearing up is the sweeper's.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import Mapping, Set
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from types import MappingProxyType
from typing import Any, Final

import msgspec

from penstock.kit import errors, http, telemetry
from penstock.kit.clock import iso
from penstock.kit.logs import bind_contextvars, clear_contextvars, structlog
from penstock.server import answers
from penstock.server.cors import Cors
from penstock.server.metrics import Metrics
from penstock.server.paths import addressed, in_org, normalise, without_token
from penstock.server.proxies import Origin
from penstock.server.settings import ServerSettings

_SWEEP = 0.25  # seconds
_NO_BODY = frozenset(("GET", "HEAD", "OPTIONS"))
_ID_LENGTH = 128
_ID_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_REFERRER = (b"referrer-policy", b"no-referrer")
_log = structlog.get_logger()


class _Request:
    """What the edge remembers of a request while it is answered."""

    __slots__ = (
        "cors",
        "deadline",
        "head",
        "id",
        "options",
        "route",
        "scope",
        "started",
        "status",
        "task",
        "timed_out",
    )

    def __init__(self, request_id: str, started: float, deadline: float, task: Any, scope: Any) -> None:
        self.id = request_id
        self.scope = scope
        self.started = started
        self.deadline = deadline
        self.task = task
        self.status = 0
        self.route = ""
        self.head = False
        self.options = False
        self.timed_out = False
        self.cors: list[tuple[bytes, bytes]] | None = None


class Edge:
    """An ASGI application around another one."""

    def __init__(
        self,
        app: Any,
        settings: ServerSettings,
        metrics: Metrics,
        methods: Mapping[str, Set[str]] = MappingProxyType({}),
    ) -> None:
        """`methods` of each path template, for OPTIONS: the framework tells those of one handler only."""
        self._app: Final = app
        self._methods = methods
        self._metrics = metrics
        self._limit = settings.body_limit
        self._timeout = settings.request_timeout
        self._access = settings.access_log and settings.log_level in ("debug", "info")
        self._console = settings.log_format == "console"
        self._origin = Origin(settings.trusted_proxies, settings.public_url)
        self._cors = Cors(settings.cors_origins)
        self._prefix = secrets.token_hex(5)
        self._numbers = count(1)
        self._open: set[_Request] = set()
        self._lines: list[tuple[Any, ...]] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin sweeping: time-outs, the access log, snapshots of the counters."""
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        if self._sweeper:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        self._flush()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = origin = length = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value
            elif name == b"origin":
                origin = value
            elif name == b"content-length":
                length = value
        started = time.perf_counter()
        request = _Request(
            self._identify(request_id), started, started + self._timeout, asyncio.current_task(), scope
        )
        self._open.add(request)
        self._metrics.in_flight += 1
        bind_contextvars(request_id=request.id)
        scope.setdefault("state", {})["request_id"] = request.id
        try:
            await self._serve(scope, receive, send, request, origin, length)
        finally:
            self._open.discard(request)
            self._metrics.in_flight -= 1
            clear_contextvars()
            seconds = time.perf_counter() - started
            route = scope.get("path_template") or ""
            method = "HEAD" if request.head else scope["method"]
            self._metrics.observe(method, route, request.status, seconds)
            if self._access:
                self._lines.append(
                    (
                        time.time(),
                        request.id,
                        method,
                        scope["path"],
                        request.status,
                        seconds,
                        scope.get("client"),
                    )
                )

    async def _serve(
        self,
        scope: Any,
        receive: Any,
        send: Any,
        request: _Request,
        origin: bytes | None,
        length: bytes | None,
    ) -> None:
        answer = self._answering(scope, send, request)
        path = normalise(scope["raw_path"])
        if path is None:
            await _refuse(answer, errors.BadRequest("The path is not URL-encoded UTF-8."), request.id)
            return
        org, path = in_org(path)
        if org is not None:
            # Callers of other orgs find nothing there; see `identity.authenticate`.
            scope["penstock.org"] = org
        scope["path"] = addressed(path, scope["headers"])
        method = scope["method"]
        if self._origin.active:
            self._origin.apply(scope)
        if origin is not None and self._cors.active and self._cors.allows(origin):
            wanted = _preflight(scope) if method == "OPTIONS" else None
            if wanted is not None:
                request.cors = self._cors.preflight(origin, wanted)
                await _empty(answer)
                return
            request.cors = self._cors.headers(origin)
        if method == "HEAD":
            request.head = True
            scope["penstock.head"] = True
            scope["method"] = "GET"
        elif method == "OPTIONS":
            request.options = True
        elif method not in _NO_BODY or length is not None:
            receive = _limited(scope, receive, self._limit, length)
        await self._run(scope, receive, answer, request)

    async def _run(self, scope: Any, receive: Any, answer: Any, request: _Request) -> None:
        try:
            if telemetry.tracing():
                with telemetry.span(
                    f"{scope['method']} {without_token(scope['path'])}",
                    _trace_of(scope),
                    **{"http.request.method": scope["method"]},
                ) as span:
                    await self._app(scope, receive, answer)
                    span.update_name(f"{scope['method']} {scope.get('path_template') or 'unknown'}")
                    span.set_attribute("http.response.status_code", request.status)
            else:
                await self._app(scope, receive, answer)
        except asyncio.CancelledError:
            if not request.timed_out:
                raise
            request.task.uncancel()
            _log.warning(
                "request.timed_out",
                method=scope["method"],
                path=without_token(scope["path"]),
                seconds=self._timeout,
            )
            if not request.status:
                await _refuse(
                    answer, errors.GatewayTimeout("The request took longer than allowed."), request.id
                )
        except Exception as error:
            if request.status:
                _log.error(
                    "request.failed",
                    exc_info=error,
                    method=scope["method"],
                    path=without_token(scope["path"]),
                )
                raise  # too late for an answer: the connection is cut, so that nobody takes half for the whole
            known, body = answers.answered(scope, error)
            await http.raw_json(body, known.status, known.headers)(scope, receive, answer)

    def _answering(self, scope: Any, send: Any, request: _Request) -> Any:
        identity = (b"x-request-id", request.id.encode())

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
                headers = [*message["headers"], identity, _NOSNIFF, _REFERRER]
                if request.cors:
                    headers += request.cors
                if request.options:
                    headers = self._with_methods(scope, headers)
                message = {**message, "headers": headers}
            elif request.head:
                message = {
                    "type": "http.response.body",
                    "body": b"",
                    "more_body": message.get("more_body", False),
                }
            await send(message)

        return answer

    def _with_methods(self, scope: Any, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        known = self._methods.get(scope.get("path_template") or "", ())

        def whole(value: bytes) -> bytes:
            named = {*known, *(name.strip() for name in value.decode().split(","))}
            return ", ".join(sorted(answers.with_head(named))).encode()

        return [(name, whole(value) if name.lower() == b"allow" else value) for name, value in headers]

    def _identify(self, given: bytes | None) -> str:
        """The caller's request id when it is harmless, else one of ours."""
        if given and len(given) <= _ID_LENGTH and _ID_LETTERS.issuperset(given):
            return given.decode()
        return f"{self._prefix}{next(self._numbers):08x}"

    async def _sweep(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(_SWEEP)
            now = time.perf_counter()
            for request in self._open:
                if request.deadline < now and not request.timed_out:
                    # A handler that streams may have asked for more time (see kit.http.allow).
                    granted = request.scope.pop("penstock.seconds", 0)
                    if request.started + granted > now:
                        request.deadline = request.started + granted
                        continue
                    request.timed_out = True
                    request.task.cancel()
            self._flush()
            rounds += 1
            if rounds % 4 == 0:
                with suppress(OSError):
                    self._metrics.save()

    def _flush(self) -> None:
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        encoded = b"".join(_line(self._console, *line) for line in lines)
        with suppress(OSError):
            sys.stderr.flush()
            os.write(2, encoded)


def _line(
    console: bool,
    at: float,
    request_id: str,
    method: str,
    path: str,
    status: int,
    seconds: float,
    client: tuple[str, Any] | None,
) -> bytes:
    shown = without_token(path).replace(http.SLASH, "%2F")
    moment = iso(datetime.fromtimestamp(at, UTC))
    if console:
        shown = telemetry.printable(shown)
        return f"{moment} {status} {method} {shown} {seconds * 1000:.1f} ms {request_id}\n".encode()
    event = {
        "event": "request",
        "level": "info",
        "timestamp": moment,
        "request_id": request_id,
        "method": method,
        "path": shown,
        "status": status,
        "milliseconds": round(seconds * 1000, 3),
        "client": client[0] if client else None,
    }
    return msgspec.json.encode(event) + b"\n"


def _limited(scope: Any, receive: Any, limit: int, length: bytes | None) -> Any:
    """`receive` that refuses a body beyond the limit, whether its length was announced or not."""
    taken = 0

    async def limited() -> Any:
        nonlocal taken
        # A handler that streams its body sets this before it reads (see kit.http.stream).
        if scope.get("penstock.unlimited"):
            return await receive()
        if length is not None and length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _too_large(limit)
        return message

    return limited


def _too_large(limit: int) -> errors.TooLarge:
    return errors.TooLarge(
        f"The body is larger than {limit:,} bytes, which is what this server accepts.",
        hint="Send it in smaller parts, or raise PENSTOCK_BODY_LIMIT.",
    )


def _trace_of(scope: Any) -> dict[str, str]:
    """The headers that say which trace the caller is part of."""
    return {
        name.decode(): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in (b"traceparent", b"tracestate")
    }


def _preflight(scope: Any) -> bytes | None:
    """The headers a preflight asks for (perhaps none), or None when this is not one."""
    asked = {name: value for name, value in scope["headers"] if name.startswith(b"access-control-request-")}
    if b"access-control-request-method" not in asked:
        return None
    return asked.get(b"access-control-request-headers", b"")


async def _refuse(send: Any, error: errors.PenstockError, request_id: str) -> None:
    body = answers.encode(error, request_id)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _empty(send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
