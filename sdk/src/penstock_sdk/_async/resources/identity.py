"""API keys, and the caller's own password."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from penstock_sdk._async.auth import AsyncPasswordCredential
from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.resources.base import AsyncResource, given, segment
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._models import Key, NewKey


class AsyncKeys(AsyncResource):
    """API keys of the caller."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/auth/keys/")

    def list(self, *, page_size: int = 100) -> AsyncPager[Key]:
        """The keys that were not revoked: the caller's own, for an admin all of the org."""
        return self._pager(self._path, Key, page_size)

    async def create(
        self,
        name: str,
        *,
        kind: Literal["user", "service"] = "user",
        role: str | None = None,
        apps: Mapping[str, str] | None = None,
        expires_at: datetime | None = None,
        requests_per_minute: int | None = None,
        claims: Mapping[str, str | int | float | bool] | None = None,
    ) -> NewKey:
        """A new key; its secret is in the answer and never shown again.

        A user key acts for the caller, a service key for itself alone. `role` is the most it may do in the
        org, `apps` the role by app slug where it may do anything at all; neither exceeds the caller's own.
        `claims`, which admins may give it, are what row rules find as `$token.<name>`.
        """
        body = given(
            name=name,
            kind=kind,
            role=role,
            apps=apps,
            expires_at=expires_at,
            requests_per_minute=requests_per_minute,
            claims=claims,
        )
        return (await self._transport.request("POST", self._path, body=body)).as_type(NewKey)

    async def revoke(self, key_id: int) -> None:
        """Ends a key at once."""
        await self._transport.request("DELETE", f"{self._path}{segment(key_id)}/")


class AsyncAuth(AsyncResource):
    """The caller's own credential."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/auth/")

    async def change_password(self, current: str, new: str) -> None:
        """Changes the caller's password; every other login of the user ends."""
        body = {"current_password": current, "new_password": new}
        answer = await self._transport.request("POST", f"{self._path}password/", body=body)
        credential = self._transport.credential
        if isinstance(credential, AsyncPasswordCredential):
            credential.replace(new, answer.json())
