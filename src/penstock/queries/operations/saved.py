"""Operations on saved queries, and on what they are about."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import PUBLIC, Role, in_org, in_place
from penstock.kit.openapi import Body, One, Operation, Parameter, Reply, described, nullable, path
from penstock.queries.access import ACTIONS
from penstock.queries.operations.common import (
    ANY,
    MOMENT,
    NULL,
    NUMBER,
    PAGE,
    PAGE_OBJECT,
    PAGE_SIZE,
    PERSON,
    QUERY,
    QUERY_OBJECT,
    TEXT,
    VERSIONED,
    access,
    own_access,
    page_of,
)

_ALL: Final = "/api/queries"
_ONE: Final = f"{_ALL}/{{query_id}}"
_LISTED: Final = (
    PAGE,
    PAGE_SIZE,
    Parameter(
        name="order",
        schema=TEXT,
        description="`name`, `created_at`, `executed_at`, `runtime`, `created_by` or `starred_at`, with `-` before "
        "it for the other way round.",
    ),
    Parameter(
        name="q",
        schema=TEXT,
        description="Words that name, description or SQL must have, the best first; `or`, `-` "
        'before a word, parentheses and "phrases" mean what they look like.',
    ),
    Parameter(
        name="tags", schema={"type": "array", "items": TEXT}, description="Tags that a query must all have."
    ),
)
_PAGE: Final = Reply(status=200, description="A page of queries.", schema=PAGE_OBJECT)
_WHOLE: Final = Reply(status=200, description="The query.", schema=QUERY_OBJECT)
_FIELDS: Final[dict[str, Any]] = {
    "query": TEXT,
    "data_source_id": NUMBER,
    "name": TEXT,
    "description": nullable(TEXT),
    "options": ANY,
    "tags": {"type": "array", "items": TEXT},
    "is_draft": {"type": "boolean"},
    "schedule": nullable(
        {
            "type": "object",
            "description": "`interval` in seconds with, for whole days, `time` and `day_of_week`; or `cron`. "
            "`time_zone` and `until` go with both.",
        }
    ),
}
_NAMES: Final = {"type": "array", "items": TEXT}
_HEAD: Final = {"version": NUMBER, "created_at": MOMENT, "user": PERSON}
_QUERY: Final = One(_ONE, "Queries", (QUERY,), _WHOLE, NULL)
_VERSION: Final = One(
    f"{_ONE}/versions/{{version}}",
    "Queries",
    (QUERY, path("version", "Number of a version.", "1")),
    Reply(
        status=200,
        description="The version.",
        schema=described({**_HEAD, **{name: QUERY_OBJECT["properties"][name] for name in VERSIONED}}),
    ),
)
_CHOICES: Final = Reply(
    status=200,
    description="Values, and what people see in their place.",
    schema={"type": "array", "items": described({"name": TEXT, "value": TEXT})},
)
_EXPLORER: Final = described({"query_slug": TEXT, "sql_query": TEXT, "status": TEXT, "message": TEXT})


def _list(name: str, tail: str, summary: str) -> Operation:
    return Operation(
        id=name,
        method="get",
        path=f"{_ALL}{tail}",
        summary=summary,
        tag="Queries",
        access=access("query.read"),
        parameters=_LISTED,
        replies=(_PAGE,),
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    _list("listQueries", "", "List queries"),
    _list("listMyQueries", "/my", "List the caller's own queries"),
    _list("listArchivedQueries", "/archive", "List archived queries"),
    _list("listFavoriteQueries", "/favorites", "List the queries that the caller has starred"),
    Operation(
        id="searchQueries",
        method="get",
        path=f"{_ALL}/search",
        summary="List the queries with certain words",
        tag="Queries",
        access=access("query.read"),
        parameters=_LISTED,
        replies=(
            Reply(
                status=200,
                description="A page of queries; an empty list when `q` is empty.",
                schema={"anyOf": [PAGE_OBJECT, {"type": "array", "maxItems": 0}]},
            ),
        ),
    ),
    Operation(
        id="listRecentQueries",
        method="get",
        path=f"{_ALL}/recent",
        summary="List the ten queries that the caller changed last",
        tag="Queries",
        access=access("query.read"),
        replies=(Reply(status=200, description="Queries.", schema={"type": "array", "items": QUERY_OBJECT}),),
    ),
    Operation(
        id="listQueryTags",
        method="get",
        path=f"{_ALL}/tags",
        summary="List the tags of queries",
        tag="Queries",
        access=access("query.read"),
        replies=(
            Reply(status=200, description="Tags and how many have them.", schema=described({"tags": {}})),
        ),
    ),
    Operation(
        id="createQuery",
        method="post",
        path=_ALL,
        summary="Save a query, or make one of the explorer dialect",
        description="With `query` and `data_source_id` a query with a name; with `sql_query`, or `layer` and `table` "
        "and perhaps `limit`, one whose rows are read in pages of 100.",
        tag="Queries",
        access=access("query.create"),
        body=Body(
            schema={
                "type": "object",
                "properties": {**_FIELDS, "sql_query": TEXT, "layer": TEXT, "table": TEXT},
            },
            examples={
                "of a table": {"layer": "main", "table": "products", "limit": 100},
                "of SQL": {"sql_query": 'SELECT\n\t*\nFROM\n\t"main"."products"'},
            },
        ),
        replies=(
            Reply(
                status=200, description="The query, or its slug.", schema={"anyOf": [QUERY_OBJECT, _EXPLORER]}
            ),
        ),
        errors=(404,),
    ),
    _QUERY.read("readQuery", "Read a query", access("query.read")),
    _QUERY.change(
        "updateQuery",
        "Change a query",
        own_access("query.alter"),
        Body(
            schema={"type": "object", "properties": {**_FIELDS, "version": NUMBER}},
            required=False,
            examples={"a new name": {"name": "Sales"}},
        ),
        method="post",
        description="Fields that are not sent stay. With `version`, only if nobody else has changed it since.",
        errors=(409,),
    ),
    _QUERY.delete(
        "archiveQuery",
        "Archive a query",
        own_access("query.delete"),
        description="It is in no list then, and can still be read by its id.",
    ),
    _QUERY.act("forkQuery", "/fork", "Copy a query", access("query.create")),
    _QUERY.act(
        "regenerateQueryKey",
        "/regenerate_api_key",
        "Give a query another key",
        in_place(ACTIONS["query.read"], "Who owns the query, and admins of the org."),
        description="The key that it had is refused from now on. A key reads this query and its results alone, in the "
        "name of the owner of the query.",
        errors=(409,),
    ),
    _QUERY.act("starQuery", "/favorite", "Star a query", access("query.read"), reply=NULL),
    _QUERY.act(
        "unstarQuery",
        "/favorite",
        "Take the star from a query",
        access("query.read"),
        method="delete",
        reply=NULL,
    ),
    _QUERY.act(
        "listChoices",
        "/dropdown",
        "List what a query offers parameters that go by it",
        access("query.read"),
        method="get",
        description="From its newest result: the columns `name` and `value`, or else the first one.",
        reply=_CHOICES,
    ),
    _QUERY.act(
        "listLinkedChoices",
        "/dropdowns/{linked}",
        "List what another query offers a parameter of this one",
        access("query.read"),
        method="get",
        parameters=(path("linked", "Id of the query that a parameter goes by.", "1"),),
        reply=_CHOICES,
    ),
    _QUERY.act(
        "listVersions",
        "/versions",
        "List the versions of a query",
        access("query.read"),
        method="get",
        description="The newest first, each with the fields that it changed; the last 200 are kept.",
        parameters=(PAGE, PAGE_SIZE),
        reply=Reply(
            status=200, description="A page of versions.", schema=page_of({**_HEAD, "changed": _NAMES})
        ),
    ),
    _VERSION.read("readVersion", "Read a version of a query", access("query.read")),
    _VERSION.act(
        "compareVersions",
        "/diff",
        "Compare two versions of a query",
        access("query.read"),
        method="get",
        parameters=(
            Parameter(
                name="with", schema=NUMBER, description="The version to compare with; else the one before."
            ),
        ),
        reply=Reply(
            status=200,
            description="The fields that differ, and the SQL as a unified diff.",
            schema=described(
                {"from": nullable(NUMBER), "to": NUMBER, "changes": ANY, "diff": nullable(TEXT)}
            ),
        ),
    ),
    _VERSION.act(
        "restoreVersion",
        "/restore",
        "Make a query what it was in a version",
        own_access("query.alter"),
        description="Which is another version. With `version`, only if nobody else has changed it since.",
        body=Body(
            schema={"type": "object", "properties": {"version": NUMBER}},
            required=False,
            examples={"unless others have changed it": {"version": 1}},
        ),
        reply=_WHOLE,
        errors=(409,),
    ),
    Operation(
        id="formatQuery",
        method="post",
        path=f"{_ALL}/format",
        summary="Lay SQL out for people",
        tag="Queries",
        access=access("query.read"),
        body=Body(schema=described({"query": TEXT}), examples={"a query": {"query": "select 1 from items"}}),
        replies=(Reply(status=200, description="The same SQL.", schema=described({"query": TEXT})),),
    ),
    Operation(
        id="showSession",
        method="get",
        path="/api/session",
        summary="Who calls, for clients of the dashboard dialect",
        tag="Queries",
        access=access("query.read"),
        replies=(
            Reply(
                status=200,
                description="Caller and client configuration.",
                schema=described(
                    {"user": ANY, "messages": {"type": "array"}, "org_slug": TEXT, "client_config": ANY}
                ),
            ),
        ),
    ),
    Operation(
        id="countObjects",
        method="get",
        path="/api/organization/status",
        summary="Count what the org has",
        tag="Queries",
        access=in_org(Role.COLLABORATOR),
        replies=(
            Reply(
                status=200,
                description="How many users, alerts, data sources, queries and dashboards.",
                schema=described({"object_counters": {"type": "object", "additionalProperties": NUMBER}}),
            ),
        ),
    ),
    Operation(
        id="showClientConfig",
        method="get",
        path="/api/config",
        summary="How clients of the dashboard dialect are to show things",
        tag="Queries",
        access=PUBLIC,
        replies=(
            Reply(
                status=200,
                description="Client configuration.",
                schema=described({"org_slug": nullable(TEXT), "client_config": ANY}),
            ),
        ),
        errors=(401,),
    ),
)
