"""`/openapi.json`: the operations of every domain, as far as its reader may call them."""

from __future__ import annotations

from typing import Any, Final

from litestar import get
from litestar.response.base import ASGIResponse

from penstock import __version__, connectors, identity, notifications, queries, tables
from penstock.identity import PUBLIC, Principal
from penstock.kit import http
from penstock.kit.openapi import Documents, Info, Operation, Reply, answer, described, document
from penstock.server.settings import ServerSettings

_DESCRIPTION: Final = """\
Define tables and use them as a REST API on PostgreSQL.

A slash at the end of a path is optional. Lists of definitions are arrays, or pages when `page` or `page_size` \
is given. Every error has one shape. Requests take JSON whatever their content type says; unknown query \
parameters are refused. Instants are UTC with `Z`; numbers keep all their digits; text has no NUL character."""
_OPENAPI: Final = Reply(
    status=200, description="OpenAPI 3.1.", schema={"type": "object"}, headers={"ETag": "Its version."}
)
_TEXT: Final = {"type": "string"}
_STATE: Final = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
_HEALTH: Final = {
    **described(
        {
            "status": {"enum": ["ok", "unavailable"]},
            "version": _TEXT,
            "database": _STATE,
            "migrations": {"type": "object", "properties": {"current": {"type": ["boolean", "null"]}}},
        }
    ),
    "examples": [
        {"status": "ok", "version": __version__, "database": {"ok": True}, "migrations": {"current": True}}
    ],
}
TAGS: Final = {"Server": "The server itself."}
OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="readHealth",
        method="get",
        path="/api/health",
        summary="Whether requests can be answered",
        tag="Server",
        access=PUBLIC,
        replies=(
            Reply(status=200, description="They can.", schema=_HEALTH),
            Reply(status=503, description="The database cannot be reached.", schema=_HEALTH),
        ),
    ),
    Operation(
        id="ping",
        method="get",
        path="/ping",
        summary="Whether the server is there",
        tag="Server",
        access=PUBLIC,
        replies=(Reply(status=200, description="`PONG.`", schema=_TEXT, media_type="text/plain"),),
    ),
    Operation(
        id="readMetrics",
        method="get",
        path="/metrics",
        summary="Counters for Prometheus",
        description="Takes the metrics key where one is set: `Authorization: Bearer <key>`.",
        tag="Server",
        access=PUBLIC,
        replies=(Reply(status=200, description="Prometheus text.", schema=_TEXT, media_type="text/plain"),),
        errors=(401,),
    ),
    Operation(
        id="describeServer",
        method="get",
        path="/openapi.json",
        summary="This document",
        description="As far as the caller may see it; without credentials only what needs none.",
        tag="Server",
        access=PUBLIC,
        replies=(_OPENAPI, Reply(status=304, description="Not changed.")),
        errors=(401,),
    ),
)


def every_operation() -> tuple[Operation, ...]:
    """What the whole server offers."""
    return (
        *OPERATIONS,
        *identity.operations.OPERATIONS,
        *connectors.operations.OPERATIONS,
        *notifications.operations.OPERATIONS,
        *tables.operations.OPERATIONS,
        *queries.operations.OPERATIONS,
    )


def every_tag() -> dict[str, str]:
    """The groups of operations, in order."""
    return {
        **TAGS,
        **identity.operations.TAGS,
        **connectors.operations.TAGS,
        **notifications.operations.TAGS,
        **tables.operations.TAGS,
        **queries.operations.TAGS,
    }


def information(settings: ServerSettings) -> Info:
    """The head of every document."""
    return Info("Penstock", __version__, _DESCRIPTION, (settings.public_url or "").rstrip("/") or "/")


def describe(principal: Principal | None, info: Info) -> dict[str, Any]:
    """The document for this caller."""
    shown = [operation for operation in every_operation() if operation.access.allows(principal)]
    return document(
        info,
        shown,
        schemas={**identity.operations.SCHEMAS, **tables.operations.SCHEMAS},
        tags=every_tag(),
    )


@get("/openapi.json")
async def openapi(request: http.AnyRequest) -> ASGIResponse:
    context = http.context(request)
    principal = (
        await identity.authenticate(context, request.scope) if identity.presented(request.scope) else None
    )
    documents, info = context.get(Documents), context.get(Info)
    key = frozenset(one.id for one in every_operation() if one.access.allows(principal))
    found = documents.find(key) or documents.make(key, lambda: http.encode(describe(principal, info)))
    return answer(request, found)
