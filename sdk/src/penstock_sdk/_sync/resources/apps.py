# Generated from _async/resources/apps.py by scripts/async_to_sync.py; change that file instead.

"""Apps, and the way from an app to what it holds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from penstock_sdk._models import App, AppStats, AppSummary
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.access import Access
from penstock_sdk._sync.resources.base import Resource, given, matching, segment, tagged
from penstock_sdk._sync.resources.sources import Sources
from penstock_sdk._sync.resources.tables import TableHandle, Tables
from penstock_sdk._sync.resources.webhooks import Webhooks
from penstock_sdk._sync.transport import Transport


class Apps(Resource):
    """The apps the caller may see."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/apps/")

    def list(self, *, page_size: int = 100) -> Pager[AppSummary]:
        """All apps, page by page."""
        return self._pager(self._path, AppSummary, page_size)

    def get(self, slug: str) -> App:
        """One app. A NotFoundError when there is none, or it was deleted."""
        return tagged(self._transport.request("GET", self._of(slug)), App)

    def create(self, name: str, *, slug: str | None = None, description: str | None = None) -> App:
        """A new app; the slug is derived from the name when none is given."""
        body = given(name=name, slug=slug, description=description)
        return tagged(self._transport.request("POST", self._path, body=body), App)

    def update(
        self,
        slug: str,
        *,
        name: str | None = None,
        description: str | None = None,
        if_match: str | None = None,
    ) -> App:
        """Changes what is given; the slug stays."""
        body = given(name=name, description=description)
        answer = self._transport.request("PATCH", self._of(slug), body=body, headers=matching(if_match))
        return tagged(answer, App)

    def delete(self, slug: str) -> None:
        """Deletes an app with its data sources and tables; `restore` brings all of it back."""
        self._transport.request("DELETE", self._of(slug))

    def restore(self, slug: str) -> None:
        """Brings a deleted app back, with what its deletion took along."""
        self._transport.request("POST", f"{self._of(slug)}restore/")

    def stats(self, slug: str) -> AppStats:
        """The data sources and tables of an app, counted."""
        return (self._transport.request("GET", f"{self._of(slug)}stats/")).as_type(AppStats)

    def _of(self, slug: str) -> str:
        return f"{self._path}{segment(slug)}/"


class AppHandle:
    """One app by its slug, without asking the server."""

    def __init__(self, transport: Transport, slug: str) -> None:
        self.slug = slug
        self._transport = transport
        path = f"/api/apps/{segment(slug)}/"
        self.sources = Sources(transport, path)
        self.tables = Tables(transport, path)
        self.webhooks = Webhooks(transport, path)
        self.access = Access(transport, f"{path}access/")

    def batch(
        self, steps: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[dict[str, Any]]:
        """Does several writes on tables of this app as one; gives `id`, `op`, `table`, `status` and `body` of each.

        A step is such as `{"id": "a", "op": "create", "table": "orders", "data": {…}}`; `{"$ref": "a.id"}` in a later
        one stands for a field of what it answered. When a step is refused nothing is done.
        """
        answer = self._transport.request(
            "POST",
            f"/api/apps/{segment(self.slug)}/batch/",
            body={"steps": list(steps)},
            # The key makes the server answer a repeated request from memory, so that it may be sent again.
            headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        )
        return answer.json()["steps"]

    def table(self, name: str) -> TableHandle:
        """One table by its name, without asking the server."""
        return TableHandle(self._transport, f"/api/apps/{segment(self.slug)}/", name)
