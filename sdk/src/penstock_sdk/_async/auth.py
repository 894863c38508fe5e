"""Who is calling: an API key, or a password exchanged for JWTs that are renewed before they expire."""

from __future__ import annotations

import base64
import time
from typing import Any, Protocol, cast

import msgspec

from penstock_sdk._answer import Answer
from penstock_sdk._errors import ConfigurationError, PenstockError, UnauthorizedError
from penstock_sdk._timing import AsyncLock

# Seconds before expiry at which an access token is renewed.
_MARGIN = 30.0


class AsyncSender(Protocol):
    """As much of a transport as it takes to log in."""

    async def request(
        self, method: str, path: str, *, body: Any = None, anonymous: bool = False
    ) -> Answer: ...


class AsyncCredential:
    """No credential; the base of the others."""

    async def headers(self, transport: AsyncSender) -> dict[str, str]:
        """What to add to a request."""
        return {}

    async def renew(self, transport: AsyncSender, refused: dict[str, str]) -> bool:
        """Called after a 401 on a request that carried `refused`; True when repeating it makes sense."""
        return False


class AsyncKeyCredential(AsyncCredential):
    """A user key or service key."""

    def __init__(self, key: str) -> None:
        # A line break at its end comes from a file; anywhere else it would be shown in the error of the transport.
        self._key = key.strip()
        if not self._key.isprintable():
            raise ConfigurationError("The API key holds a control character, such as a line break.")

    async def headers(self, transport: AsyncSender) -> dict[str, str]:
        return {"Authorization": f"Key {self._key}"}


class AsyncPasswordCredential(AsyncCredential):
    """E-mail (or user name) and password; logs in at the first request."""

    def __init__(self, email: str, password: str, org: str | None) -> None:
        self._login: dict[str, str] = {"username": email, "password": password}
        if org is not None:
            self._login["org"] = org
        self._access: str | None = None
        self._refresh: str | None = None
        self._expires = 0.0
        self._lock = AsyncLock()

    def replace(self, password: str, tokens: dict[str, Any]) -> None:
        """Takes over a new password and the tokens that came with it."""
        self._login["password"] = password
        self._accept(tokens)

    async def headers(self, transport: AsyncSender) -> dict[str, str]:
        if self._access is None or time.monotonic() >= self._expires - _MARGIN:
            async with self._lock:
                if self._access is None or time.monotonic() >= self._expires - _MARGIN:
                    await self._obtain(transport)
        return {"Authorization": f"Bearer {self._access}"}

    async def renew(self, transport: AsyncSender, refused: dict[str, str]) -> bool:
        async with self._lock:
            # Another task may have renewed it while this one was waiting.
            if refused.get("Authorization") == f"Bearer {self._access}":
                await self._obtain(transport)
        return True

    async def _obtain(self, transport: AsyncSender) -> None:
        if self._refresh is not None:
            try:
                await self._exchange(transport, "/api/auth/jwt/token/refresh/", {"refresh": self._refresh})
            except UnauthorizedError:
                self._refresh = None
            else:
                return
        await self._exchange(transport, "/api/auth/jwt/token/", self._login)

    async def _exchange(self, transport: AsyncSender, path: str, body: dict[str, str]) -> None:
        answer = await transport.request("POST", path, body=body, anonymous=True)
        self._accept(answer.json())

    def _accept(self, tokens: dict[str, Any]) -> None:
        self._access = str(tokens["access"])
        self._refresh = tokens.get("refresh") or self._refresh
        self._expires = time.monotonic() + token_lifetime(self._access)


def token_lifetime(token: str) -> float:
    """Seconds a JWT is good for, counted from its issue, so that a wrong clock on this side does no harm."""
    try:
        payload = token.split(".")[1]
        raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = cast("dict[str, Any]", msgspec.json.decode(raw))
        return max(_MARGIN + 1, float(claims["exp"]) - float(claims.get("iat", time.time())))
    except (IndexError, KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
        raise PenstockError("The server gave an access token that is not a JWT.") from error
