"""Change feeds."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi import Operation, Parameter, Reply, described, ref
from penstock.tables.changes.request import DEFAULT_SIZE, MAX_SIZE
from penstock.tables.changes.stream import MEDIA_TYPE
from penstock.tables.operations.common import APP, TABLE, access
from penstock.tables.operations.records import GENERIC

SCHEMAS: Final[dict[str, Any]] = {
    "RecordChange": described(
        {
            "cursor": {"type": "string", "description": "The place behind this change."},
            "op": {"enum": ["insert", "update", "delete"]},
            "key": {"description": "The record's key; a list where it has several fields."},
            "record": {
                "description": "The record as the change left it; null once it is deleted.",
                "type": ["object", "null"],
            },
            "at": {
                "type": "string",
                "format": "date-time",
                "description": "When the transaction began that made it.",
            },
        }
    ),
}
OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="readChanges",
        method="get",
        path="/api/apps/{app}/datatables/{table}/data/changes",
        summary="Follow what becomes of the records of a table",
        description=(
            'For tables with `"changes": true` in their schema. Every change at least once, those of one record in '
            "their order. Conditions on fields, as in lists, let through what they fit: a record that begins to fit is "
            "an insert, one that ceases to is a delete. With `Accept: text/event-stream` the answer goes on as "
            "server-sent events. A cursor whose changes are no longer kept is answered with 409 `CURSOR_EXPIRED`."
        ),
        tag="Records",
        access=access("record.read"),
        parameters=(
            APP,
            TABLE,
            Parameter(
                name="since",
                schema={"type": "string", "examples": ["start"]},
                description="A cursor; `start` for the oldest change kept. Without it the answer is a cursor alone.",
            ),
            Parameter(
                name="limit",
                schema={"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": DEFAULT_SIZE},
                description="Changes to look at; of those that do not fit the conditions nothing is answered.",
            ),
            Parameter(
                name="filters",
                schema=ref("FilterTree"),
                description="Conditions that must hold besides the others, as a JSON tree.",
                is_json=True,
            ),
            Parameter(
                name="Last-Event-ID",
                place="header",
                schema={"type": "string"},
                description="Of a stream that is taken up again: the id of its last event, in place of `since`.",
            ),
            *GENERIC.conditions,
        ),
        replies=(
            Reply(
                status=200,
                description="Changes.",
                schema=described(
                    {
                        "data": {"type": "array", "items": ref("RecordChange"), "maxItems": MAX_SIZE},
                        "next_cursor": {"type": "string", "description": "For the next `since`."},
                        "has_more": {
                            "type": "boolean",
                            "description": "Whether it is worth asking again at once.",
                        },
                    }
                ),
                files=(MEDIA_TYPE,),
            ),
        ),
        errors=(409,),
    ),
)
