"""Data sources of an app."""

from __future__ import annotations

from typing import Any

from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.resources.access import AsyncAccess
from penstock_sdk._async.resources.base import AsyncResource, given, matching, segment, tagged
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._models import DataSource, DataSourceStats, DataSourceSummary, DataTableSummary


class AsyncSources(AsyncResource):
    """The data sources of one app."""

    def __init__(self, transport: AsyncTransport, app_path: str) -> None:
        super().__init__(transport, f"{app_path}datasources/")

    def list(self, *, page_size: int = 100) -> AsyncPager[DataSourceSummary]:
        """All data sources, page by page."""
        return self._pager(self._path, DataSourceSummary, page_size)

    async def get(self, slug: str) -> DataSource:
        """One data source. A NotFoundError when there is none."""
        return tagged(await self._transport.request("GET", self._of(slug)), DataSource)

    async def create(
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
        return tagged(await self._transport.request("POST", self._path, body=body), DataSource)

    async def update(
        self,
        slug: str,
        *,
        name: str | None = None,
        description: str | None = None,
        if_match: str | None = None,
    ) -> DataSource:
        """Changes what is given."""
        body = given(name=name, description=description)
        answer = await self._transport.request("PATCH", self._of(slug), body=body, headers=matching(if_match))
        return tagged(answer, DataSource)

    async def delete(self, slug: str) -> None:
        """Deletes a data source with its tables."""
        await self._transport.request("DELETE", self._of(slug))

    def tables(self, slug: str, *, page_size: int = 100) -> AsyncPager[DataTableSummary]:
        """The tables of a data source."""
        return self._pager(f"{self._of(slug)}tables/", DataTableSummary, page_size)

    async def stats(self, slug: str) -> DataSourceStats:
        """The tables of a data source, counted."""
        return (await self._transport.request("GET", f"{self._of(slug)}stats/")).as_type(DataSourceStats)

    def access(self, slug: str) -> AsyncAccess:
        """The roles held on a data source."""
        return AsyncAccess(self._transport, f"{self._of(slug)}access/")

    def _of(self, slug: str) -> str:
        return f"{self._path}{segment(slug)}/"
