"""Users, API keys, and the caller's own password."""

from __future__ import annotations

from datetime import datetime

import msgspec

from penstock_sdk._async.auth import AsyncPasswordCredential
from penstock_sdk._async.resources.base import AsyncResource, given, segment
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._models import Key, NewKey, User


class AsyncUsers(AsyncResource):
    """Users."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/users/")

    async def me(self) -> User:
        """The caller."""
        body = (await self._transport.request("GET", f"{self._path}me/")).json()
        return msgspec.convert(body.get("data", body), User)


class AsyncKeys(AsyncResource):
    """API keys of the caller."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/auth/keys/")

    async def list(self) -> list[Key]:
        """All keys that were not revoked."""
        body = (await self._transport.request("GET", self._path)).json()
        return msgspec.convert(body, list[Key])

    async def create(self, name: str, *, expires_at: datetime | None = None) -> NewKey:
        """A new key; its secret is in the answer and never shown again."""
        body = given(name=name, expires_at=expires_at)
        return (await self._transport.request("POST", self._path, body=body)).as_type(NewKey)

    async def revoke(self, key_id: int) -> None:
        """Ends a key at once."""
        await self._transport.request("DELETE", f"{self._path}{segment(key_id)}/")


class AsyncAuth(AsyncResource):
    """The caller's own credential."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/auth/")

    async def change_password(self, current: str, new: str) -> None:
        """Changes the caller's password; tokens given before stop working."""
        body = {"current_password": current, "new_password": new}
        await self._transport.request("POST", f"{self._path}password/", body=body)
        credential = self._transport.credential
        if isinstance(credential, AsyncPasswordCredential):
            credential.set_password(new)
