"""HTTP of the service behind the explorer dialect (contract section 13.5, v2): SQL in, links to files of rows out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from litestar import get, post
from litestar.response.base import ASGIResponse

from penstock import identity
from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.kit.http import AnyRequest
from penstock.kit.streaming import Stream
from penstock.queries import store
from penstock.queries.access import authorize
from penstock.queries.exports import FORMATS, Options
from penstock.queries.results.models import Result
from penstock.queries.results.reading import ResultFiles
from penstock.queries.routes import explorer
from penstock.queries.routes.common import object_body
from penstock.queries.run.request import QueryRequest
from penstock.queries.service import links, reading, waiting
from penstock.queries.service.authorizing import Readers
from penstock.queries.service.links import FileOptions, Link
from penstock.queries.settings import QueriesSettings

PATH: Final = "/api/v1/sql-query"
_DELIMITERS: Final = (",", ";", "|", ":", "\t")
_COMPRESSIONS: Final = {
    "csv": {"NONE": None, "GZIP": "gzip"},
    "parquet": {"SNAPPY": "snappy", "GZIP": "gzip", "NONE": "none", "ZSTD": "zstd"},
}
_OPTIONS: Final = {"csv": ("delimiter", "header", "compression"), "parquet": ("compression",)}
_GZIP: Final = "application/gzip"


@post(PATH, status_code=200)
async def run_sql_query(request: AnyRequest) -> ASGIResponse:
    """Runs it, unless rows of the same question are fresh, and waits for its end."""
    principal = await explorer.caller(request)
    authorize(principal, "query.run", None)
    text, options = _wanted(await object_body(request))
    ctx = http.context(request)
    settings = ctx.settings(QueriesSettings)
    http.allow(request, settings.query_timeout + 2 * explorer.LATER)
    try:
        outcome = await waiting.run(
            ctx,
            principal,
            QueryRequest(text=text),
            max_age=float(settings.explorer_fresh_seconds),
            seconds=settings.query_timeout + explorer.LATER,
        )
    except errors.BadRequest as error:
        error.more.update(_ended("FAILED", error.message))
        raise
    if outcome.result is None:
        state = "RUNNING" if outcome.error is None else "CANCELLED" if outcome.cancelled else "FAILED"
        return http.json(_ended(state, outcome.error))
    link = links.link_to(principal, outcome.result, options, settings.link_seconds)
    return http.json(
        {
            **_ended("SUCCEEDED", None),
            "presigned_urls": [_address(request, ctx, outcome.result, link)],
            "data_scanned_in_bytes": outcome.result.file.size,
            "execution_time_in_millis": round(outcome.result.runtime * 1000),
        }
    )


def _ended(state: str, reason: str | None) -> dict[str, Any]:
    return {
        "state": state,
        "presigned_urls": [],
        "data_scanned_in_bytes": 0,
        "execution_time_in_millis": 0,
        "state_change_reason": reason,
    }


def _address(request: AnyRequest, ctx: Context, result: Result, link: Link) -> str:
    """The token is not in the path, because paths are logged."""
    base = str(request.base_url).rstrip("/")
    token = links.sealed(ctx.keys.signing, link)
    return f"{base}{PATH}/files/{result.id}.{link.options.extension}?token={token}"


def _wanted(body: Mapping[str, Any]) -> tuple[str, FileOptions]:
    text = body.get("sql")
    if not isinstance(text, str) or not text.strip():
        raise errors.Invalid({"sql": ["It must be a string with a query."]})
    mode = body.get("mode")
    mode = "csv" if mode is None else mode
    if mode not in ("csv", "parquet"):
        raise errors.Invalid({"mode": ["It must be 'csv' or 'parquet'."]})
    given = body.get("mode_options")
    if given is not None and not isinstance(given, dict):
        raise errors.Invalid({"mode_options": ["It must be an object."]})
    return text, _options(mode, cast("dict[str, Any]", given or {}))


def _options(mode: str, given: Mapping[str, Any]) -> FileOptions:
    def refused(sentence: str) -> errors.Invalid:
        return errors.Invalid({"mode_options": [sentence]})

    unknown = sorted(set(given) - set(_OPTIONS[mode]))
    if unknown:
        known = ", ".join(_OPTIONS[mode])
        raise refused(f"'{unknown[0][:100]}' is no option of {mode}; its options are {known}.")
    delimiter = given.get("delimiter", ",")
    if delimiter not in _DELIMITERS:
        raise refused("`delimiter` must be a comma, a semicolon, a bar, a colon or a tab.")
    header = given.get("header", True)
    if not isinstance(header, bool):
        raise refused("`header` must be true or false.")
    names = _COMPRESSIONS[mode]
    compression = given.get("compression")
    compression = next(iter(names)) if compression is None else compression
    if not isinstance(compression, str) or compression.upper() not in names:
        raise refused(f"`compression` must be one of {', '.join(names)}.")
    return FileOptions(mode, delimiter, header, names[compression.upper()])


@get(f"{PATH}/files/{{file:str}}")
async def read_linked_file(request: AnyRequest) -> ASGIResponse:
    """The rows behind a link, as its maker would get them now."""
    ctx = http.context(request)
    link = links.opened(ctx.keys.signing, dict(http.query(request)).get("token", ""))
    if http.segment(request, "file") != f"{link.result_id}.{link.options.extension}":
        raise errors.NotFound
    try:
        maker = await identity.recall(ctx, org_id=link.org_id, user_id=link.user_id, key_id=link.key_id)
    except errors.Unauthorized as error:
        raise errors.Forbidden("Who made the link may no longer use it.") from error
    async with ctx.db.control.transaction() as conn:
        result = await store.result(conn, link.org_id, link.result_id)
    if result is None:
        raise errors.NotFound("The rows of this link are no longer there; run the query again.")
    await ctx.get(Readers).require(maker, result)
    settings = ctx.settings(QueriesSettings)
    http.allow(request, settings.download_seconds)
    return Stream(
        reading.opened(ctx, result, FORMATS[link.options.kind], await _written(ctx, result, link.options)),
        _headers(result, link.options),
        settings.download_patience,
    )


async def _written(ctx: Context, result: Result, wanted: FileOptions) -> Options:
    schema = await ctx.get(ResultFiles).schema(result.file)
    return Options(
        result.file.columns,
        schema,
        raw=True,
        delimiter=wanted.delimiter,
        header=wanted.header,
        compression=wanted.compression,
    )


def _headers(result: Result, wanted: FileOptions) -> dict[str, str]:
    packed = wanted.extension == "csv.gz"
    return {
        "Content-Type": _GZIP if packed else FORMATS[wanted.kind].media_type,
        "Content-Disposition": f'attachment; filename="result_{result.id}.{wanted.extension}"',
        "Cache-Control": "private, no-store",
    }


ROUTES = (run_sql_query, read_linked_file)
