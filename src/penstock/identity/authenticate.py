"""From what a request carries to the `Principal` behind it. Every carrier of every dialect ends here.

Answers are remembered in the process for a few seconds; a NOTIFY on `penstock_identity` drops them at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import parse_qsl

from litestar.di import NamedDependency

from penstock.identity import limits, tokens
from penstock.identity.changes import CHANNEL
from penstock.identity.models import Principal
from penstock.identity.settings import IdentitySettings
from penstock.identity.store import principals
from penstock.identity.store.principals import Resolved
from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.kit.crypto import digest
from penstock.kit.db import Connection
from penstock.kit.logs import structlog
from penstock.kit.shelf import act_for

CARRIERS = (
    "Send `Authorization: Bearer <access token or key>`, `Authorization: Key <key>`, "
    "`x-api-key: <key>`, `X-Session-Token: <session token>`, or `?api_key=<key>` on a GET request."
)
_SCHEMES = ("bearer", "key", "api-key", "jwt", "token")
FOR_ONE = "This key is for one query or dashboard alone; there is nothing for it at this address."
_MOST_REMEMBERED = 10_000
_LONGEST = 8192  # characters of a credential
_log = structlog.get_logger()

Carrier = Literal["authorization", "key", "session"]
Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Entry:
    principal: Principal
    until: float
    limit: int
    bucket: str
    # What it depends on; a notification names one of these.
    tags: tuple[str, ...]


class Remembered:
    """The principals of this process's recent callers, by digest of their credential."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._settings = ctx.settings(IdentitySettings)
        self.limits = limits.RequestLimits(ctx.db.control)
        self.entries: dict[bytes, _Entry] = {}
        self._generation = 0
        self._unwritten: set[int] = set()
        self._writing: asyncio.Task[None] | None = None
        ctx.listener.subscribe(CHANNEL, self.forget)
        ctx.listener.on_gap(self.forget_all)

    def forget(self, tag: str) -> None:
        """Drop what depends on `tag`, such as `key:12`, `user:5`, `org:3`."""
        # A look-up that is under way may have read what was true before.
        self._generation += 1
        for known in [known for known, entry in self.entries.items() if tag in entry.tags]:
            del self.entries[known]

    def forget_all(self) -> None:
        self._generation += 1
        self.entries.clear()

    async def look_up(self, known: bytes, carrier: Carrier, value: str) -> _Entry:
        generation = self._generation
        resolved, message = await self._resolve(carrier, value)
        if resolved is None:
            raise errors.Unauthorized(message, hint=CARRIERS)
        entry = self._entry(resolved)
        # Without a listening connection nobody would tell us of a revocation.
        if self._ctx.listener.listening and generation == self._generation:
            if len(self.entries) >= _MOST_REMEMBERED:
                self.entries.clear()
            self.entries[known] = entry
        if resolved.stale and resolved.principal.key_id is not None:
            self._used(resolved.principal.key_id)
        return entry

    async def stop(self) -> None:
        """Wait for what is still being written."""
        if self._writing:
            await self._writing

    async def _resolve(self, carrier: Carrier, value: str) -> tuple[Resolved | None, str]:
        pool = self._ctx.db.control
        if carrier == "session":
            return await principals.by_session(pool, digest(value)), "The session token is not valid."
        if carrier == "authorization" and tokens.looks_signed(value):
            try:
                claims = tokens.read(self._ctx.keys.signing, value)
            except tokens.InvalidToken as error:
                message = str(error)
            else:
                return await self._of_claims(claims), "The access token is no longer valid."
            # A key may be any text, one that looks like a token included.
            return await principals.by_key(pool, digest(value)), message
        return await principals.by_key(pool, digest(value)), "The API key is not valid."

    async def _of_claims(self, claims: tokens.Claims) -> Resolved | None:
        pool = self._ctx.db.control
        if claims.key_id is not None:
            resolved = await principals.by_key_id(pool, claims.key_id)
        elif claims.user_id is not None:
            resolved = await principals.by_token(
                pool, claims.user_id, claims.org_id, claims.version, claims.family
            )
        else:
            return None
        if resolved is None:
            return None
        expires = datetime.fromtimestamp(claims.expires, UTC)
        own = resolved.principal.expires_at
        return replace(
            resolved, principal=replace(resolved.principal, expires_at=min(own or expires, expires))
        )

    def _entry(self, resolved: Resolved) -> _Entry:
        principal = resolved.principal
        until = time.time() + self._settings.identity_cache_seconds
        if principal.expires_at is not None:
            until = min(until, principal.expires_at.timestamp())
        named = (("key", principal.key_id), ("user", principal.user_id), ("org", principal.org_id))
        tags = [f"{kind}:{number}" for kind, number in named if number is not None]
        if resolved.behind is not None:
            tags.append(f"key:{resolved.behind}")
        if principal.family:
            tags.append(f"family:{principal.family}")
        return _Entry(
            principal,
            until,
            resolved.requests_per_minute or self._settings.requests_per_minute,
            f"requests:{tags[0]}",
            tuple(tags),
        )

    def _used(self, key_id: int) -> None:
        self._unwritten.add(key_id)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._unwritten:
            key_ids, self._unwritten = list(self._unwritten), set()
            try:
                await principals.touch(self._ctx.db.control, key_ids)
            except errors.PenstockError as error:
                _log.info("identity.last_used_not_written", error=error.message)


