"""HTTP of the explorer dialect (contract section 13): create a query, read its rows in pages of 100."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar.response.base import ASGIResponse

from penstock import identity
from penstock.identity import Principal
from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.kit.http import AnyRequest
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import Result, StoredFile
from penstock.queries.saved import SavedQuery
from penstock.queries.service import explorer, reading, waiting
from penstock.queries.service.upstream import Bridge
from penstock.queries.settings import QueriesSettings

KEYS: Final = ("sql_query", "layer", "table")
LATER: Final = 5.0  # seconds that an answer may take beyond its query
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_LONGEST_NAME: Final = 200
_LONGEST_KEY: Final = 4096
# How it is told that the other service did not do what was asked.
_OF_SERVICE: Final = (
    errors.BadRequest,
    errors.NotFound,
    errors.BadGateway,
    errors.Unavailable,
    errors.GatewayTimeout,
)
NO_KEY: Final = "Missing API key. Please provide 'x-api-key' header"
BAD_KEY: Final = "Invalid API key"


async def caller(request: AnyRequest, *, bound: bool = False) -> Principal:
    """Who calls, refused in the words of this dialect; with `bound` also the key of a query."""
    try:
        return await identity.authenticate(http.context(request), request.scope, bound=bound)
    except errors.Unauthorized as error:
        given = identity.presented(request.scope) and http.header(request, b"x-api-key") != ""
        sentence = BAD_KEY if given else NO_KEY
        raise errors.Unauthorized(sentence, hint=error.hint) from error


async def create(request: AnyRequest, body: Mapping[str, Any]) -> ASGIResponse:
    ctx = http.context(request)
    bridge = _bridge(ctx)
    if bridge is None:
        principal = await caller(request)
        text, layer = _wanted(body)
        slug = (await explorer.create(ctx, principal, text, layer)).slug
    else:
        key = _key(request)
        text, _ = _wanted(body)
        http.allow(request, ctx.settings(QueriesSettings).query_timeout + LATER)
        slug = await bridge.create(key, text)
    return http.json(
        {
            "query_slug": slug,
            "sql_query": text,
            "status": "success",
            "message": "Query created successfully",
        }
    )


def _bridge(ctx: Context) -> Bridge | None:
    """The way to the service that runs the queries of this dialect, where a setting names one."""
    return ctx.get(Bridge) if ctx.settings(QueriesSettings).explorer_upstream is not None else None


def _key(request: AnyRequest) -> str:
    """That of the other service: what else a request carries is of this server, and is not for others."""
    key = (http.header(request, b"x-api-key") or "").strip()
    if not key:
        raise errors.Unauthorized(NO_KEY)
    if len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise errors.Unauthorized(BAD_KEY)
    return key


def _wanted(body: Mapping[str, Any]) -> tuple[str, str | None]:
    """The SQL, and the layer that it is about when one is named."""
    if not body:
        raise errors.BadRequest("No JSON data provided")
    text = _text(body, "sql_query")
    if text:
        extra = [name for name in ("layer", "table", "limit") if body.get(name) is not None]
        if extra:
            raise errors.BadRequest(
                "When 'sql_query' is provided, these parameters are not allowed: " + ", ".join(extra)
            )
        return text, None
    for name in ("layer", "table"):
        if not _text(body, name):
            raise errors.BadRequest(f"Missing required parameter '{name}' when 'sql_query' is not provided")
    layer, table = body["layer"], body["table"]
    return explorer.statement_of(layer, table, _limit(body.get("limit"))), layer


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise errors.BadRequest(f"Parameter '{name}' must be a string")
    if "\0" in value:
        raise errors.BadRequest(f"Parameter '{name}' must not have a NUL character")
    if name != "sql_query" and len(value) > _LONGEST_NAME:
        raise errors.BadRequest(f"Parameter '{name}' must have at most {_LONGEST_NAME} characters")
    return value.strip() and value


def _limit(value: Any) -> int | None:
    if value is None:
        return None
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = int(value)
    if number is None or abs(number) >= 2**63:
        raise errors.BadRequest("Limit must be a valid integer")
    if number <= 0:
        raise errors.BadRequest("Limit must be a positive integer")
    return number


async def refuse_run(request: AnyRequest) -> None:
    """Its queries run when their rows are read."""
    if _bridge(http.context(request)) is None:
        await caller(request)
    else:
        _key(request)
    raise errors.MethodNotAllowed("Method not allowed", headers={"Allow": "GET, HEAD"})


async def results(request: AnyRequest, slug: str) -> ASGIResponse:
    bridge = _bridge(http.context(request))
    read = _results if bridge is None else _bridged
    return await read(request, slug)


async def _results(request: AnyRequest, slug: str) -> ASGIResponse:
    principal = await caller(request, bound=True)
    number = _page(dict(http.query(request)))
    ctx = http.context(request)
    try:
        query = await explorer.find(ctx, principal, slug)
        found = await _snapshot(request, ctx, principal, query, number)
        return await _answer(ctx, slug, number, found.file)
    except errors.NotFound as error:
        more = {"query_slug": slug, "page_number": number, "details": error.message or "Query not found"}
        raise errors.NotFound("Query execution failed", more=more) from error


async def _bridged(request: AnyRequest, slug: str) -> ASGIResponse:
    """The same of rows that another service has."""
    ctx = http.context(request)
    bridge = ctx.get(Bridge)
    key = _key(request)
    number = _page(dict(http.query(request)))
    http.allow(request, ctx.settings(QueriesSettings).query_timeout + 2 * LATER)
    try:
        return await _answer(ctx, slug, number, await bridge.rows(key, slug, anew=number == 1))
    except _OF_SERVICE as error:
        error.more |= {"query_slug": slug, "page_number": number, "details": error.message}
        error.message = "Query execution failed"
        raise


async def _answer(ctx: Context, slug: str, number: int, file: StoredFile) -> ASGIResponse:
    start = (number - 1) * explorer.PAGE
    rows = await reading.rows(ctx, file, start, explorer.PAGE, Instants.EXPLORER)
    return http.raw_json(
        b'{"query_slug":%b,"page":%d,"data":[%b]}' % (msgspec.json.encode(slug), number, rows)
    )


async def _snapshot(
    request: AnyRequest, ctx: Context, principal: Principal, query: SavedQuery, number: int
) -> Result:
    """The rows to page through: the first page has them made anew when they are old, a later one never."""
    settings = ctx.settings(QueriesSettings)
    max_age = float(settings.explorer_fresh_seconds) if number == 1 else None
    seconds = settings.query_timeout
    wanted = query.request(limited=False)
    if number > 1 and (known := await waiting.reread(ctx, principal, wanted)) is not None:
        return known
    http.allow(request, seconds + 2 * LATER)
    try:
        outcome = await waiting.run(
            ctx,
            principal,
            wanted,
            max_age=max_age,
            seconds=seconds + LATER,
            query_id=query.id,
        )
    except errors.BadRequest as error:
        raise _failed(query, number, error.message) from error
    if outcome.result is not None:
        return outcome.result
    raise _failed(query, number, outcome.error or f"Query execution timed out after {seconds:g}s")


def _failed(query: SavedQuery, number: int, details: str) -> errors.BadRequest:
    more = {"query_slug": query.slug, "page_number": number, "details": details}
    return errors.BadRequest("Query execution failed", more=more)


def _page(given: Mapping[str, str]) -> int:
    text = given.get("page_number", "1").strip()
    if not _NUMBER.fullmatch(text):
        raise errors.BadRequest("Page number must be a valid integer")
    if int(text) < 1:
        raise errors.BadRequest("Page number must be a positive integer")
    return int(text)
