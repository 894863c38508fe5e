# Generated from _async/resources/identity.py by scripts/async_to_sync.py; change that file instead.

"""Users, API keys, and the caller's own password."""

from __future__ import annotations

from datetime import datetime

import msgspec

from penstock_sdk._models import Key, NewKey, User
from penstock_sdk._sync.auth import PasswordCredential
from penstock_sdk._sync.resources.base import Resource, given, segment
from penstock_sdk._sync.transport import Transport


class Users(Resource):
    """Users."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/users/")

    def me(self) -> User:
        """The caller."""
        body = (self._transport.request("GET", f"{self._path}me/")).json()
        return msgspec.convert(body.get("data", body), User)


class Keys(Resource):
    """API keys of the caller."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/auth/keys/")

    def list(self) -> list[Key]:
        """All keys that were not revoked."""
        body = (self._transport.request("GET", self._path)).json()
        return msgspec.convert(body, list[Key])

    def create(self, name: str, *, expires_at: datetime | None = None) -> NewKey:
        """A new key; its secret is in the answer and never shown again."""
        body = given(name=name, expires_at=expires_at)
        return (self._transport.request("POST", self._path, body=body)).as_type(NewKey)

    def revoke(self, key_id: int) -> None:
        """Ends a key at once."""
        self._transport.request("DELETE", f"{self._path}{segment(key_id)}/")


class Auth(Resource):
    """The caller's own credential."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/auth/")

    def change_password(self, current: str, new: str) -> None:
        """Changes the caller's password; tokens given before stop working."""
        body = {"current_password": current, "new_password": new}
        self._transport.request("POST", f"{self._path}password/", body=body)
        credential = self._transport.credential
        if isinstance(credential, PasswordCredential):
            credential.set_password(new)
