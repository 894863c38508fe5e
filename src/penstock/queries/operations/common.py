"""What operations of queries share: who may call, and the shapes of their objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.identity import in_place
from penstock.kit.openapi import Access, Parameter, Reply, described, nullable, path
from penstock.queries.access import ACTIONS

TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "integer"}
MOMENT: Final = {"type": "string", "format": "date-time"}
ANY: Final[dict[str, Any]] = {"type": "object"}
QUERY: Final = path("query_id", "Id of a query, or its slug where the explorer dialect made it.", "1")
DASHBOARD: Final = path("dashboard", "Id or slug of a dashboard.", "sales")
JOB: Final = path("job", "Id of a job.", "1")
SOURCE: Final = Parameter(
    name="source",
    place="path",
    schema={"type": "string", "minLength": 1},
    description="Number of a data source.",
    example="1",
    component="in_path_source_number",
)
FILE: Final = path("file", "Id of a result, with a dot and a format for a file of it.", "1.csv")
NULL: Final = Reply(status=200, description="Done; the body is `null`.", schema={"type": "null"})
PAGE: Final = Parameter(
    name="page", schema=NUMBER, description="Number of the page, from 1.", component="dash_page"
)
PAGE_SIZE: Final = Parameter(
    name="page_size",
    schema=NUMBER,
    description="Entries of a page: 1 to 250, 25 unless told.",
    component="dash_page_size",
)
PERSON: Final = nullable({"type": "object", "properties": {"id": NUMBER, "name": TEXT}})
QUERY_OBJECT: Final = described(
    {
        "id": NUMBER,
        "latest_query_data_id": nullable(NUMBER),
        "query_result_id": nullable(NUMBER),
        "name": TEXT,
        "description": nullable(TEXT),
        "query": TEXT,
        "query_hash": TEXT,
        "schedule": nullable(ANY),
        "is_archived": {"type": "boolean"},
        "is_draft": {"type": "boolean"},
        "updated_at": MOMENT,
        "created_at": MOMENT,
        "data_source_id": nullable(NUMBER),
        "options": ANY,
        "version": NUMBER,
        "tags": {"type": "array", "items": TEXT},
        "is_safe": {"type": "boolean"},
        "is_favorite": {"type": "boolean"},
    }
)
# What a version of a query has of it.
VERSIONED: Final = ("name", "description", "query", "data_source_id", "options", "tags", "is_archived")


def page_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A page of objects with these fields."""
    item = described(dict(fields))
    counts = {"count": NUMBER, "page": NUMBER, "page_size": NUMBER}
    return described({**counts, "results": {"type": "array", "items": item}})


SOURCE_OBJECT: Final = described(
    {
        "id": NUMBER,
        "name": TEXT,
        "type": TEXT,
        "syntax": TEXT,
        "paused": {"type": "boolean"},
        "view_only": {"type": "boolean"},
    }
)


PAGE_OBJECT: Final = page_of(QUERY_OBJECT["properties"])
JOB_OBJECT: Final = described(
    {
        "id": TEXT,
        "updated_at": {"anyOf": [MOMENT, {"const": 0}]},
        "status": {"enum": [1, 2, 3, 4, 5]},
        "error": TEXT,
        "result": nullable(NUMBER),
        "query_result_id": nullable(NUMBER),
    }
)
RESULT_OBJECT: Final = described(
    {
        "id": NUMBER,
        "query_hash": TEXT,
        "query": TEXT,
        "data": described(
            {"columns": {"type": "array", "items": ANY}, "rows": {"type": "array", "items": ANY}}
        ),
        "data_source_id": nullable(NUMBER),
        "runtime": {"type": "number"},
        "retrieved_at": MOMENT,
    }
)


def access(action: str) -> Access:
    """Who may: the role on the data source, or on what contains it."""
    role = ACTIONS[action]
    return in_place(
        role, f"Takes the role `{role.label}` on the data source, its app or the org (`{action}`)."
    )


def own_access(action: str) -> Access:
    """As `access`, for who did not make the query."""
    return in_place(
        ACTIONS["query.read"],
        f"Who made the query; others need the role `{ACTIONS[action].label}` on its data source (`{action}`).",
    )


def on_dashboard(action: str) -> Access:
    """Who may do something to a dashboard that is not theirs."""
    others = "" if action == "dashboard.share" else ", and whom these give the right"
    return in_place(
        ACTIONS["dashboard.read"],
        f"Who made the dashboard, who is `{ACTIONS[action].label}` of the org{others} (`{action}`).",
    )
