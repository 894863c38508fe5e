"""Operations on visualizations, on dashboards and on what is on them."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import PUBLIC, in_place
from penstock.kit.openapi import Access, Body, Operation, Parameter, Reply, described, nullable, path
from penstock.queries.access import ACTIONS
from penstock.queries.operations.common import (
    ANY,
    DASHBOARD,
    MOMENT,
    NULL,
    NUMBER,
    PAGE,
    PAGE_SIZE,
    TEXT,
    access,
    on_dashboard,
    own_access,
)

_TAG: Final = "Dashboards"
_BOOLEAN: Final = {"type": "boolean"}
_TEXTS: Final = {"type": "array", "items": TEXT}
_VISUALIZATION: Final = path(
    "visualization", "Id of a visualization; to read it, perhaps with a format.", "1.svg"
)
_WIDGET: Final = path("widget", "Id of a widget.", "1")
_TOKEN: Final = path("token", "The token of a shared dashboard.", "k3…")
_VISUALIZATION_OBJECT: Final = described(
    {
        "id": NUMBER,
        "type": TEXT,
        "name": TEXT,
        "description": nullable(TEXT),
        "options": ANY,
        "updated_at": MOMENT,
        "created_at": MOMENT,
    }
)
_VISUALIZATION_FIELDS: Final[dict[str, Any]] = {
    "type": {**TEXT, "description": "`CHART`, `COUNTER` and `TABLE` are drawn; any other is kept."},
    "name": TEXT,
    "description": nullable(TEXT),
    "options": ANY,
}
_WIDGET_OBJECT: Final = {
    "type": "object",
    "properties": {
        "id": NUMBER,
        "width": NUMBER,
        "options": ANY,
        "dashboard_id": NUMBER,
        "text": TEXT,
        "visualization": ANY,
        "restricted": _BOOLEAN,
        "updated_at": MOMENT,
        "created_at": MOMENT,
    },
    "required": ["id", "width", "options", "text"],
}
_WIDGET_FIELDS: Final[dict[str, Any]] = {
    "text": {"type": ["string", "null"], "description": "Markdown."},
    "options": ANY,
    "width": NUMBER,
}
_DASHBOARD_OBJECT: Final = described(
    {
        "id": NUMBER,
        "slug": TEXT,
        "name": TEXT,
        "user_id": nullable(NUMBER),
        "user": nullable(ANY),
        "layout": {"type": "array"},
        "dashboard_filters_enabled": _BOOLEAN,
        "widgets": nullable({"type": "array", "items": _WIDGET_OBJECT}),
        "options": ANY,
        "is_archived": _BOOLEAN,
        "is_draft": _BOOLEAN,
        "tags": _TEXTS,
        "updated_at": MOMENT,
        "created_at": MOMENT,
        "version": NUMBER,
        "is_favorite": _BOOLEAN,
    }
)
_DASHBOARD_FIELDS: Final[dict[str, Any]] = {
    "name": TEXT,
    "layout": {"type": "array"},
    "tags": _TEXTS,
    "is_draft": _BOOLEAN,
    "is_archived": _BOOLEAN,
    "dashboard_filters_enabled": _BOOLEAN,
    "options": ANY,
    "version": NUMBER,
}
_WHOLE: Final = Reply(status=200, description="The dashboard.", schema=_DASHBOARD_OBJECT)
_DRAWN: Final = Reply(status=200, description="The visualization.", schema=_VISUALIZATION_OBJECT)
_PLACED: Final = Reply(status=200, description="The widget.", schema=_WIDGET_OBJECT)
_SIDES: Final = tuple(
    Parameter(name=name, schema=NUMBER, description=f"{words} of a picture in pixels.")
    for name, words in (("width", "Width"), ("height", "Height"))
)
_LISTED: Final = (
    PAGE,
    PAGE_SIZE,
    Parameter(
        name="order",
        schema=TEXT,
        description="`name`, `created_at` or `starred_at`, with `-` before it for the other way round.",
    ),
    Parameter(name="q", schema=TEXT, description="Words that the name must have."),
    Parameter(
        name="tags",
        schema={"type": "array", "items": TEXT},
        description="Tags that a dashboard must all have.",
    ),
)


def _list(name: str, tail: str, summary: str) -> Operation:
    page = {"count": NUMBER, "page": NUMBER, "page_size": NUMBER}
    listed = described({**page, "results": {"type": "array", "items": _DASHBOARD_OBJECT}})
    return Operation(
        id=name,
        method="get",
        path=f"/api/dashboards{tail}",
        summary=summary,
        tag=_TAG,
        access=access("dashboard.read"),
        parameters=_LISTED,
        replies=(Reply(status=200, description="A page of dashboards.", schema=listed),),
    )


def _on_dashboard(
    name: str, method: str, tail: str, summary: str, allowed: Access, reply: Reply, **more: Any
) -> Operation:
    return Operation(
        id=name,
        method=method,
        path=f"/api/dashboards/{{dashboard}}{tail}",
        summary=summary,
        tag=_TAG,
        access=allowed,
        parameters=(DASHBOARD,),
        replies=(reply,),
        **more,
    )


def _made(
    name: str, kind: str, summary: str, allowed: Access, fields: Any, example: Any, reply: Reply
) -> Operation:
    return Operation(
        id=name,
        method="post",
        path=f"/api/{kind}",
        summary=summary,
        tag=_TAG,
        access=allowed,
        body=Body(schema={"type": "object", **fields}, examples={"one": example}),
        replies=(reply,),
    )


def _one(
    name: str, method: str, kind: str, where: Parameter, summary: str, reply: Reply, **more: Any
) -> Operation:
    return Operation(
        id=name,
        method=method,
        path=f"/api/{kind}/{{{where.name}}}",
        summary=summary,
        tag=_TAG,
        parameters=(where,),
        replies=(reply,),
        **more,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    _made(
        "createVisualization",
        "visualizations",
        "Show a query in one more way",
        own_access("query.alter"),
        {
            "properties": {"query_id": NUMBER, **_VISUALIZATION_FIELDS},
            "required": ["query_id", "type", "name"],
        },
        {
            "query_id": 1,
            "type": "CHART",
            "name": "By month",
            "options": {"globalSeriesType": "line", "columnMapping": {"month": "x", "sales": "y"}},
        },
        _DRAWN,
    ),
    Operation(
        id="readVisualization",
        method="get",
        path="/api/visualizations/{visualization}",
        summary="Read a visualization, or what it shows",
        description="By its id; as `7.svg` or `7.png` the picture of the newest stored rows, as `7.json` its Vega-Lite "
        "document. Values of parameters are given as `p_<name>`; where they are not, their saved values count.",
        tag=_TAG,
        access=access("query.read"),
        parameters=(
            _VISUALIZATION,
            *_SIDES,
            Parameter(
                name="scale", schema={"type": "number"}, description="Of a PNG: pixels for each pixel."
            ),
        ),
        replies=(
            Reply(
                status=200,
                description="The visualization, its document, or its picture.",
                schema={"anyOf": [_VISUALIZATION_OBJECT, ANY]},
                files=("image/svg+xml", "image/png"),
            ),
            Reply(status=304, description="The picture is the same."),
        ),
    ),
    _one(
        "updateVisualization",
        "post",
        "visualizations",
        _VISUALIZATION,
        "Change a visualization",
        _DRAWN,
        access=own_access("query.alter"),
        body=Body(
            schema={"type": "object", "properties": _VISUALIZATION_FIELDS},
            required=False,
            examples={"a new name": {"name": "Monthly"}},
        ),
    ),
    _one(
        "deleteVisualization",
        "delete",
        "visualizations",
        _VISUALIZATION,
        "Delete a visualization",
        NULL,
        access=own_access("query.alter"),
        description="Widgets that show it are deleted with it.",
    ),
    _list("listDashboards", "", "List dashboards"),
    _list("listMyDashboards", "/my", "List the caller's own dashboards"),
    _list("listFavoriteDashboards", "/favorites", "List the dashboards that the caller has starred"),
    Operation(
        id="listDashboardTags",
        method="get",
        path="/api/dashboards/tags",
        summary="List the tags of dashboards",
        tag=_TAG,
        access=access("dashboard.read"),
        replies=(
            Reply(
                status=200,
                description="Tags and how many have them.",
                schema=described({"tags": {"type": "array"}}),
            ),
        ),
    ),
    _made(
        "createDashboard",
        "dashboards",
        "Create a dashboard",
        in_place(
            ACTIONS["dashboard.create"],
            f"Takes the role `{ACTIONS['dashboard.create'].label}` anywhere in the org (`dashboard.create`).",
        ),
        {"properties": {"name": TEXT, "tags": _TEXTS}, "required": ["name"]},
        {"name": "Sales"},
        _WHOLE,
    ),
    _on_dashboard("readDashboard", "get", "", "Read a dashboard", access("dashboard.read"), _WHOLE),
    _on_dashboard(
        "updateDashboard",
        "post",
        "",
        "Change a dashboard",
        on_dashboard("dashboard.alter"),
        _WHOLE,
        description="Fields that are not sent stay. With `version`, only if nobody else has changed it since.",
        body=Body(
            schema={"type": "object", "properties": _DASHBOARD_FIELDS},
            required=False,
            examples={"published": {"is_draft": False}},
        ),
        errors=(409,),
    ),
    _on_dashboard(
        "archiveDashboard",
        "delete",
        "",
        "Archive a dashboard",
        on_dashboard("dashboard.alter"),
        _WHOLE,
        description="It is in no list then, its token shows nothing, and it can still be read.",
    ),
    _on_dashboard("forkDashboard", "post", "/fork", "Copy a dashboard", access("dashboard.create"), _WHOLE),
    _on_dashboard("starDashboard", "post", "/favorite", "Star a dashboard", access("dashboard.read"), NULL),
    _on_dashboard(
        "unstarDashboard",
        "delete",
        "/favorite",
        "Take the star from a dashboard",
        access("dashboard.read"),
        NULL,
    ),
    _on_dashboard(
        "shareDashboard",
        "post",
        "/share",
        "Show a dashboard to anybody who has its address",
        on_dashboard("dashboard.share"),
        Reply(
            status=200, description="The address.", schema=described({"public_url": TEXT, "api_key": TEXT})
        ),
        description="It shows what the caller may see, from stored rows, as long as they may see it.",
    ),
    _on_dashboard(
        "unshareDashboard",
        "delete",
        "/share",
        "End the address of a dashboard",
        on_dashboard("dashboard.share"),
        NULL,
    ),
    Operation(
        id="readPublicDashboard",
        method="get",
        path="/api/dashboards/public/{token}",
        summary="Read a shared dashboard",
        tag=_TAG,
        access=PUBLIC,
        parameters=(_TOKEN,),
        replies=(
            Reply(
                status=200,
                description="The dashboard.",
                schema=described(
                    {
                        "name": TEXT,
                        "layout": {"type": "array"},
                        "dashboard_filters_enabled": _BOOLEAN,
                        "updated_at": MOMENT,
                        "created_at": MOMENT,
                        "options": ANY,
                        "widgets": {"type": "array", "items": _WIDGET_OBJECT},
                    }
                ),
            ),
        ),
    ),
    _made(
        "createWidget",
        "widgets",
        "Put a visualization or a text on a dashboard",
        on_dashboard("dashboard.alter"),
        {
            "properties": {"dashboard_id": NUMBER, "visualization_id": nullable(NUMBER), **_WIDGET_FIELDS},
            "required": ["dashboard_id"],
        },
        {
            "dashboard_id": 1,
            "visualization_id": 1,
            "options": {"position": {"col": 0, "row": 0, "sizeX": 3, "sizeY": 8}},
        },
        _PLACED,
    ),
    _one(
        "updateWidget",
        "post",
        "widgets",
        _WIDGET,
        "Change a widget",
        _PLACED,
        access=on_dashboard("dashboard.alter"),
        body=Body(
            schema={"type": "object", "properties": _WIDGET_FIELDS},
            required=False,
            examples={"a text": {"text": "**Sales** by month"}},
        ),
    ),
    _one(
        "deleteWidget",
        "delete",
        "widgets",
        _WIDGET,
        "Take a widget off its dashboard",
        NULL,
        access=on_dashboard("dashboard.alter"),
    ),
)
