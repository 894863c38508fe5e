"""The audit log of the caller's org, for its admins."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec
from litestar import get
from litestar.response import Stream
from litestar.response.base import ASGIResponse

from penstock.identity import audit
from penstock.identity.access import grant
from penstock.identity.models import AuditEntry, Role
from penstock.identity.routes.common import Caller, Conn, enveloped, instant, page_or_first, parameters
from penstock.identity.schemas import AuditOut
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest

_EQUAL = ("actor", "action", "resource_kind", "resource_id")
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_SECONDS = 3600


@get("/api/audit")
async def list_entries(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Entries, newest first, a page at a time; `until` is exclusive."""
    given = parameters(request, "page", "page_size", "since", "until", *_EQUAL)
    page = page_or_first(request)
    allowed = grant(principal, "audit.read", Role.ADMIN)
    total, entries = await audit.entries(conn, allowed, page, _wanted(given))
    return http.json(enveloped(request, page, total, [AuditOut.of(entry) for entry in entries]))


@get("/api/audit/export")
async def export_entries(request: AnyRequest, principal: Caller) -> Stream:
    """All entries that fit, newest first, as a file that is written while it is read."""
    given = parameters(request, "format", "since", "until", *_EQUAL)
    allowed = grant(principal, "audit.export", Role.ADMIN)
    kind = given.get("format", "ndjson")
    if kind not in _MEDIA_TYPES:
        raise errors.Invalid({"format": [f"'{kind[:40]}' is not one of: {', '.join(_MEDIA_TYPES)}."]})
    http.allow(request, _SECONDS)
    entries = audit.export(http.context(request).db.control, allowed, _wanted(given))
    headers = {"Content-Disposition": f'attachment; filename="audit.{kind}"'}
    lines = _csv(entries) if kind == "csv" else _ndjson(entries)
    return Stream(lines, media_type=_MEDIA_TYPES[kind], headers=headers)


def _wanted(given: Mapping[str, str]) -> audit.Wanted:
    equal = {name: given.get(name) for name in _EQUAL}
    return audit.Wanted(since=instant(given, "since"), until=instant(given, "until"), **equal)


async def _ndjson(entries: AsyncGenerator[list[AuditEntry]]) -> AsyncGenerator[bytes]:
    async for some in entries:
        yield b"".join(http.encode(AuditOut.of(one)) + b"\n" for one in some)


async def _csv(entries: AsyncGenerator[list[AuditEntry]]) -> AsyncGenerator[bytes]:
    """`detail` is JSON."""
    names = AuditOut.__struct_fields__
    yield _lines([names])
    async for some in entries:
        rows = (msgspec.structs.asdict(AuditOut.of(one)) for one in some)
        yield _lines([_cell(row[name]) for name in names] for row in rows)


def _cell(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, Mapping) else value


def _lines(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


ROUTES = (list_entries, export_entries)
