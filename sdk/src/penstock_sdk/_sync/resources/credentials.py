# Generated from _async/resources/credentials.py by scripts/async_to_sync.py; change that file instead.

"""Credentials: encrypted access to outside systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock_sdk._models import Credential, CredentialCheck, CredentialKind
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import Resource, given, segment
from penstock_sdk._sync.transport import Transport


class Credentials(Resource):
    """The credentials of the caller's org, for its admins. No answer holds a secret."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/credentials/")

    def list(self, *, page_size: int = 100) -> Pager[Credential]:
        """All credentials, by name."""
        return self._pager(self._path, Credential, page_size)

    def kinds(self) -> list[CredentialKind]:
        """The kinds there are, with JSON Schemas of what each takes."""
        return (self._transport.request("GET", f"{self._path}kinds/")).as_type(list[CredentialKind])

    def get(self, credential_id: int) -> Credential:
        """One credential. A NotFoundError when there is none."""
        return (self._transport.request("GET", self._of(credential_id))).as_type(Credential)

    def create(
        self,
        name: str,
        kind: str,
        *,
        settings: Mapping[str, Any],
        secrets: Mapping[str, Any],
        description: str | None = None,
    ) -> Credential:
        """A new credential; what `settings` and `secrets` hold depends on the kind."""
        body = given(
            name=name, kind=kind, settings=dict(settings), secrets=dict(secrets), description=description
        )
        return (self._transport.request("POST", self._path, body=body)).as_type(Credential)

    def update(
        self,
        credential_id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        settings: Mapping[str, Any] | None = None,
        secrets: Mapping[str, Any] | None = None,
    ) -> Credential:
        """Changes what is given; new settings need the secrets again."""
        body = given(name=name, description=description, settings=settings, secrets=secrets)
        answer = self._transport.request("PATCH", self._of(credential_id), body=body)
        return answer.as_type(Credential)

    def check(self, credential_id: int) -> CredentialCheck:
        """Tries to connect; a failure is an answer, not an error."""
        answer = self._transport.request("POST", f"{self._of(credential_id)}check/")
        return answer.as_type(CredentialCheck)

    def delete(self, credential_id: int) -> None:
        """Deletes a credential."""
        self._transport.request("DELETE", self._of(credential_id))

    def _of(self, credential_id: int) -> str:
        return f"{self._path}{segment(credential_id)}/"
