"""Who has access to apps, data sources and tables."""

from __future__ import annotations

from typing import Final

from penstock.identity import AssignmentOut
from penstock.kit.openapi import GONE, Body, Operation, Parameter, Reply
from penstock.tables.operations.common import APP, SOURCE, TABLE, access
from penstock.tables.routes.sharing import Share

_TEXT: Final = {"type": "string"}
_TO: Final = "exactly one of `user`, `key`, `team` and `org`"


def _sharing(
    base: str, word: str, words: str, tag: str, action: str, path: tuple[Parameter, ...]
) -> tuple[Operation, ...]:
    """The three operations on the roles held on one kind of place."""
    return (
        Operation(
            id=f"list{word}Access",
            method="get",
            path=f"{base}/access",
            summary=f"List who has a role on {words}",
            tag=tag,
            access=access(action),
            parameters=path,
            replies=(
                Reply(
                    status=200,
                    description=f"Roles held on {words} itself.",
                    schema={"type": "array", "items": AssignmentOut},
                ),
            ),
        ),
        Operation(
            id=f"give{word}Access",
            method="post",
            path=f"{base}/access",
            summary=f"Give a role on {words}",
            description=f"To {_TO}; it replaces the role held before.",
            tag=tag,
            access=access(action),
            parameters=path,
            body=Body(schema=Share, examples={"a user": {"user": "ada", "role": "operator"}}),
            replies=(Reply(status=200, description="The role.", schema=AssignmentOut),),
        ),
        Operation(
            id=f"take{word}Access",
            method="delete",
            path=f"{base}/access",
            summary=f"Take a role on {words} away",
            description=f"From {_TO}.",
            tag=tag,
            access=access(action),
            parameters=(
                *path,
                Parameter(name="user", schema=_TEXT, description="Username or id."),
                Parameter(name="key", schema={"type": "integer"}, description="Id of a service key."),
                Parameter(name="team", schema=_TEXT, description="Slug or id."),
                Parameter(name="org", schema={"const": "true"}, description="Every member of the org."),
            ),
            replies=(GONE,),
        ),
    )


_APP: Final = "/api/apps/{app}"
OPERATIONS: Final[tuple[Operation, ...]] = (
    *_sharing(_APP, "App", "an app", "Apps", "app.share", (APP,)),
    *_sharing(
        f"{_APP}/datasources/{{source}}",
        "Source",
        "a data source",
        "Data sources",
        "source.share",
        (APP, SOURCE),
    ),
    *_sharing(f"{_APP}/datatables/{{table}}", "Table", "a table", "Data tables", "table.share", (APP, TABLE)),
)