async def authenticate(ctx: Context, scope: Scope, *, bound: bool = False) -> Principal:
    """Who calls, by the ASGI scope. Raises `Unauthorized`, or `Throttled` beyond the caller's limit.

    With `bound` also a key for one thing alone: who lets it in sees to what it is for. Anywhere else there is nothing
    for it, and `NotFound` says so.
    """
    entry = await _caller(ctx, scope)
    _check_addressed(entry.principal, scope, bound=bound)
    if entry.limit:
        await ctx.get(Remembered).limits.spend(entry.bucket, entry.limit)
    act_for(entry.principal.org_id)
    return entry.principal


async def still_calling(ctx: Context, scope: Scope) -> Principal:
    """As `authenticate` for a request that goes on, which is no new one for the caller's limit."""
    entry = await _caller(ctx, scope)
    _check_addressed(entry.principal, scope, bound=False)
    return entry.principal


def _check_addressed(principal: Principal, scope: Scope, *, bound: bool) -> None:
    """Raises `NotFound` for who has nothing at this address: a key for one thing, or a caller of another org."""
    if principal.bound is not None and not bound:
        raise errors.NotFound(FOR_ONE)
    org = scope.get("penstock.org")
    if org is not None and org != principal.org_slug:
        raise errors.NotFound


async def _caller(ctx: Context, scope: Scope) -> _Entry:
    carrier, value = _carried(scope)
    known = sha256(carrier.encode() + value).digest()
    remembered = ctx.get(Remembered)
    entry = remembered.entries.get(known)
    if entry is None or entry.until <= time.time():
        entry = await remembered.look_up(known, *_credential(carrier, value))
    if carrier == "api_key" and scope.get("method") == "POST" and entry.principal.bound is None:
        raise errors.Unauthorized("Only the key of a query or dashboard is taken from the address of a POST.")
    return entry


async def recall(ctx: Context, *, org_id: int, user_id: int | None, key_id: int | None) -> Principal:
    """Who asked for work that is done later, with what they may do now. Raises `Unauthorized` when they are gone."""
    pool = ctx.db.control
    found = None
    if key_id is not None:
        found = await principals.by_key_id(pool, key_id)
    elif user_id is not None:
        found = await principals.by_user(pool, user_id, org_id)
    if found is None or found.principal.org_id != org_id:
        raise errors.Unauthorized("Who asked for this is no longer there.")
    return found.principal


async def principal(request: http.AnyRequest) -> Principal:
    """Litestar dependency `principal`: who calls."""
    return await authenticate(http.context(request), request.scope)


async def transaction(
    request: http.AnyRequest, principal: NamedDependency[Principal]
) -> AsyncIterator[Connection]:
    """Dependency `conn` of routes that have a `principal`: a transaction begun once the caller is known.

    Looking a caller up takes a connection too; asking for one while holding another could starve the pool.
    """
    async with http.context(request).db.control.transaction() as connection:
        yield connection


def presented(scope: Scope) -> bool:
    """True when the request carries any credential, good or bad."""
    try:
        _carried(scope)
    except errors.Unauthorized:
        return False
    return True


def _carried(scope: Scope) -> tuple[str, bytes]:
    """The carrier that counts, and its raw value. Raises `Unauthorized` when there is none."""
    key = session = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            return "authorization", value
        if name == b"x-api-key":
            key = key or value
        elif name == b"x-session-token":
            session = session or value
    if key is not None:
        return "x-api-key", key
    if session is not None:
        return "x-session-token", session
    query: bytes = scope.get("query_string") or b""
    if b"api_key=" in query and (scope.get("method") in ("GET", "HEAD") or _runs(scope)):
        return "api_key", query
    raise errors.Unauthorized("Authentication credentials were not provided.", hint=CARRIERS)


def _runs(scope: Scope) -> bool:
    """True for the one request that writes and may have its key in the address: pages that embed a query send it."""
    path: str = scope.get("path") or ""
    return scope.get("method") == "POST" and path.endswith("/results")


def _credential(carrier: str, raw: bytes) -> tuple[Carrier, str]:
    """The credential inside the carrier's value. Raises `Unauthorized` when it is malformed."""
    if carrier == "api_key":
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")
        value = next((value for name, value in pairs if name == "api_key"), "")
        return "key", _sound(value, "The query parameter `api_key` is empty.")
    text = _text(raw)
    if carrier == "authorization":
        scheme, _, value = text.partition(" ")
        if scheme.lower() not in _SCHEMES:
            raise errors.Unauthorized("The `Authorization` header has no known scheme.", hint=CARRIERS)
        return "authorization", _sound(value, "The `Authorization` header names a scheme and no credential.")
    kind: Carrier = "session" if carrier == "x-session-token" else "key"
    return kind, _sound(text, f"The header `{carrier}` is empty.")


def _sound(value: str, complaint: str) -> str:
    value = value.strip()
    if not value:
        raise errors.Unauthorized(complaint, hint=CARRIERS)
    if len(value) > _LONGEST:
        raise errors.Unauthorized("The credential is longer than any this server gives out.", hint=CARRIERS)
    return value


def _text(raw: bytes) -> str:
    """Header bytes as text: UTF-8 where they are, else Latin-1 as HTTP once had it."""
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip()
