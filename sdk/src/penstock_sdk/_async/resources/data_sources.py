"""Data sources as queries know them: those of all apps and foreign ones, by number."""

from __future__ import annotations

from penstock_sdk._async.resources.base import AsyncResource, segment
from penstock_sdk._async.resources.jobs import AsyncJobs
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._query_models import QuerySource, SourceTable, job_of, tables_of
from penstock_sdk._results import chosen_source, refuse_failure

# Inside the class `list` is its method.
_Sources = list[QuerySource]
_Tables = list[SourceTable]


class AsyncDataSources(AsyncResource):
    """The data sources that the caller may ask."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/data_sources")

    async def list(self) -> _Sources:
        """All of them."""
        return (await self._transport.request("GET", self._path)).as_type(_Sources)

    async def get(self, number: int) -> QuerySource:
        """One by its number. A NotFoundError when there is none."""
        return (await self._transport.request("GET", self._of(number))).as_type(QuerySource)

    async def find(self, wanted: str | None = None) -> QuerySource:
        """The one that `app/slug`, a slug or a name means; the only one there is when nothing is said.

        A ConfigurationError that names those there are when it is none, or more than one.
        """
        return chosen_source(await self.list(), wanted)

    async def number_of(self, wanted: int | str | None = None) -> int:
        """The number of the one that is meant, which may be its number."""
        return wanted if isinstance(wanted, int) else (await self.find(wanted)).id

    async def tables(self, number: int, *, refresh: bool = False) -> _Tables:
        """The tables of a data source with their columns; `refresh` has the server look them up anew."""
        params = [("refresh", "true")] if refresh else []
        body = (await self._transport.request("GET", f"{self._of(number)}/schema", params=params)).json()
        if "schema" in body:
            return tables_of(body["schema"])
        job = await AsyncJobs(self._transport).wait(job_of(body))
        refuse_failure(job)
        return tables_of(job.result)

    def _of(self, number: int) -> str:
        return f"{self._path}/{segment(number)}"
