"""Operations on how an org wants things shown, what its people did, and how the installation does."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import CALLER, PLATFORM, Role, in_org
from penstock.kit.openapi import Body, Operation, Reply, described, nullable
from penstock.queries.operations.common import (
    ANY,
    MOMENT,
    NULL,
    NUMBER,
    PAGE,
    PAGE_SIZE,
    TEXT,
    page_of,
)
from penstock.queries.preferences import DATES, TIMES

_TAG: Final = "Queries"
_FLAG: Final = {"type": "boolean"}
_SETTINGS: Final[dict[str, Any]] = {
    "date_format": {"enum": list(DATES)},
    "time_format": {"enum": list(TIMES)},
    "integer_format": TEXT,
    "float_format": TEXT,
    "thousands_separator": TEXT,
    "decimal_separator": TEXT,
    "null_value": TEXT,
    "disable_public_urls": _FLAG,
    "feature_show_permissions_control": _FLAG,
    "hide_plotly_mode_bar": _FLAG,
}
_ALL_SETTINGS: Final = Reply(
    status=200,
    description="All settings, those with one value included.",
    schema=described({"settings": {"type": "object", "properties": _SETTINGS}}),
)
_EVENT: Final = {
    "type": "object",
    "properties": {
        "action": TEXT,
        "object_type": TEXT,
        "object_id": {"anyOf": [TEXT, NUMBER, {"type": "null"}]},
        "timestamp": nullable({"type": "number", "description": "Seconds since 1970; now without it."}),
    },
    "required": ["action", "object_type"],
}
OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="readOrgSettings",
        method="get",
        path="/api/settings/organization",
        summary="Read the settings of the org",
        tag=_TAG,
        access=in_org(Role.ADMIN),
        replies=(_ALL_SETTINGS,),
    ),
    Operation(
        id="changeOrgSettings",
        method="post",
        path="/api/settings/organization",
        summary="Change settings of the org",
        description="What is not named stays. A setting that this server does not know, or that has one value here, "
        "is refused with the reason.",
        tag=_TAG,
        access=in_org(Role.ADMIN),
        body=Body(
            schema={"type": "object", "properties": _SETTINGS},
            required=False,
            examples={"days as in ISO 8601": {"date_format": "YYYY-MM-DD"}},
        ),
        replies=(_ALL_SETTINGS,),
    ),
    Operation(
        id="reportEvents",
        method="post",
        path="/api/events",
        summary="Report what the caller did in a client",
        description="At most 100 events at a time; fields besides these are kept as `details`, 1,024 bytes at most.",
        tag=_TAG,
        access=CALLER,
        body=Body(
            schema={"type": "array", "items": _EVENT, "maxItems": 100},
            examples={"a look": [{"action": "view", "object_type": "dashboard", "object_id": 1}]},
        ),
        replies=(NULL,),
    ),
    Operation(
        id="listEvents",
        method="get",
        path="/api/events",
        summary="List what the people of the org did in their clients",
        description="The newest first. Changes of resources are in the audit log.",
        tag=_TAG,
        access=in_org(Role.ADMIN),
        parameters=(PAGE, PAGE_SIZE),
        replies=(
            Reply(
                status=200,
                description="A page of events.",
                schema=page_of(
                    {
                        "org_id": NUMBER,
                        "user_id": nullable(NUMBER),
                        "user_name": TEXT,
                        "action": TEXT,
                        "object_type": TEXT,
                        "object_id": nullable(TEXT),
                        "created_at": MOMENT,
                        "browser": nullable(TEXT),
                        "location": {"type": "null"},
                        "details": ANY,
                    }
                ),
            ),
        ),
    ),
    Operation(
        id="readStatus",
        method="get",
        path="/status.json",
        summary="Count what the installation has, and what waits",
        tag=_TAG,
        access=PLATFORM,
        replies=(
            Reply(
                status=200,
                description="Counts of all orgs.",
                schema=described(
                    {
                        "version": TEXT,
                        "dashboards_count": NUMBER,
                        "queries_count": NUMBER,
                        "query_results_count": NUMBER,
                        "unused_query_results_count": NUMBER,
                        "widgets_count": NUMBER,
                        "workers": {"type": "array", "items": TEXT},
                        "manager": ANY,
                        "database_metrics": ANY,
                    }
                ),
            ),
        ),
    ),
    Operation(
        id="readQueueStatus",
        method="get",
        path="/api/admin/queries/rq_status",
        summary="Read what background work waits and runs, and who does it",
        tag=_TAG,
        access=PLATFORM,
        replies=(
            Reply(
                status=200,
                description="Queues by kind of work, and workers.",
                schema=described(
                    {
                        "queues": {"type": "object", "additionalProperties": ANY},
                        "workers": {"type": "array", "items": ANY},
                    }
                ),
            ),
        ),
    ),
)
