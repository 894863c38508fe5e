"""Credentials: encrypted access to outside systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.resources.base import AsyncResource, given, segment
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._models import Credential, CredentialCheck, CredentialKind


class AsyncCredentials(AsyncResource):
    """The credentials of the caller's org, for its admins. No answer holds a secret."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/credentials/")

    def list(self, *, page_size: int = 100) -> AsyncPager[Credential]:
        """All credentials, by name."""
        return self._pager(self._path, Credential, page_size)

    async def kinds(self) -> list[CredentialKind]:
        """The kinds there are, with JSON Schemas of what each takes."""
        return (await self._transport.request("GET", f"{self._path}kinds/")).as_type(list[CredentialKind])

    async def get(self, credential_id: int) -> Credential:
        """One credential. A NotFoundError when there is none."""
        return (await self._transport.request("GET", self._of(credential_id))).as_type(Credential)

    async def create(
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
        return (await self._transport.request("POST", self._path, body=body)).as_type(Credential)

    async def update(
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
        answer = await self._transport.request("PATCH", self._of(credential_id), body=body)
        return answer.as_type(Credential)

    async def check(self, credential_id: int) -> CredentialCheck:
        """Tries to connect; a failure is an answer, not an error."""
        answer = await self._transport.request("POST", f"{self._of(credential_id)}check/")
        return answer.as_type(CredentialCheck)

    async def delete(self, credential_id: int) -> None:
        """Deletes a credential."""
        await self._transport.request("DELETE", self._of(credential_id))

    def _of(self, credential_id: int) -> str:
        return f"{self._path}{segment(credential_id)}/"
