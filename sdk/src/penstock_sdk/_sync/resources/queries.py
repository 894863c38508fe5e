# Generated from _async/resources/queries.py by scripts/async_to_sync.py; change that file instead.

"""Saved queries, and running them or SQL of the moment: a stored result that is there, or a run to wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from penstock_sdk._answer import Answer
from penstock_sdk._query_models import Job, QueryDiff, QueryVersion, SavedQuery, job_of, result_of
from penstock_sdk._results import Parameters, in_address, refuse_failure
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import given, segment
from penstock_sdk._sync.resources.data_sources import DataSources
from penstock_sdk._sync.resources.jobs import Jobs, OnProgress
from penstock_sdk._sync.resources.people import OpenToPeople
from penstock_sdk._sync.resources.results import QueryResult, QueryResults
from penstock_sdk._sync.transport import Transport

Which = Literal["all", "my", "favorites", "archive"]
Schedule = Mapping[str, Any] | None
_UNSAID = msgspec.UNSET
# With a result come as many of its rows as one asks for; they are fetched when they are wanted.
_NO_ROWS = (("page", "1"), ("page_size", "1"))


class QueryRun:
    """What came of asking: `result`, where one was there, else the `job` that makes it."""

    def __init__(self, transport: Transport, job: Job | None, result: QueryResult | None) -> None:
        self._transport = transport
        self.job = job
        self.result = result

    def wait(self, *, seconds: float | None = None, on_progress: OnProgress | None = None) -> QueryResult:
        """The result, when it is there; otherwise as `client.jobs.wait`.

        A QueryFailedError when the query fails or is cancelled.
        """
        if self.result is None:
            assert self.job is not None
            jobs = Jobs(self._transport)
            self.job = jobs.wait(self.job, seconds=seconds, on_progress=on_progress)
            refuse_failure(self.job)
            self.result = QueryResults(self._transport).get(int(self.job.query_result_id))
        return self.result

    def cancel(self) -> None:
        """Cancels the run; nothing happens when it is at its end."""
        if self.job is not None:
            Jobs(self._transport).cancel(self.job.id)


class Queries(OpenToPeople):
    """The queries of an org that the caller may see."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/queries")

    def list(
        self,
        *,
        q: str | None = None,
        tags: Sequence[str] = (),
        order: str | None = None,
        which: Which = "all",
        page_size: int = 100,
    ) -> Pager[SavedQuery]:
        """Queries, page by page: those that hold the words of `q` and carry all `tags`; those of the archive apart.

        `order` is `name`, `created_at`, `executed_at`, `runtime` or `created_by`; `-name` is descending.
        """
        path = self._path if which == "all" else f"{self._path}/{which}"
        filters = [*given(q=q, order=order).items(), *(("tags", tag) for tag in tags)]
        return self._counted(path, SavedQuery, page_size, filters)

    def tags(self) -> dict[str, int]:
        """The tags in use, with how many queries carry each."""
        body = (self._transport.request("GET", f"{self._path}/tags")).json()
        return {str(one["name"]): int(one["count"]) for one in body["tags"]}

    def get(self, query: int | str) -> SavedQuery:
        """One query by its number, or the slug of one of the explorer dialect. A NotFoundError when there is none."""
        return _query(self._transport.request("GET", self._of(query)))

    def create(
        self,
        name: str,
        sql: str,
        *,
        source: int | str | None = None,
        description: str | None = None,
        parameters: Sequence[Mapping[str, Any]] | None = None,
        options: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        schedule: Schedule = None,
    ) -> SavedQuery:
        """A new query, a draft. `source` is a number, `app/slug` or a name; `parameters` are definitions."""
        body = given(name=name, query=sql, description=description, schedule=schedule)
        body["data_source_id"] = DataSources(self._transport).number_of(source)
        body |= _lists(options, parameters, tags)
        return _query(self._transport.request("POST", self._path, body=body))

    def update(
        self,
        query_id: int,
        *,
        name: str | None = None,
        sql: str | None = None,
        source: int | str | None = None,
        description: str | None = None,
        parameters: Sequence[Mapping[str, Any]] | None = None,
        options: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        schedule: Schedule | msgspec.UnsetType = _UNSAID,
        is_draft: bool | None = None,
        version: int | None = None,
    ) -> SavedQuery:
        """Changes what is given; `schedule` None ends one. A ConflictError when the query has left `version`.

        `parameters` replace those of the `options` that are given, or of the query's own.
        """
        body = given(name=name, query=sql, description=description, is_draft=is_draft, version=version)
        if source is not None:
            body["data_source_id"] = DataSources(self._transport).number_of(source)
        if schedule is not msgspec.UNSET:
            body["schedule"] = schedule
        if parameters is not None and options is None:
            options = (self.get(query_id)).options
        body |= _lists(options, parameters, tags)
        return _query(self._transport.request("POST", self._of(query_id), body=body))

    def archive(self, query_id: int) -> None:
        """Puts a query out of the lists; it stays readable by its number."""
        self._transport.request("DELETE", self._of(query_id))

    def fork(self, query_id: int) -> SavedQuery:
        """A copy of the caller's own, with its visualizations."""
        return _query(self._transport.request("POST", f"{self._of(query_id)}/fork", body={}))

    def versions(self, query_id: int, *, page_size: int = 25) -> Pager[QueryVersion]:
        """What a query was, the newest first; the last 200 are kept."""
        return self._counted(f"{self._of(query_id)}/versions", QueryVersion, page_size, [])

    def version(self, query_id: int, version: int) -> QueryVersion:
        """One version with all it had. A NotFoundError when it is not kept."""
        path = f"{self._of(query_id)}/versions/{segment(version)}"
        return (self._transport.request("GET", path)).as_type(QueryVersion)

    def diff(self, query_id: int, version: int, other: int | None = None) -> QueryDiff:
        """What changed in a version since the one before it, or since `other`."""
        path = f"{self._of(query_id)}/versions/{segment(version)}/diff"
        params = [] if other is None else [("with", str(other))]
        return (self._transport.request("GET", path, params=params)).as_type(QueryDiff)

    def restore(self, query_id: int, version: int) -> SavedQuery:
        """Makes a query what it was, which is another version."""
        path = f"{self._of(query_id)}/versions/{segment(version)}/restore"
        return _query(self._transport.request("POST", path, body={}))

    def favorite(self, query_id: int) -> None:
        """Marks a query as one of the caller's favorites."""
        self._transport.request("POST", f"{self._of(query_id)}/favorite", body={})

    def unfavorite(self, query_id: int) -> None:
        """Takes the mark off."""
        self._transport.request("DELETE", f"{self._of(query_id)}/favorite")

    def run(
        self,
        query: int | str,
        *,
        source: int | str | None = None,
        parameters: Parameters | None = None,
        max_age: float | None = None,
        limited: bool | None = None,
    ) -> QueryRun:
        """Asks a saved query by its number, or SQL, and does not wait.

        `source` is the data source of SQL: a number, `app/slug` or a name, and not needed where there is only one.
        A stored result is given when it is younger than `max_age` seconds, and of any age without; 0 always runs
        the query. With `limited`, a query without a limit of its own gives 1,000 rows at most.
        """
        body = given(max_age=max_age, apply_auto_limit=limited)
        if parameters is not None:
            body["parameters"] = dict(parameters)
        path = "/api/query_results"
        if isinstance(query, int):
            path = f"{self._of(query)}/results"
        else:
            body["query"] = query
            body["data_source_id"] = DataSources(self._transport).number_of(source)
        answer = (self._transport.request("POST", path, params=_NO_ROWS, body=body)).json()
        if "query_result" in answer:
            result = QueryResult(self._transport, result_of(answer)[0])
            return QueryRun(self._transport, None, result)
        return QueryRun(self._transport, job_of(answer), None)

    def run_and_wait(
        self,
        query: int | str,
        *,
        source: int | str | None = None,
        parameters: Parameters | None = None,
        max_age: float | None = None,
        limited: bool | None = None,
        seconds: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> QueryResult:
        """As `run`, and waits for the result. A QueryFailedError when the query fails or is cancelled.

        `on_progress` is told how the run stands. After `seconds`, or by Ctrl-C, it is cancelled in the database.
        """
        run = self.run(query, source=source, parameters=parameters, max_age=max_age, limited=limited)
        return run.wait(seconds=seconds, on_progress=on_progress)

    def latest(self, query_id: int, parameters: Parameters | None = None) -> QueryResult:
        """The newest stored result of a query for these values, running nothing. A NotFoundError when there is none."""
        params = [*in_address(parameters), *_NO_ROWS]
        answer = self._transport.request("GET", f"{self._of(query_id)}/results", params=params)
        return QueryResult(self._transport, result_of(answer.json())[0])

    def _of(self, query: int | str) -> str:
        return f"{self._path}/{segment(query)}"


def _query(answer: Answer) -> SavedQuery:
    return answer.as_type(SavedQuery)


def _lists(
    options: Mapping[str, Any] | None,
    parameters: Sequence[Mapping[str, Any]] | None,
    tags: Sequence[str] | None,
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if options is not None:
        body["options"] = dict(options)
    if parameters is not None:
        body["options"] = {**body.get("options", {}), "parameters": [dict(one) for one in parameters]}
    if tags is not None:
        body["tags"] = list(tags)
    return body
