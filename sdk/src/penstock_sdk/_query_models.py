"""The objects of queries, their runs and their results; unknown keys are ignored, and missing ones have a default.

Other servers that speak the dashboard dialect say less than Penstock does, so that most fields may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar, cast

import msgspec

from penstock_sdk._errors import UnexpectedAnswerError
from penstock_sdk._model import Model

__all__ = [
    "Job",
    "Person",
    "QueryDiff",
    "QuerySource",
    "QueryVersion",
    "ResultColumn",
    "ResultInfo",
    "SavedQuery",
    "Snippet",
    "SourceCheck",
    "SourceKind",
    "SourceTable",
    "Visualization",
]
T = TypeVar("T")
JobState = Literal["waiting", "running", "succeeded", "failed", "cancelled"]
_STATES: dict[int, JobState] = {1: "waiting", 2: "running", 3: "succeeded", 4: "failed", 5: "cancelled"}


class Person(Model, kw_only=True, frozen=True):
    """A user, as objects name them."""

    id: int | None = None
    name: str = ""
    email: str | None = None


class QuerySource(Model, kw_only=True, frozen=True):
    """A data source as queries know it, by its number. `app` and `slug` are those of a source of tables."""

    id: int
    name: str
    type: str = ""
    syntax: str | None = None
    paused: bool | int = False
    view_only: bool = False
    app: str | None = None
    slug: str | None = None
    options: dict[str, Any] | None = None

    @property
    def reference(self) -> str:
        """What names it on every server: `app/slug`, or its name."""
        return f"{self.app}/{self.slug}" if self.app and self.slug else self.name


class SourceKind(Model, kw_only=True, frozen=True):
    """A type of foreign data source; `configuration_schema` is the JSON Schema of its options."""

    type: str
    name: str
    configuration_schema: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class SourceCheck(Model, kw_only=True, frozen=True):
    """Whether a data source answers; `message` says what went wrong."""

    ok: bool
    message: str


class SourceTable(Model, kw_only=True, frozen=True):
    """A table of a data source, with its columns; the type of a column is None where the server says none."""

    name: str
    columns: dict[str, str | None]


class Visualization(Model, kw_only=True, frozen=True):
    """How a query's result is shown."""

    id: int
    type: str
    name: str
    description: str | None = None
    options: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class SavedQuery(Model, kw_only=True, frozen=True):
    """A query under a number. `query` is its text, `options["parameters"]` define its parameters."""

    id: int
    name: str
    query: str
    data_source_id: int | None = None
    description: str | None = None
    options: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    tags: list[str] = msgspec.field(default_factory=list[str])
    schedule: dict[str, Any] | None = None
    version: int = 1
    slug: str | None = None
    is_archived: bool = False
    is_draft: bool = False
    is_safe: bool | None = None
    is_favorite: bool = False
    can_edit: bool | None = None
    latest_query_data_id: int | None = None
    user: Person | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    retrieved_at: datetime | None = None
    runtime: float | None = None
    visualizations: list[Visualization] = msgspec.field(default_factory=list[Visualization])
    api_key: str | None = None


class QueryVersion(Model, kw_only=True, frozen=True):
    """What a query was. In lists it has `changed`, the fields that it changed; by itself what these were."""

    version: int
    created_at: datetime | None = None
    user: Person | None = None
    changed: list[str] | None = None
    name: str | None = None
    query: str | None = None
    description: str | None = None
    data_source_id: int | None = None
    options: dict[str, Any] | None = None
    schedule: dict[str, Any] | None = None
    tags: list[str] | None = None


class QueryDiff(Model, kw_only=True, frozen=True):
    """What became of a query: `changes` by field, and the SQL as a unified `diff`."""

    from_version: int | None = msgspec.field(name="from")
    to_version: int = msgspec.field(name="to")
    changes: dict[str, Any]
    diff: str


class Snippet(Model, kw_only=True, frozen=True):
    """A piece of SQL that the people of an org share."""

    id: int
    trigger: str
    description: str = ""
    snippet: str = ""
    user: Person | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ResultColumn(Model, kw_only=True, frozen=True):
    """A column of a result; `type` is `integer`, `float`, `boolean`, `string`, `date`, `datetime` or None."""

    name: str
    type: str | None = None


class ResultInfo(Model, kw_only=True, frozen=True):
    """A stored result without its rows. `truncated` says that the query would have had more."""

    id: int
    columns: list[ResultColumn]
    query: str
    count: int | None = None
    truncated: bool = False
    data_source_id: int | None = None
    query_hash: str | None = None
    runtime: float | None = None
    retrieved_at: datetime | None = None


class Job(Model, kw_only=True, frozen=True):
    """A run of a query: waiting (with `queue_position`), running (with `rows` so far), or at its end."""

    id: str
    status: int
    error: Any = ""
    result: Any = None
    query_result_id: Any = None
    rows: int | None = None
    queue_position: int | None = None

    @property
    def state(self) -> JobState:
        return _STATES.get(self.status, "waiting")

    @property
    def is_finished(self) -> bool:
        return self.state in ("succeeded", "failed", "cancelled")


def job_of(body: Any) -> Job:
    """The job in an answer."""
    return converted(_part(body, "job"), Job)


def result_of(body: Any) -> tuple[ResultInfo, list[dict[str, Any]]]:
    """The result in an answer, and the rows that came with it."""
    found = _part(body, "query_result")
    data: dict[str, Any] = found.get("data") or {}
    head: dict[str, Any] = {
        **found,
        "columns": data.get("columns", []),
        "truncated": data.get("truncated", False),
    }
    rows = cast("list[dict[str, Any]]", data.get("rows", []))
    # A server that knows no pages gives all rows.
    head.setdefault("count", None if "page" in found else len(rows))
    return converted(head, ResultInfo), rows


def tables_of(found: Any) -> list[SourceTable]:
    """The tables of a schema, whose columns are names, or objects with name and type."""
    if not isinstance(found, list):
        raise UnexpectedAnswerError("The answer has no list of tables.")
    return [
        SourceTable(
            name=str(table["name"]),
            columns=dict(_column(one) for one in cast("list[Any]", table.get("columns") or [])),
        )
        for table in cast("list[dict[str, Any]]", found)
    ]


def _column(found: Any) -> tuple[str, str | None]:
    if isinstance(found, Mapping):
        named = cast("Mapping[str, Any]", found)
        kind = named.get("type")
        return str(named["name"]), None if kind is None else str(kind)
    return str(found), None


def _part(body: Any, name: str) -> dict[str, Any]:
    if not isinstance(body, dict) or not isinstance(body.get(name), dict):  # pyright: ignore[reportUnknownMemberType] - JSON
        raise UnexpectedAnswerError(f"The answer has no '{name}'; is this address a Penstock server?")
    return cast("dict[str, Any]", body[name])


def converted(value: Any, kind: type[T]) -> T:
    """A decoded answer as a model. An UnexpectedAnswerError when it has another shape."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise UnexpectedAnswerError(f"The answer does not have the expected shape: {error}.") from error
