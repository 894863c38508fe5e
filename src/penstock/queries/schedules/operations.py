"""What can be asked about schedules, declared for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from penstock.identity import Role, in_org
from penstock.kit.openapi import Operation, Reply, described, nullable
from penstock.queries.operations.common import ANY, MOMENT, NUMBER, QUERY, QUERY_OBJECT, TEXT, access

_STATE: Final = described(
    {
        "schedule": nullable(ANY),
        "state": {"enum": ["off", "waiting", "running", "stopped", "over"]},
        "next_at": nullable(MOMENT),
        "last_at": nullable(MOMENT),
        "failures": NUMBER,
        "error": nullable(TEXT),
        "job": nullable(TEXT),
    }
)
OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="readQuerySchedule",
        method="get",
        path="/api/queries/{query_id}/schedule",
        summary="Read when a query runs by itself, and how it went",
        description="`stopped`: its owner may no longer run it; `error` says why, to who may change the query. "
        "Changing the query plans it anew.",
        tag="Queries",
        access=access("query.read"),
        parameters=(QUERY,),
        replies=(Reply(status=200, description="The schedule.", schema=_STATE),),
    ),
    Operation(
        id="listOutdatedQueries",
        method="get",
        path="/api/admin/queries/outdated",
        summary="List the scheduled queries whose turn has come",
        tag="Queries",
        access=in_org(Role.ADMIN),
        replies=(
            Reply(
                status=200,
                description="Queries that wait for a worker.",
                schema=described({"queries": {"type": "array", "items": QUERY_OBJECT}, "updated_at": MOMENT}),
            ),
        ),
    ),
)
