# Generated from _async/resources/audit.py by scripts/async_to_sync.py; change that file instead.

"""The audit log of the org."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from penstock_sdk._models import AuditEntry
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import Resource, given
from penstock_sdk._sync.transport import Transport


class Audit(Resource):
    """Who changed what, for admins of the org; newest first. `until` is exclusive."""

    def __init__(self, transport: Transport) -> None:
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
    ) -> Pager[AuditEntry]:
        """The entries that fit what is given."""
        return self._pager(
            self._path,
            AuditEntry,
            page_size,
            _wanted(actor, action, resource_kind, resource_id, since, until),
        )

    def export(
        self,
        format: Literal["ndjson", "csv"] = "ndjson",
        *,
        actor: str | None = None,
        action: str | None = None,
        resource_kind: str | None = None,
        resource_id: str | int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[bytes]:
        """All entries that fit what is given as a file, piece by piece."""
        wanted = _wanted(actor, action, resource_kind, resource_id, since, until)
        params = [("format", format), *wanted]
        with self._transport.stream("GET", f"{self._path}export/", params=params) as answer:
            yield from answer.iter_bytes()


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
