"""Operations on saved queries, and on what they are about."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import PUBLIC
from penstock.kit.openapi import Body, Operation, Parameter, Reply, described, nullable
from penstock.queries.operations.common import (
    ANY,
    NULL,
    NUMBER,
    PAGE,
    PAGE_OBJECT,
    PAGE_SIZE,
    QUERY,
    QUERY_OBJECT,
    TEXT,
    access,
    own_access,
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
    Parameter(name="q", schema=TEXT, description="Words that name, description or SQL must have."),
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
_EXPLORER: Final = described({"query_slug": TEXT, "sql_query": TEXT, "status": TEXT, "message": TEXT})
_SOURCE: Final = described(
    {
        "id": NUMBER,
        "name": TEXT,
        "type": TEXT,
        "syntax": TEXT,
        "paused": {"type": "boolean"},
        "view_only": {"type": "boolean"},
    }
)


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
    Operation(
        id="readQuery",
        method="get",
        path=_ONE,
        summary="Read a query",
        tag="Queries",
        access=access("query.read"),
        parameters=(QUERY,),
        replies=(_WHOLE,),
    ),
    Operation(
        id="updateQuery",
        method="post",
        path=_ONE,
        summary="Change a query",
        description="Fields that are not sent stay. With `version`, only if nobody else has changed it since.",
        tag="Queries",
        access=own_access("query.alter"),
        parameters=(QUERY,),
        body=Body(
            schema={"type": "object", "properties": {**_FIELDS, "version": NUMBER}},
            required=False,
            examples={"a new name": {"name": "Sales"}},
        ),
        replies=(_WHOLE,),
        errors=(409,),
    ),
    Operation(
        id="archiveQuery",
        method="delete",
        path=_ONE,
        summary="Archive a query",
        description="It is in no list then, and can still be read by its id.",
        tag="Queries",
        access=own_access("query.delete"),
        parameters=(QUERY,),
        replies=(NULL,),
    ),
    Operation(
        id="forkQuery",
        method="post",
        path=f"{_ONE}/fork",
        summary="Copy a query",
        tag="Queries",
        access=access("query.create"),
        parameters=(QUERY,),
        replies=(_WHOLE,),
    ),
    Operation(
        id="starQuery",
        method="post",
        path=f"{_ONE}/favorite",
        summary="Star a query",
        tag="Queries",
        access=access("query.read"),
        parameters=(QUERY,),
        replies=(NULL,),
    ),
    Operation(
        id="unstarQuery",
        method="delete",
        path=f"{_ONE}/favorite",
        summary="Take the star from a query",
        tag="Queries",
        access=access("query.read"),
        parameters=(QUERY,),
        replies=(NULL,),
    ),
    Operation(
        id="listDataSources",
        method="get",
        path="/api/data_sources",
        summary="List data sources by number",
        tag="Queries",
        access=access("query.read"),
        replies=(
            Reply(
                status=200,
                description="Data sources of all apps.",
                schema={"type": "array", "items": _SOURCE},
            ),
        ),
    ),
    Operation(
        id="readDataSource",
        method="get",
        path="/api/data_sources/{source}",
        summary="Read a data source by its number",
        tag="Queries",
        access=access("query.read"),
        parameters=(
            Parameter(
                name="source",
                place="path",
                schema={"type": "string", "minLength": 1},
                description="Number of a data source.",
                example="1",
                component="in_path_source_number",
            ),
        ),
        replies=(Reply(status=200, description="The data source.", schema=_SOURCE),),
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
