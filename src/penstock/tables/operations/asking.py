"""Asking what one may do with a table or a record."""

from __future__ import annotations

from typing import Final

from penstock.kit.openapi import Operation, Reply, described
from penstock.tables.operations.common import APP, TABLE, access
from penstock.tables.operations.records import GENERIC

_TABLE: Final = "/api/apps/{app}/datatables/{table}/allowed_actions"
_RECORD: Final = "/api/apps/{app}/datatables/{table}/data/{key}/allowed_actions"


def _reply(*actions: str) -> Reply:
    listed = {"type": "array", "items": {"enum": list(actions)}}
    return Reply(status=200, description="The actions.", schema=described({"allowed_actions": listed}))


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="readAllowedActions",
        method="get",
        path=_TABLE,
        summary="Ask what you may do with a table",
        tag="Records",
        access=access("record.read"),
        parameters=(APP, TABLE),
        replies=(_reply("read", "create", "update", "delete", "alter"),),
    ),
    Operation(
        id="readAllowedActionsOfRecord",
        method="get",
        path=_RECORD,
        summary="Ask what you may do with a record",
        tag="Records",
        access=access("record.read"),
        parameters=(APP, TABLE, GENERIC.key),
        replies=(_reply("read", "update", "delete"),),
    ),
)
