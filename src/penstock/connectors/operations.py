"""What this domain offers over HTTP, declared for the OpenAPI document; `routes` does it."""

from __future__ import annotations

from typing import Final

from penstock.connectors import schemas
from penstock.connectors.access import ACTIONS
from penstock.identity import in_org
from penstock.kit.openapi import GONE, PAGING, Access, Body, Operation, Reply, in_either_shape, path

TAGS: Final = {"Credentials": "Encrypted access to outside systems."}
_ALL: Final = "/api/credentials"
_ONE: Final = f"{_ALL}/{{credential}}"
_CREDENTIAL: Final = path("credential", "Id of a credential.", "1")
_SETTINGS: Final = {"host": "db.example.com", "database": "shop", "user": "reader"}
_SECRETS: Final = {"password": "a password"}
_DETAIL: Final = Reply(status=200, description="The credential.", schema=schemas.CredentialOut)


def _access(action: str) -> Access:
    return in_org(ACTIONS[action])


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listCredentials",
        method="get",
        path=_ALL,
        summary="List credentials",
        tag="Credentials",
        access=_access("credential.read"),
        parameters=PAGING,
        replies=(
            Reply(status=200, description="Credentials.", schema=in_either_shape(schemas.CredentialOut)),
        ),
        errors=(404,),
    ),
    Operation(
        id="listCredentialKinds",
        method="get",
        path=f"{_ALL}/kinds",
        summary="List the kinds of credentials, and what each takes",
        tag="Credentials",
        access=_access("credential.read"),
        replies=(
            Reply(status=200, description="Kinds.", schema={"type": "array", "items": schemas.KindOut}),
        ),
    ),
    Operation(
        id="createCredential",
        method="post",
        path=_ALL,
        summary="Store a credential",
        description="The secrets are sealed, and no answer ever holds them.",
        tag="Credentials",
        access=_access("credential.create"),
        body=Body(
            schema=schemas.CredentialCreate,
            examples={
                "PostgreSQL": {
                    "name": "Shop",
                    "kind": "postgresql",
                    "settings": _SETTINGS,
                    "secrets": _SECRETS,
                }
            },
        ),
        replies=(Reply(status=201, description="The new credential.", schema=schemas.CredentialOut),),
        errors=(409,),
    ),
    Operation(
        id="readCredential",
        method="get",
        path=_ONE,
        summary="Read a credential, without its secrets",
        tag="Credentials",
        access=_access("credential.read"),
        parameters=(_CREDENTIAL,),
        replies=(_DETAIL,),
    ),
    Operation(
        id="updateCredential",
        method="patch",
        path=_ONE,
        summary="Change a credential, or give it new secrets",
        description="Settings and secrets are replaced whole. New settings need the secrets again.",
        tag="Credentials",
        access=_access("credential.alter"),
        parameters=(_CREDENTIAL,),
        body=Body(schema=schemas.CredentialPatch, examples={"new secrets": {"secrets": _SECRETS}}),
        replies=(_DETAIL,),
        errors=(409,),
    ),
    Operation(
        id="deleteCredential",
        method="delete",
        path=_ONE,
        summary="Delete a credential",
        tag="Credentials",
        access=_access("credential.delete"),
        parameters=(_CREDENTIAL,),
        replies=(GONE,),
    ),
    Operation(
        id="checkCredential",
        method="post",
        path=f"{_ONE}/check",
        summary="Try to connect with a credential",
        description="The answer is 200 also when it fails; `ok` and `detail` tell.",
        tag="Credentials",
        access=_access("credential.check"),
        parameters=(_CREDENTIAL,),
        replies=(Reply(status=200, description="What came of it.", schema=schemas.CheckOut),),
        errors=(409,),
    ),
)
