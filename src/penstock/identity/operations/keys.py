"""API keys, and the audit log."""

from __future__ import annotations

from typing import Final

from penstock.identity import schemas
from penstock.identity.models import Role
from penstock.identity.operations.common import CALLER, MOMENT, TEXT, in_org
from penstock.kit.openapi import (
    GONE,
    PAGING,
    Body,
    Operation,
    Parameter,
    Reply,
    envelope,
    flag,
    in_either_shape,
    path,
)

KEY: Final = path("key", "Id of the key.", "7")
_ONE_KEY: Final = Reply(status=200, description="The key, without its secret.", schema=schemas.KeyOut)
KEYS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listKeys",
        method="get",
        path="/api/keys",
        also=(("/api/auth/keys", "listAuthKeys"),),
        summary="List keys",
        description="One's own; all of the org for its admins.",
        tag="Keys",
        access=CALLER,
        parameters=(flag("revoked", "Revoked keys too."), *PAGING),
        replies=(Reply(status=200, description="Keys.", schema=in_either_shape(schemas.KeyOut)),),
        errors=(404,),
    ),
    Operation(
        id="createKey",
        method="post",
        path="/api/keys",
        also=(("/api/auth/keys", "createAuthKey"),),
        summary="Create a key",
        description="Only this answer holds the secret. A key never holds more than its maker.",
        tag="Keys",
        access=CALLER,
        body=Body(
            schema=schemas.KeyCreate,
            examples={
                "own key": {"name": "laptop"},
                "service key": {"name": "importer", "kind": "service", "role": "operator"},
            },
        ),
        replies=(Reply(status=201, description="The new key.", schema=schemas.NewKeyOut),),
        errors=(404,),
    ),
    Operation(
        id="readKey",
        method="get",
        path="/api/keys/{key}",
        also=(("/api/auth/keys/{key}", "readAuthKey"),),
        summary="Read a key",
        tag="Keys",
        access=CALLER,
        parameters=(KEY,),
        replies=(_ONE_KEY,),
    ),
    Operation(
        id="updateKey",
        method="patch",
        path="/api/keys/{key}",
        also=(("/api/auth/keys/{key}", "updateAuthKey"),),
        summary="Change a key's name, expiry or limit",
        tag="Keys",
        access=CALLER,
        parameters=(KEY,),
        body=Body(schema=schemas.KeyPatch, examples={"a name": {"name": "old laptop"}}),
        replies=(_ONE_KEY,),
    ),
    Operation(
        id="revokeKey",
        method="delete",
        path="/api/keys/{key}",
        also=(("/api/auth/keys/{key}", "revokeAuthKey"),),
        summary="Revoke a key, at once and everywhere",
        tag="Keys",
        access=CALLER,
        parameters=(KEY,),
        replies=(GONE,),
    ),
)

_CONDITIONS: Final = (
    Parameter(name="since", schema=MOMENT, description="Entries of this instant and later."),
    Parameter(name="until", schema=MOMENT, description="Entries before this instant."),
    *(
        Parameter(name=name, schema=TEXT, description=words)
        for name, words in (
            ("actor", "Username, or name of a key."),
            ("action", "Such as `app.create`."),
            ("resource_kind", "Such as `data_table`."),
            ("resource_id", "Id of the resource."),
        )
    ),
)
AUDIT: Final[tuple[Operation, ...]] = (
    Operation(
        id="listAuditEntries",
        method="get",
        path="/api/audit",
        summary="List audit entries, newest first",
        tag="Audit",
        access=in_org(Role.ADMIN),
        parameters=(*PAGING, *_CONDITIONS),
        replies=(Reply(status=200, description="Entries.", schema=envelope(schemas.AuditOut)),),
        errors=(404,),
    ),
    Operation(
        id="exportAuditEntries",
        method="get",
        path="/api/audit/export",
        summary="Export audit entries, newest first",
        description="Every entry that fits, as lines of JSON or as CSV, in which `detail` is JSON.",
        tag="Audit",
        access=in_org(Role.ADMIN),
        parameters=(
            Parameter(name="format", schema={"enum": ["ndjson", "csv"], "default": "ndjson"}),
            *_CONDITIONS,
        ),
        replies=(
            Reply(
                status=200,
                description="A file.",
                schema={"type": "string", "format": "binary"},
                media_type="application/x-ndjson",
                files=("text/csv",),
            ),
        ),
    ),
)
