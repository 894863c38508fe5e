"""Making a result: an authorized query is run where it belongs, and what it answers is stored."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries import store
from penstock.queries.models import AuthorizedQuery, QueryRows
from penstock.queries.results.models import StoredFile
from penstock.queries.results.reading import ResultFiles
from penstock.queries.run.hashing import hash_of
from penstock.queries.run.request import QueryRequest
from penstock.queries.run.systems import MYSQL
from penstock.queries.settings import QueriesSettings

Told = Callable[[int], Awaitable[None]]
# What else is true once the result is there, in the same transaction.
And = Callable[[Connection, int], Awaitable[None]]


async def make(
    ctx: Context,
    query: AuthorizedQuery,
    request: QueryRequest,
    query_id: int | None,
    told: Told,
    and_then: And | None = None,
) -> StoredFile:
    """Run it and store the result. Raises as `run.execute` does."""
    if query.paused is not None:
        raise errors.Terminal(query.paused)
    begun = time.monotonic()
    file = await _run(ctx, query, told)
    wanted = store.Wanted(
        query.org_id,
        query.fingerprint,
        request,
        hash_of(request.text),
        request.text,
        query_id,
        time.monotonic() - begun,
    )
    try:
        async with ctx.db.control.transaction() as conn:
            result_id = await store.add_result(conn, wanted, file)
            if and_then is not None:
                await and_then(conn, result_id)
    except BaseException:
        ctx.get(ResultFiles).objects.delete(file.name)
        raise
    return file


async def _run(ctx: Context, query: AuthorizedQuery, told: Told) -> StoredFile:
    from penstock.queries.run.execute import execute

    if query.inputs is None and (query.source is None or query.source.provider != MYSQL):
        return await execute(ctx, query, told)
    from penstock.queries.engine.run import execute_engine, execute_mysql

    if query.inputs is None:
        return await execute_mysql(ctx, query, told)

    async def answers(rows: QueryRows) -> StoredFile:
        return await _answer(ctx, rows, told)

    return await execute_engine(ctx, query, told, answers)


async def _answer(ctx: Context, rows: QueryRows, told: Told) -> StoredFile:
    """The result that a query has already, when it is young enough, or else the one that it has now."""
    fresh = None if rows.is_stored else float(ctx.settings(QueriesSettings).nested_fresh_seconds)
    async with ctx.db.control.transaction() as conn:
        found = await store.newest(conn, rows.query.org_id, rows.query.fingerprint, fresh)
    if found is not None:
        return found.file
    if rows.is_stored:
        raise errors.Terminal(f"No cached result available for query {rows.query_id}.")
    return await make(ctx, rows.query, rows.request, rows.query_id, told)
