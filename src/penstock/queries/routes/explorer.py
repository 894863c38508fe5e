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
from penstock.kit.jobs import RunState
from penstock.queries import store
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import Result
from penstock.queries.saved import SavedQuery
from penstock.queries.service import explorer, reading
from penstock.queries.service.asking import ask
from penstock.queries.service.runs import ended, result_of
from penstock.queries.settings import QueriesSettings

KEYS: Final = ("sql_query", "layer", "table")
_LATER: Final = 5.0  # seconds that an answer may take beyond its query
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_LONGEST_NAME: Final = 200
NO_KEY: Final = "Missing API key. Please provide 'x-api-key' header"
BAD_KEY: Final = "Invalid API key"


async def caller(request: AnyRequest) -> Principal:
    """Who calls, refused in the words of this dialect."""
    try:
        return await identity.authenticate(http.context(request), request.scope)
    except errors.Unauthorized as error:
        given = identity.presented(request.scope) and http.header(request, b"x-api-key") != ""
        sentence = BAD_KEY if given else NO_KEY
        raise errors.Unauthorized(sentence, hint=error.hint) from error


async def create(request: AnyRequest, body: Mapping[str, Any]) -> ASGIResponse:
    principal = await caller(request)
    text, layer = _wanted(body)
    made = await explorer.create(http.context(request), principal, text, layer)
    return http.json(
        {
            "query_slug": made.slug,
            "sql_query": made.text,
            "status": "success",
            "message": "Query created successfully",
        }
    )


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


async def results(request: AnyRequest, slug: str) -> ASGIResponse:
    principal = await caller(request)
    number = _page(dict(http.query(request)))
    try:
        body = await _results(request, principal, slug, number)
    except errors.NotFound as error:
        more = {"query_slug": slug, "page_number": number, "details": error.message or "Query not found"}
        raise errors.NotFound("Query execution failed", more=more) from error
    return http.raw_json(body)


async def _results(request: AnyRequest, principal: Principal, slug: str, number: int) -> bytes:
    ctx = http.context(request)
    query = await explorer.find(ctx, principal, slug)
    found = await _snapshot(request, ctx, principal, query, number)
    start = (number - 1) * explorer.PAGE
    rows = await reading.page(ctx, found, start, explorer.PAGE, Instants.EXPLORER)
    name = msgspec.json.encode(query.slug)
    return b'{"query_slug":%b,"page":%d,"data":[%b]}' % (name, number, rows)


async def _snapshot(
    request: AnyRequest, ctx: Context, principal: Principal, query: SavedQuery, number: int
) -> Result:
    """The rows to page through: the first page has them made anew when they are old, a later one never."""
    settings = ctx.settings(QueriesSettings)
    max_age = float(settings.explorer_fresh_seconds) if number == 1 else None
    try:
        answer = await ask(ctx, principal, query.request(limited=False), max_age=max_age, query_id=query.id)
    except errors.BadRequest as error:
        raise _failed(query, number, error.message) from error
    if answer.result is not None:
        return answer.result
    assert answer.run_id is not None
    seconds = settings.query_timeout
    http.allow(request, seconds + 2 * _LATER)
    view = await ended(ctx, principal.org_id, answer.run_id, seconds + _LATER)
    result_id = result_of(view)
    if result_id is not None:
        async with ctx.db.control.transaction() as conn:
            found = await store.result(conn, principal.org_id, result_id)
        if found is not None:
            return found
    if view.finished_at is None:
        raise _failed(query, number, f"Query execution timed out after {seconds:g}s")
    cancelled = view.state in (RunState.CANCELLED, RunState.ABORTED)
    raise _failed(query, number, "Query cancelled by user." if cancelled else view.error or "Unknown error")


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
