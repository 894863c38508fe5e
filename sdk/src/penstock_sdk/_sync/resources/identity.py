# Generated from _async/resources/identity.py by scripts/async_to_sync.py; change that file instead.

"""API keys, and the caller's own password."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from penstock_sdk._models import Key, NewKey
from penstock_sdk._sync.auth import PasswordCredential
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import Resource, given, segment
from penstock_sdk._sync.transport import Transport


class Keys(Resource):
    """API keys of the caller."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/auth/keys/")

    def list(self, *, page_size: int = 100) -> Pager[Key]:
        """The keys that were not revoked: the caller's own, for an admin all of the org."""
        return self._pager(self._path, Key, page_size)

    def create(
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
        return (self._transport.request("POST", self._path, body=body)).as_type(NewKey)

    def revoke(self, key_id: int) -> None:
        """Ends a key at once."""
        self._transport.request("DELETE", f"{self._path}{segment(key_id)}/")


class Auth(Resource):
    """The caller's own credential."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/auth/")

    def change_password(self, current: str, new: str) -> None:
        """Changes the caller's password; every other login of the user ends."""
        body = {"current_password": current, "new_password": new}
        answer = self._transport.request("POST", f"{self._path}password/", body=body)
        credential = self._transport.credential
        if isinstance(credential, PasswordCredential):
            credential.replace(new, answer.json())
