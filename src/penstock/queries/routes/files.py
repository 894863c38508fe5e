"""HTTP for stored results: as an object, page by page, and as files in every format (contract section 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.identity import Principal
from penstock.kit import clock, errors, http, paging
from penstock.kit.context import Context
from penstock.kit.http import AnyRequest
from penstock.kit.streaming import Stream
from penstock.queries import store
from penstock.queries.exports import ARROW, FORMATS, ExportFormat, Options
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import Result
from penstock.queries.results.reading import ResultFiles
from penstock.queries.routes import explorer
from penstock.queries.routes.common import encode, number_of
from penstock.queries.routes.saved import ONE, is_slug, reader
from penstock.queries.routes.shapes import result_head
from penstock.queries.saved import SavedQuery
from penstock.queries.service import bound, reading
from penstock.queries.service import saved as service
from penstock.queries.service.addressed import values_of
from penstock.queries.service.asking import ready
from penstock.queries.service.reading import Results
from penstock.queries.settings import QueriesSettings
from penstock.queries.store.preferences import find_preferences

_YEAR: Final = 31_557_600  # seconds
_NONE: Final = "No cached result found for this query."
_UNUSABLE: Final = re.compile(r'[<>:"\\/|?*\s]')
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_RANGE: Final = re.compile(r"bytes=(?P<start>[0-9]{0,18})-(?P<end>[0-9]{0,18})", re.ASCII)
_MOST_ROWS: Final = 10_000  # of a page


@get("/api/query_results/{file:str}")
async def read_result(request: AnyRequest) -> ASGIResponse:
    """By its id, or as a file: `12`, `12.csv`."""
    principal = await reader(request)
    name, kind = _named(http.segment(request, "file"))
    found = await _found(request, principal, name)
    await _check_bound(request, principal, found)
    return await _answer(request, principal, found, kind, str(found.id), cached=True)


@get(f"{ONE}/results")
async def read_results(request: AnyRequest) -> ASGIResponse:
    """The newest rows of a query; in the explorer dialect, a page of them."""
    name = http.segment(request, "query_id")
    if is_slug(name):
        return await explorer.results(request, name)
    principal = await reader(request)
    query, found = await _latest(request, principal)
    return await _answer(request, principal, found, None, query.name or str(query.id))


@get(f"{ONE}/{{file:str}}")
async def read_results_file(request: AnyRequest) -> ASGIResponse:
    """`results.csv` and its like."""
    principal = await reader(request)
    name, kind = _named(http.segment(request, "file"))
    if name != "results" or kind is None:
        raise errors.NotFound("There is nothing at this address.")
    query, found = await _latest(request, principal)
    return await _answer(request, principal, found, kind, query.name or str(query.id))


@get(f"{ONE}/results/{{file:str}}")
async def read_query_result(request: AnyRequest) -> ASGIResponse:
    """A result by its id, under the query that it is of."""
    principal = await reader(request)
    query = await _query(request, principal)
    name, kind = _named(http.segment(request, "file"))
    found = await _found(request, principal, name)
    if found.request.text != query.text or found.data_source_id != query.data_source_id:
        raise errors.NotFound
    await bound.require(http.context(request), principal, query.id, found.request)
    return await _answer(request, principal, found, kind, query.name or str(query.id), cached=True)


async def _check_bound(request: AnyRequest, principal: Principal, found: Result) -> None:
    """The key of a query reads results of what that asks, whoever has asked it."""
    if principal.bound is None:
        return
    ctx = http.context(request)
    kind, number = principal.bound
    async with ctx.db.control.transaction() as conn:
        seen = await service.find(conn, principal, number if kind == bound.QUERY else None)
    query = seen.query
    if found.request.text != query.text or found.data_source_id != query.data_source_id:
        raise errors.NotFound
    await bound.require(ctx, principal, query.id, found.request)


def _named(text: str) -> tuple[str, ExportFormat | None]:
    """A name and the format after its dot. Raises `NotFound` for one that there is not."""
    name, dot, extension = text.partition(".")
    if not dot:
        return name, None
    kind = ARROW if extension == ARROW.name else FORMATS.get(extension)
    if kind is None:
        raise errors.NotFound(
            f"Results are not written as '{extension[:20]}'.",
            hint=f"The formats are {', '.join((*FORMATS, ARROW.name))}.",
        )
    return name, kind


async def _found(request: AnyRequest, principal: Principal, name: str) -> Result:
    ctx = http.context(request)
    number = number_of(name)
    if number is None:
        raise errors.NotFound
    return await ctx.get(Results).find(ctx, principal, number)


async def _query(request: AnyRequest, principal: Principal) -> SavedQuery:
    async with http.context(request).db.control.transaction() as conn:
        seen = await service.find(conn, principal, number_of(http.segment(request, "query_id")))
    return seen.query


async def _latest(request: AnyRequest, principal: Principal) -> tuple[SavedQuery, Result]:
    """The newest result that the caller would get, for the values that the address has."""
    query = await _query(request, principal)
    values = values_of(http.query(request), query.definitions)
    ctx = http.context(request)
    try:
        wanted = await ready(ctx, principal, query.request(values), query_id=query.id)
    except errors.BadRequest as error:
        raise errors.NotFound(_NONE, hint=error.message) from error
    async with ctx.db.control.transaction() as conn:
        found = await store.newest(conn, principal.org_id, wanted.query.fingerprint)
    if found is None:
        raise errors.NotFound(_NONE)
    return query, found


async def _answer(
    request: AnyRequest,
    principal: Principal,
    result: Result,
    kind: ExportFormat | None,
    name: str,
    *,
    cached: bool = False,
) -> ASGIResponse:
    ctx = http.context(request)
    headers = {"Cache-Control": f"private,max-age={_YEAR}"} if cached else {}
    if kind is None:
        return await answer_result(request, principal, result, headers)
    given = dict(http.query(request))
    headers["Content-Disposition"] = _disposition(name, kind)
    if kind is ARROW:
        return _answer_stored(request, ctx, result, headers)
    raw = given.get("raw") == "1"
    if kind is FORMATS["json"] and _is_small(result):
        return await _answer_whole(
            ctx, principal, result, headers, Instants.EXACT if raw else Instants.DASHBOARD
        )
    options = await _options(ctx, principal, result, raw=raw)
    return await _answer_file(request, ctx, result, kind, options, headers)


async def _answer_page(
    ctx: Context, principal: Principal, result: Result, given: Mapping[str, str], headers: Mapping[str, str]
) -> ASGIResponse:
    """Some rows of it, with how many there are."""
    number = paging.positive("page", given.get("page", "1"))
    size = min(paging.positive("page_size", given.get("page_size", "100")), _MOST_ROWS)
    rows = await reading.page(ctx, result, (number - 1) * size, size, Instants.DASHBOARD)
    head = {**result_head(result, principal), "count": result.file.rows, "page": number, "page_size": size}
    return http.raw_json(_object(head, result, rows), 200, headers)


def _is_small(result: Result) -> bool:
    """Whether all of its rows are a page."""
    return result.file.rows <= _MOST_ROWS and len(result.file.ends) <= 4


async def _answer_whole(
    ctx: Context, principal: Principal, result: Result, headers: Mapping[str, str], style: Instants
) -> ASGIResponse:
    rows = await reading.page(ctx, result, 0, _MOST_ROWS, style)
    return http.raw_json(_object(result_head(result, principal), result, rows), 200, headers)


def _object(head: Mapping[str, Any], result: Result, rows: bytes) -> bytes:
    cut = b'"truncated":true,' if result.file.truncated else b""
    before = b'{"query_result":' + encode(head)[:-1] + b',"data":{"columns":' + result.file.shown + b","
    return before + cut + b'"rows":[' + rows + b"]}}}"


async def answer_result(
    request: AnyRequest, principal: Principal, result: Result, headers: Mapping[str, str] | None = None
) -> ASGIResponse:
    """The object with all of its rows, however many, written as they are read; or with those of one page."""
    ctx = http.context(request)
    given = dict(http.query(request))
    if "page" in given or "page_size" in given:
        return await _answer_page(ctx, principal, result, given, headers or {})
    if _is_small(result):
        return await _answer_whole(ctx, principal, result, headers or {}, Instants.DASHBOARD)
    http.allow(request, ctx.settings(QueriesSettings).download_seconds)
    options = await _options(ctx, principal, result)
    return _stream(
        ctx, result, FORMATS["json"], options, {**(headers or {}), "Content-Type": "application/json"}
    )


async def _answer_file(
    request: AnyRequest,
    ctx: Context,
    result: Result,
    kind: ExportFormat,
    options: Options,
    headers: Mapping[str, str],
) -> ASGIResponse:
    if kind.most_rows is not None and result.file.rows > kind.most_rows:
        raise errors.BadRequest(
            f"The result has {result.file.rows:,} rows, and {kind.name} takes {kind.most_rows:,} at most.",
            hint="Download csv or parquet, or ask for fewer rows.",
        )
    http.allow(request, ctx.settings(QueriesSettings).download_seconds)
    return _stream(ctx, result, kind, options, {**headers, "Content-Type": kind.media_type})


async def _options(ctx: Context, principal: Principal, result: Result, *, raw: bool = False) -> Options:
    schema = await ctx.get(ResultFiles).schema(result.file)
    head = encode(result_head(result, principal))
    async with ctx.db.control.transaction() as conn:
        written = (await find_preferences(conn, principal.org_id)).instants
    truncated = result.file.truncated
    return Options(result.file.columns, schema, raw=raw, written=written, head=head, truncated=truncated)


def _stream(
    ctx: Context, result: Result, kind: ExportFormat, options: Options, headers: Mapping[str, str]
) -> Stream:
    patience = ctx.settings(QueriesSettings).download_patience
    return Stream(reading.opened(ctx, result, kind, options), headers, patience)


def _answer_stored(
    request: AnyRequest, ctx: Context, result: Result, headers: Mapping[str, str]
) -> ASGIResponse:
    """The file itself, or the part of it that is asked for (RFC 9110, section 14)."""
    settings = ctx.settings(QueriesSettings)
    http.allow(request, settings.download_seconds)
    size = result.file.size
    sent = {**headers, "Content-Type": ARROW.media_type, "Accept-Ranges": "bytes"}
    wanted = _range(http.header(request, b"range"), size)
    if wanted is None:
        sent["Content-Length"] = str(size)
        return Stream(reading.stored(ctx, result, 0, size), sent, settings.download_patience)
    start, end = wanted
    sent |= {"Content-Length": str(end - start), "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return Stream(reading.stored(ctx, result, start, end), sent, settings.download_patience, 206)


def _range(text: str | None, size: int) -> tuple[int, int] | None:
    """The one range that is asked for; None, which is the whole, for what is no such range or has nothing."""
    found = _RANGE.fullmatch(text.replace(" ", "")) if text else None
    if found is None or not (found["start"] or found["end"]):
        return None
    if found["start"]:
        start, end = int(found["start"]), min(int(found["end"]) + 1, size) if found["end"] else size
    else:
        start, end = max(size - int(found["end"]), 0), size
    return (start, end) if start < end else None


def _disposition(name: str, kind: ExportFormat) -> str:
    plain = _UNUSABLE.sub("_", _CONTROL.sub("", name))[:200]
    file = f"{plain}_{clock.now():%Y_%m_%d}.{kind.name}"
    if file.isascii():
        return f'attachment; filename="{file}"'
    return f"attachment; filename*=UTF-8''{quote(file, safe='')}"


ROUTES = (read_result, read_results, read_results_file, read_query_result)
