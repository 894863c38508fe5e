"""Row rules."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi import Body, One, Operation, Reply, path
from penstock.tables.operations.common import APP, TABLE, access
from penstock.tables.routes.rules import RuleOut

RULE: Final = path("rule", "Id of the rule.", "1")
_ALL: Final = "/api/apps/{app}/datatables/{table}/rules"
_TAG: Final = "Row rules"
_FILTER: Final = {
    "type": ["object", "array", "null"],
    "description": "A filter; `{}` is every row, null none. Values may be `$user.id`, `$user.email`, `$user.team_ids` "
    "(with `in`) and `$token.<name>`.",
}
_IDENTS: Final = {"type": "array", "items": {"type": ["string", "integer"]}, "maxItems": 1000}
_FIELDS: Final = {"type": "array", "items": {"type": "string"}, "maxItems": 1000}
_RULE: Final[dict[str, Any]] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 100},
    "subjects": {
        "type": ["object", "null"],
        "description": "Whom the rule names; null is everyone.",
        "properties": {
            "roles": {"type": "array", "items": {"enum": ["collaborator", "operator"]}},
            "teams": _IDENTS,
            "users": _IDENTS,
            "keys": {"type": "array", "items": {"type": "integer"}, "maxItems": 1000},
        },
        "additionalProperties": False,
    },
    "read": _FILTER,
    "write": _FILTER,
    "hidden_fields": _FIELDS,
    "read_only_fields": _FIELDS,
}


def _body(*required: str) -> dict[str, Any]:
    return {
        "type": "object", "properties": _RULE, "required": list(required), "additionalProperties": False,
    }  # fmt: skip


_EXAMPLE: Final[dict[str, Any]] = {"open to all": {"name": "everyone", "read": {}, "write": {}}}
_ONE: Final = One(
    f"{_ALL}/{{rule}}",
    _TAG,
    (APP, TABLE, RULE),
    Reply(status=200, description="The rule.", schema=RuleOut),
)
OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listRules",
        method="get",
        path=_ALL,
        summary="List the row rules of a table",
        tag=_TAG,
        access=access("table.share"),
        parameters=(APP, TABLE),
        replies=(Reply(status=200, description="Rules.", schema={"type": "array", "items": RuleOut}),),
    ),
    Operation(
        id="createRule",
        method="post",
        path=_ALL,
        summary="Create a row rule",
        description="From the first rule on, whoever is no admin of the table reads and writes what rules let them. "
        "`read` absent is every row, `write` absent is what `read` is.",
        tag=_TAG,
        access=access("table.share"),
        parameters=(APP, TABLE),
        body=Body(schema=_body("name"), examples=_EXAMPLE),
        replies=(Reply(status=201, description="The new rule.", schema=RuleOut),),
        errors=(409,),
    ),
    _ONE.read("readRule", "Read a row rule", access("table.share")),
    _ONE.change(
        "replaceRule",
        "Replace a row rule",
        access("table.share"),
        Body(schema=_body("name"), examples=_EXAMPLE),
        method="put",
        errors=(409,),
    ),
    _ONE.change(
        "updateRule",
        "Change a row rule",
        access("table.share"),
        Body(schema=_body(), examples={"no field hidden": {"hidden_fields": []}}),
        description="What is absent stays.",
        errors=(409,),
    ),
    _ONE.delete(
        "deleteRule",
        "Delete a row rule",
        access("table.share"),
        description="A table without rules is open to every role again.",
    ),
)
