"""What a parameter may be that goes by another query: the values of that one's newest result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries import store
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import Result
from penstock.queries.results.reading import ResultFiles
from penstock.queries.service import saved
from penstock.queries.service.authorizing import authorized

_MOST: Final = 10_000
DETACHED: Final = "This query is detached from any data source. Please select a different query."


async def choices(ctx: Context, principal: Principal, definition: Mapping[str, Any]) -> list[str]:
    """Raises `BadRequest` when there is no such query, or nobody has run it."""
    query_id = definition.get("queryId")
    try:
        async with ctx.db.control.transaction() as conn:
            seen = await saved.find(conn, principal, query_id if isinstance(query_id, int) else None)
        query = await authorized(ctx, principal, seen.query.request())
    except errors.NotFound as error:
        raise errors.BadRequest(DETACHED) from error
    async with ctx.db.control.transaction() as conn:
        found = await store.newest(conn, principal.org_id, query.fingerprint)
    if found is None:
        raise errors.BadRequest(f"Query {query_id}, whose values the parameter takes, has not been run.")
    return await _values(ctx, found)


async def _values(ctx: Context, result: Result) -> list[str]:
    """The column `value`, or else the first one, as text."""
    from penstock.queries.results.texts import plain_texts  # noqa: PLC0415  (Arrow is large)

    columns = result.file.columns
    place = next((n for n, one in enumerate(columns) if one.name.lower() == "value"), 0)
    found: list[str] = []
    for batch in await ctx.get(ResultFiles).page(result.file, 0, _MOST):
        texts = plain_texts(batch.column(place), columns[place], Instants.EXACT)
        found += [text for text in texts.to_pylist() if text is not None]
    return found
