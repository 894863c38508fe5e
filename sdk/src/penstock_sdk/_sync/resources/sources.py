# Generated from _async/resources/sources.py by scripts/async_to_sync.py; change that file instead.

"""Data sources of an app."""

from __future__ import annotations

from typing import Any

from penstock_sdk._models import DataSource, DataSourceStats, DataSourceSummary, DataTableSummary
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.access import Access
from penstock_sdk._sync.resources.base import Resource, given, matching, segment, tagged
from penstock_sdk._sync.transport import Transport


class Sources(Resource):
    """The data sources of one app."""

    def __init__(self, transport: Transport, app_path: str) -> None:
        super().__init__(transport, f"{app_path}datasources/")

    def list(self, *, page_size: int = 100) -> Pager[DataSourceSummary]:
        """All data sources, page by page."""
        return self._pager(self._path, DataSourceSummary, page_size)

    def get(self, slug: str) -> DataSource:
        """One data source. A NotFoundError when there is none."""
        return tagged(self._transport.request("GET", self._of(slug)), DataSource)

    def create(
        self,
        name: str,
        *,
        slug: str | None = None,
        provider_type: str | None = None,
        provider_config: dict[str, Any] | None = None,
        description: str | None = None,
    ) -> DataSource:
        """A new data source; `provider_type` is `flat_table` unless given."""
        body = given(
            name=name,
            slug=slug,
            provider_type=provider_type,
            provider_config=provider_config,
            description=description,
        )
        return tagged(self._transport.request("POST", self._path, body=body), DataSource)

    def update(
        self,
        slug: str,
        *,
        name: str | None = None,
        description: str | None = None,
        if_match: str | None = None,
    ) -> DataSource:
        """Changes what is given."""
        body = given(name=name, description=description)
        answer = self._transport.request("PATCH", self._of(slug), body=body, headers=matching(if_match))
        return tagged(answer, DataSource)

    def delete(self, slug: str) -> None:
        """Deletes a data source with its tables."""
        self._transport.request("DELETE", self._of(slug))

    def tables(self, slug: str, *, page_size: int = 100) -> Pager[DataTableSummary]:
        """The tables of a data source."""
        return self._pager(f"{self._of(slug)}tables/", DataTableSummary, page_size)

    def stats(self, slug: str) -> DataSourceStats:
        """The tables of a data source, counted."""
        return (self._transport.request("GET", f"{self._of(slug)}stats/")).as_type(DataSourceStats)

    def access(self, slug: str) -> Access:
        """The roles held on a data source."""
        return Access(self._transport, f"{self._of(slug)}access/")

    def _of(self, slug: str) -> str:
        return f"{self._path}{segment(slug)}/"
