"""The verbs of the explorer dialect: a query by layer and table or by SQL, under a slug, read page by page."""

from __future__ import annotations

import secrets
import string
from typing import Final

from penstock import tables
from penstock.identity import Principal, audit
from penstock.kit import errors, sql
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries.access import authorize
from penstock.queries.run.request import QueryRequest
from penstock.queries.saved import SavedQuery
from penstock.queries.service.authorizing import authorized
from penstock.queries.service.bound import author, give_key, within
from penstock.queries.store import saved

PAGE: Final = 100
_PREFIX: Final = "explorer-query-"
_LETTERS: Final = string.digits + string.ascii_uppercase
_TRIES: Final = 3  # with a tail of the same length
KIND: Final = "query"


def statement_of(layer: str, table: str, limit: int | None) -> str:
    """The SQL that stands for a table."""
    text = f"SELECT\n\t*\nFROM\n\t{sql.identifier(layer)}.{sql.identifier(table)}"
    return text if limit is None else f"{text}\nLIMIT {limit}"


async def create(ctx: Context, principal: Principal, text: str, layer: str | None) -> SavedQuery:
    """Store a query. It is checked, not run. Raises `BadRequest` for what could not be run either."""
    source_id = await _owner_of(ctx, principal, layer) if layer is not None else None
    await authorized(ctx, principal, QueryRequest(text=text, data_source_id=source_id))
    async with ctx.db.control.transaction() as conn:
        source = None
        if source_id is not None:
            source = await tables.numbered_source(conn, principal, source_id)
        grant = authorize(principal, "query.create", source)
        made = await _with_slug(conn, principal, text, source_id)
        await give_key(ctx, conn, principal, made)
        await audit.record(
            conn, grant.principal, "query.create", KIND, made.id, made.name, {"slug": made.slug}
        )
    return made


async def _owner_of(ctx: Context, principal: Principal, layer: str) -> int | None:
    """The data source of this slug; None where there are several or none, which resolving names tells better."""
    async with ctx.db.control.transaction() as conn:
        found = [one for one in await tables.numbered_sources(conn, principal) if one.slug == layer]
    return found[0].id if len(found) == 1 else None


def new_slug(length: int) -> str:
    """One that could be taken; its tail is never a number."""
    while (tail := "".join(secrets.choice(_LETTERS) for _ in range(length))).isdigit():
        pass
    return _PREFIX + tail


async def _with_slug(conn: Connection, principal: Principal, text: str, source_id: int | None) -> SavedQuery:
    length = 4
    while True:
        for _ in range(_TRIES):
            slug = new_slug(length)
            made = await saved.add_query(
                conn,
                {
                    "org_id": principal.org_id,
                    "slug": slug,
                    "name": slug,
                    "text": text,
                    "data_source_id": source_id,
                    "tags": ["explorer"],
                    "user_id": principal.user_id,
                    "key_id": principal.key_id if principal.user_id is None else None,
                    "modified_by": principal.user_id,
                    **author(principal),
                },
            )
            if made is not None:
                return made
        length += 1


async def find(ctx: Context, principal: Principal, slug: str) -> SavedQuery:
    """A query that the caller may run. Raises `NotFound` when there is none, or they may not know of it."""
    async with ctx.db.control.transaction() as conn:
        found = await saved.find_query(conn, principal.org_id, slug=slug)
        if found is None or found.is_archived or not await within(conn, principal, found.id):
            raise errors.NotFound("Query not found")
        source = None
        if found.data_source_id is not None:
            source = await tables.numbered_source(conn, principal, found.data_source_id)
            if source is None:
                raise errors.NotFound("Query not found")
    authorize(principal, "query.run", source)
    return found
