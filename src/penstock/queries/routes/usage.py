"""HTTP for what people did, as their clients report it (contract section 12.5). What changed is in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import msgspec
from litestar import get, post
from litestar.response.base import ASGIResponse

from penstock.identity import Principal, Role
from penstock.kit import clock, errors, http
from penstock.kit.http import AnyRequest
from penstock.queries.routes.common import answer_page, moment, null, page_of, sound
from penstock.queries.routes.saved import caller
from penstock.queries.store import usage as store
from penstock.queries.store.usage import UsageEvent

_ALL: Final = "/api/events"
_MOST: Final = 100  # of a request
_LONGEST: Final = 255
_MOST_DETAILS: Final = 1024  # bytes
_AHEAD: Final = timedelta(days=1)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_OWN: Final = ("action", "object_type", "object_id", "timestamp")


@post(_ALL, status_code=200)
async def report_events(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    listed = http.decode(await http.body(request), list[Any])
    if len(listed) > _MOST:
        raise errors.BadRequest(
            f"At most {_MOST} events are taken at a time, and the body has {len(listed):,}."
        )
    if not sound(listed):
        raise errors.BadRequest("The body has a NUL character, or is nested too deeply.")
    browser = (http.header(request, b"user-agent") or "")[:_LONGEST].replace("\0", "") or None
    found = [_read(principal, browser, number, one) for number, one in enumerate(listed)]
    if found:
        async with http.context(request).db.control.transaction() as conn:
            await store.add_events(conn, found)
    return null()


@get(_ALL)
async def list_events(request: AnyRequest) -> ASGIResponse:
    """The newest first."""
    principal = await caller(request)
    if (principal.org_role or 0) < Role.ADMIN:
        raise errors.Forbidden
    page = page_of(request)
    async with http.context(request).db.control.transaction() as conn:
        total, found = await store.list_events(conn, principal.org_id, page.size, page.offset)
    return answer_page(page, total, [_shown(one) for one in found])


def _read(principal: Principal, browser: str | None, number: int, given: Any) -> UsageEvent:
    """Raises `BadRequest`, which says which of them cannot be."""
    if not isinstance(given, dict):
        raise errors.BadRequest(f"Event {number} must be an object.")
    one = cast("dict[str, Any]", given)
    details = {name: value for name, value in one.items() if name not in _OWN}
    if len(msgspec.json.encode(details)) > _MOST_DETAILS:
        raise errors.BadRequest(f"Event {number} has more than {_MOST_DETAILS:,} bytes of details.")
    object_id = one.get("object_id")
    if isinstance(object_id, int) and not isinstance(object_id, bool):
        object_id = str(object_id)
    return UsageEvent(
        org_id=principal.org_id,
        user_id=principal.user_id,
        user_name=principal.username,
        action=_text(number, one, "action"),
        object_type=_text(number, one, "object_type"),
        object_id=None if object_id is None else _text(number, {"object_id": object_id}, "object_id"),
        browser=browser,
        details=details,
        created_at=_instant(number, one.get("timestamp")),
    )


def _text(number: int, one: Mapping[str, Any], name: str) -> str:
    value = one.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
        raise errors.BadRequest(f"`{name}` of event {number} must be a text of 1 to {_LONGEST} characters.")
    return value


def _instant(number: int, value: Any) -> datetime:
    """Now for who does not say."""
    now = clock.now()
    if value is None:
        return now
    try:
        found = datetime.fromtimestamp(value, UTC) if not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError, OSError):
        found = None
    if found is None or not _EARLIEST <= found <= now + _AHEAD:
        raise errors.BadRequest(
            f"`timestamp` of event {number} must be a time in seconds since 1970, from 2000 until now."
        )
    return found


def _shown(one: UsageEvent) -> dict[str, Any]:
    return {
        "org_id": one.org_id,
        "user_id": one.user_id,
        "user_name": one.user_name,
        "action": one.action,
        "object_type": one.object_type,
        "object_id": one.object_id,
        "created_at": moment(one.created_at),
        "browser": one.browser,
        # No addresses are kept.
        "location": None,
        "details": one.details,
    }


ROUTES = (report_events, list_events)
