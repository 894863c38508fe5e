"""The audit log of the caller's org, for its admins."""

from __future__ import annotations

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.identity import audit
from penstock.identity.access import grant
from penstock.identity.models import Role
from penstock.identity.routes.common import Caller, Conn, enveloped, instant, page_or_first, parameters
from penstock.identity.schemas import AuditOut
from penstock.kit import http
from penstock.kit.http import AnyRequest

_EQUAL = ("actor", "action", "resource_kind", "resource_id")


@get("/api/audit")
async def list_entries(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Entries, newest first, a page at a time; `until` is exclusive."""
    given = parameters(request, "page", "page_size", "since", "until", *_EQUAL)
    page = page_or_first(request)
    total, entries = await audit.entries(
        conn,
        grant(principal, "audit.read", Role.ADMIN),
        page,
        since=instant(given, "since"),
        until=instant(given, "until"),
        **{name: given.get(name) for name in _EQUAL},
    )
    return http.json(enveloped(request, page, total, [AuditOut.of(entry) for entry in entries]))


ROUTES = (list_entries,)
