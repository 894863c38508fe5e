"""The OpenAPI document of an app, for what its reader may do there."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.kit import errors, http
from penstock.kit.http import AnyRequest
from penstock.kit.openapi import Documents, Info, answer
from penstock.tables import store
from penstock.tables.openapi import MAX_TABLES, describe_app
from penstock.tables.routes.common import Caller, Conn, app_for, parameters
from penstock.tables.rules.showing import shown
from penstock.tables.settings import TablesSettings


@get("/api/apps/{app:str}/openapi.json")
async def app_openapi(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(request, "tables")
    grant, app = await app_for(request, conn, principal, "app.read")
    names = _names(given.get("tables"))
    context = http.context(request)
    info, settings = context.get(Info), context.settings(TablesSettings)
    documents = context.get(Documents)
    version = await store.definitions_version(conn, grant)
    entries = await shown(conn, principal, await store.definitions(conn, grant, names, MAX_TABLES))
    known = tuple(entry.table.schema_hash for entry in entries)
    key = (app.id, app.updated_at, version, grant.role, tuple(sorted(principal.roles.items())), known, names)
    found = documents.find(key)
    if found is None:
        if names is not None:
            _require_all(names, {entry.table.name for entry in entries})

        def write() -> bytes:
            return http.encode(describe_app(grant, app, entries, info, settings.max_bulk_rows))

        # Hundreds of tables take a second, in which other requests want to be answered.
        found = await asyncio.to_thread(documents.make, key, write)
    return answer(request, found)


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(sorted({part.strip() for part in text.split(",") if part.strip()})[:MAX_TABLES])


def _require_all(names: tuple[str, ...], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise errors.Invalid({"tables": [f"This app has no table '{name[:80]}'."]})


ROUTES: tuple[Any, ...] = (app_openapi,)
