"""Data sources as queries know them: those of all apps and foreign ones, by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock_sdk._async.resources.base import AsyncResource, given, segment
from penstock_sdk._async.resources.jobs import AsyncJobs
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._query_models import QuerySource, SourceCheck, SourceKind, SourceTable, job_of, tables_of
from penstock_sdk._results import chosen_source, refuse_failure

# Inside the class `list` is its method.
_Sources = list[QuerySource]
_Tables = list[SourceTable]
_Kinds = list[SourceKind]


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

    async def kinds(self) -> _Kinds:
        """The types of foreign data sources, with what they take; for admins."""
        return (await self._transport.request("GET", f"{self._path}/types")).as_type(_Kinds)

    async def create(self, name: str, type: str, options: Mapping[str, Any] | None = None) -> QuerySource:
        """Connects a foreign one. `options` are settings and secrets together, or `{"credential": name}`."""
        body = {"name": name, "type": type, "options": dict(options or {})}
        return (await self._transport.request("POST", self._path, body=body)).as_type(QuerySource)

    async def update(
        self, number: int, *, name: str | None = None, options: Mapping[str, Any] | None = None
    ) -> QuerySource:
        """Changes what is given; `options` replace the old ones, and a secret of `--------` stays."""
        body = given(name=name, options=options)
        return (await self._transport.request("POST", self._of(number), body=body)).as_type(QuerySource)

    async def delete(self, number: int) -> None:
        """Disconnects it: its results go, its queries stay without a data source."""
        await self._transport.request("DELETE", self._of(number))

    async def test(self, number: int) -> SourceCheck:
        """Tries to connect."""
        return (await self._transport.request("POST", f"{self._of(number)}/test", body={})).as_type(
            SourceCheck
        )

    async def pause(self, number: int, reason: str | None = None) -> QuerySource:
        """Nobody asks it for a while; results that are there are still shown."""
        answer = await self._transport.request("POST", f"{self._of(number)}/pause", body=given(reason=reason))
        return answer.as_type(QuerySource)

    async def resume(self, number: int) -> QuerySource:
        """It is asked again."""
        return (await self._transport.request("DELETE", f"{self._of(number)}/pause")).as_type(QuerySource)

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
