"""Wire shapes of credentials, in and out."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from penstock.connectors.kinds import Kind
from penstock.connectors.models import CheckResult, Credential
from penstock.kit import clock

Name = Annotated[str, Meta(min_length=1, max_length=128)]
Description = Annotated[str, Meta(max_length=2000)]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class _In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body: fields that nobody knows are refused."""


class CredentialCreate(_In):
    """A new credential; what `settings` and `secrets` hold depends on the kind."""

    name: Name
    kind: Name
    settings: dict[str, Any]
    secrets: dict[str, Any]
    description: Description = ""


class CredentialPatch(_In):
    """Changes; absent fields stay. `settings` and `secrets` are replaced whole; new settings need the secrets again."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    secrets: dict[str, Any] | UnsetType = UNSET


class CredentialOut(msgspec.Struct, kw_only=True):
    """A credential without its secrets. `check_…` is what the last check found."""

    id: int
    name: str
    kind: str
    description: str
    settings: dict[str, Any]
    created_by: int | None
    created_at: Moment
    updated_at: Moment
    secrets_changed_at: Moment
    checked_at: Moment | None
    check_ok: bool | None
    check_detail: str | None

    @classmethod
    def of(cls, credential: Credential) -> CredentialOut:
        return cls(
            id=credential.id,
            name=credential.name,
            kind=credential.kind,
            description=credential.description,
            settings=dict(credential.settings),
            created_by=credential.created_by,
            created_at=clock.iso(credential.created_at),
            updated_at=clock.iso(credential.updated_at),
            secrets_changed_at=clock.iso(credential.secrets_changed_at),
            checked_at=clock.iso(credential.checked_at) if credential.checked_at else None,
            check_ok=credential.check_ok,
            check_detail=credential.check_detail,
        )


class CheckOut(msgspec.Struct, kw_only=True):
    """What came of trying to connect."""

    ok: bool
    detail: str

    @classmethod
    def of(cls, result: CheckResult) -> CheckOut:
        return cls(ok=result.ok, detail=result.detail)


class KindOut(msgspec.Struct, kw_only=True):
    """A kind of credential, with JSON Schemas of what it takes."""

    kind: str
    title: str
    settings: dict[str, Any]
    secrets: dict[str, Any]

    @classmethod
    def of(cls, kind: Kind) -> KindOut:
        return cls(
            kind=kind.name,
            title=kind.title,
            settings=_schema(kind.settings),
            secrets=_schema(kind.secrets),
        )


def _schema(shape: type[msgspec.Struct]) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components([shape], ref_template="{name}")
    return parts[schema["$ref"]]
