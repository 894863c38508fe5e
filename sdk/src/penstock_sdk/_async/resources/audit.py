"""The audit log of the org."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Literal

from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.resources.base import AsyncResource, given
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._models import AuditEntry


class AsyncAudit(AsyncResource):
    """Who changed what, for admins of the org; newest first. `until` is exclusive."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/audit/")

    def list(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        resource_kind: str | None = None,
        resource_id: str | int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 100,
    ) -> AsyncPager[AuditEntry]:
        """The entries that fit what is given."""
        return self._pager(
            self._path,
            AuditEntry,
            page_size,
            _wanted(actor, action, resource_kind, resource_id, since, until),
        )

    async def export(
        self,
        format: Literal["ndjson", "csv"] = "ndjson",
        *,
        actor: str | None = None,
        action: str | None = None,
        resource_kind: str | None = None,
        resource_id: str | int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[bytes]:
        """All entries that fit what is given as a file, piece by piece."""
        wanted = _wanted(actor, action, resource_kind, resource_id, since, until)
        params = [("format", format), *wanted]
        async with self._transport.stream("GET", f"{self._path}export/", params=params) as answer:
            async for piece in answer.aiter_bytes():
                yield piece


def _wanted(
    actor: str | None,
    action: str | None,
    resource_kind: str | None,
    resource_id: str | int | None,
    since: datetime | None,
    until: datetime | None,
) -> list[tuple[str, str]]:
    named = given(
        actor=actor,
        action=action,
        resource_kind=resource_kind,
        resource_id=resource_id,
        since=_instant(since),
        until=_instant(until),
    )
    return [(name, str(value)) for name, value in named.items()]


def _instant(moment: datetime | None) -> str | None:
    """Without a zone it is UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
