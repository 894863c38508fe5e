"""A question in SQL on its way: what is asked, and what each stage makes of it.

`run.parse` → `ParsedQuery` → `run.bind` → `BoundQuery` → `run.authorize`, `run.rewrite` → `AuthorizedQuery`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from penstock.identity import Grant
from penstock.tables import Documents, NumberedSource

if TYPE_CHECKING:
    from penstock.queries.run.request import QueryRequest


class ParameterType(StrEnum):
    """What the values of a parameter are."""

    TEXT = "text"
    TEXT_PATTERN = "text-pattern"
    NUMBER = "number"
    ENUM = "enum"
    QUERY = "query"
    DATE = "date"
    DATETIME = "datetime-local"
    DATETIME_SECONDS = "datetime-with-seconds"
    DATE_RANGE = "date-range"
    DATETIME_RANGE = "datetime-range"
    DATETIME_RANGE_SECONDS = "datetime-range-with-seconds"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter. `options` are the values that an `enum` or `query` takes."""

    name: str
    type: ParameterType
    default: Any = None
    options: tuple[str, ...] = ()
    pattern: str | None = None
    # How several values are joined inside a string; None when one value is all it takes.
    joined: Joined | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """How a list of values is written inside a string."""

    separator: str = ","
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the names of a query are looked up: a data source of an app, or the app alone."""

    app: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a caller asks: the text, the values for its placeholders, and where its names are looked up.

    Without a scope, names are looked up in all apps of the org. `limit` is the number of rows to stop at when the
    text itself does not say.
    """

    text: str
    scope: Scope | None = None
    parameters: tuple[Parameter, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limit: int | None = None
    # Of the org, for days such as `d_yesterday`.
    time_zone: str = "UTC"
    # The foreign system that is asked; names are looked up there first.
    source: NumberedSource | None = None
    # Why the data source is not to be asked at the moment.
    paused: str | None = None


class Place(StrEnum):
    """Where in a text a placeholder stands."""

    BARE = "bare"
    STRING = "string"
    NAME = "name"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{{ name }}` from `start` to before `end` of the text."""

    name: str
    start: int
    end: int
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class ParsedQuery:
    """One SELECT-shaped statement of allowed parts. `tree` is for the modules of `queries.run` alone."""

    text: str
    tree: Any
    placeholders: tuple[Placeholder, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BoundQuery:
    """A statement with the values for the placeholders of its tree, by the names that these have there."""

    text: str
    tree: Any
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table in full."""

    app: str
    source: str
    table: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one column of a table that holds for every row which a statement looks at.

    `operator` is one of `= < <= > >=`; of a text it is `=` alone.
    """

    column: str
    operator: str
    value: Decimal | str


@dataclass(frozen=True, slots=True)
class OwnRows:
    """Rows that PostgreSQL keeps for us, as their reader sees them."""

    select: str


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table of a foreign system; `parts` are its name there."""

    source: NumberedSource
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class QueryRows:
    """The result of a saved query, as the reader gets it; `is_stored` is not to run it."""

    query_id: int
    request: QueryRequest
    query: AuthorizedQuery
    is_stored: bool


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """A table that is brought to where a statement runs, which calls it `name`; `columns` is None for all of them."""

    name: str
    origin: OwnRows | Documents | SourceTable | QueryRows
    columns: frozenset[str] | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AuthorizedQuery:
    """All that running a query needs. Made by `run.rewrite` alone, for one reader and the moment of asking.

    What runs later, or for someone else, is authorized anew. `sql` takes `arguments` as `$1`, `$2`, …, texts all of
    them; `literal_sql` is the same statement with constants in their place.
    """

    org_id: int
    sql: str
    arguments: tuple[str | None, ...]
    literal_sql: str
    # What the policies of PostgreSQL are told of the reader; None when no table has row rules.
    reach: str | None
    # Seconds.
    timeout: float
    # The same for whom the same question has the same answer, apart from when it is asked.
    fingerprint: str
    tables: tuple[TableName, ...]
    # The names of the columns, where the text tells them.
    columns: tuple[str, ...] | None
    # The foreign system that runs it, whole.
    source: NumberedSource | None = None
    # What it reads, when DuckDB runs it.
    inputs: tuple[Input, ...] | None = None
    # Why it is not to be run at the moment.
    paused: str | None = None
    # Of its reader, where foreign systems are asked.
    grant: Grant | None = None
