"""Operations on what people share: rights on a query or a dashboard, snippets, and what data sources have."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import Role, in_place
from penstock.kit.openapi import Access, Body, One, Operation, Parameter, Reply, described, path
from penstock.queries.operations.common import (
    DASHBOARD,
    MOMENT,
    NULL,
    NUMBER,
    PERSON,
    QUERY,
    SOURCE,
    SOURCE_OBJECT,
    TEXT,
    access,
    on_dashboard,
    own_access,
)

_PEOPLE: Final = {"type": "array", "items": PERSON}
_WANTED: Final = Body(
    schema=described({"user_id": NUMBER, "access_type": {"enum": ["view", "modify", "delete"]}}),
    examples={"may change it": {"user_id": 1, "access_type": "modify"}},
)
GROUP: Final = path("group", "Number of a group.", "2")
_RIGHT: Final = Reply(
    status=200,
    description="The right.",
    schema=described(
        {
            "id": NUMBER,
            "object_id": NUMBER,
            "object_type": TEXT,
            "access_type": TEXT,
            "grantor": PERSON,
            "grantee": PERSON,
        }
    ),
)


def _rights(
    word: str, thing: str, place: Parameter, gives: Access, reads: Access, seen: str
) -> list[Operation]:
    """The operations on the rights of single people on a thing of this kind."""
    one = One(
        f"/api/{thing}/{{{place.name}}}/acl",
        "Dashboards" if thing == "dashboards" else "Queries",
        (place,),
        Reply(
            status=200,
            description="The people by what they may do.",
            schema={"type": "object", "additionalProperties": _PEOPLE},
        ),
    )
    name = word.capitalize()
    return [
        one.read(f"list{name}Rights", f"List what single people may do with a {word}", gives),
        one.act(
            f"give{name}Right",
            "",
            f"Let somebody see, change or archive a {word}",
            gives,
            description=seen,
            body=_WANTED,
            reply=_RIGHT,
        ),
        one.act(
            f"take{name}Right",
            "",
            "Take such a right away",
            gives,
            method="delete",
            body=_WANTED,
            reply=NULL,
        ),
        one.act(
            f"check{name}Right",
            "/{access_type}",
            "Tell whether the caller may",
            reads,
            method="get",
            parameters=(path("access_type", "`view`, `modify` or `delete`.", "modify"),),
            reply=Reply(
                status=200, description="Whether.", schema=described({"response": {"type": "boolean"}})
            ),
        ),
    ]


_ALL: Final = "/api/query_snippets"
_FIELDS: Final[dict[str, Any]] = {"trigger": TEXT, "description": TEXT, "snippet": TEXT}
_EXAMPLE: Final = {
    "trigger": "last_week",
    "description": "Days",
    "snippet": "day > now() - interval '7 days'",
}
_SNIPPET_OBJECT: Final = described(
    {"id": NUMBER, **_FIELDS, "user": PERSON, "updated_at": MOMENT, "created_at": MOMENT}
)
_SNIPPET: Final = One(
    f"{_ALL}/{{snippet}}",
    "Queries",
    (path("snippet", "Id of a snippet.", "1"),),
    Reply(status=200, description="The snippet.", schema=_SNIPPET_OBJECT),
    NULL,
)

_SOURCES: Final = One(
    "/api/groups/{group}/data_sources",
    "Queries",
    (GROUP,),
    Reply(status=200, description="Data sources.", schema={"type": "array", "items": SOURCE_OBJECT}),
)
_LINK: Final = One(
    f"{_SOURCES.path}/{{source}}",
    "Queries",
    (GROUP, SOURCE),
    Reply(status=200, description="The data source.", schema=SOURCE_OBJECT),
    NULL,
)
_IN_GROUP: Final = in_place(Role.ADMIN, "Takes the role `admin` in the org, and on the data source.")

OPERATIONS: Final[tuple[Operation, ...]] = (
    *_rights(
        "query",
        "queries",
        QUERY,
        own_access("query.alter"),
        access("query.read"),
        "`view`: it is seen, with the rows that they would get by asking; `modify` and `delete` besides.",
    ),
    *_rights(
        "dashboard",
        "dashboards",
        DASHBOARD,
        on_dashboard("dashboard.share"),
        access("dashboard.read"),
        "`view`: it is seen, a draft too, and of what is on it what they would see by themselves; `modify` and "
        "`delete` besides. Who may change it does not share it.",
    ),
    Operation(
        id="listSnippets",
        method="get",
        path=_ALL,
        summary="List the snippets of the org",
        tag="Queries",
        access=access("query.read"),
        replies=(
            Reply(
                status=200,
                description="Snippets by trigger.",
                schema={"type": "array", "items": _SNIPPET_OBJECT},
            ),
        ),
    ),
    Operation(
        id="createSnippet",
        method="post",
        path=_ALL,
        summary="Make a snippet",
        tag="Queries",
        access=access("query.create"),
        body=Body(schema=described(_FIELDS), examples={"a condition": _EXAMPLE}),
        replies=(Reply(status=200, description="The snippet.", schema=_SNIPPET_OBJECT),),
    ),
    _SNIPPET.read("readSnippet", "Read a snippet", access("query.read")),
    _SNIPPET.change(
        "updateSnippet",
        "Change a snippet",
        access("query.read"),
        Body(
            schema={"type": "object", "properties": _FIELDS},
            required=False,
            examples={"another description": {"description": "The last seven days"}},
        ),
        method="post",
        description="For who made it, and admins of the org.",
    ),
    _SNIPPET.delete(
        "deleteSnippet",
        "Delete a snippet",
        access("query.read"),
        description="For who made it, and admins of the org.",
    ),
    _SOURCES.read("listGroupSources", "List the data sources of a group", access("query.read")),
    _SOURCES.act(
        "addGroupSource",
        "",
        "Give a group full access to a data source",
        _IN_GROUP,
        description="The role `operator` for its team.",
        body=Body(schema=described({"data_source_id": NUMBER}), examples={"a source": {"data_source_id": 1}}),
        reply=_LINK.reply,
    ),
    _LINK.change(
        "changeGroupSource",
        "Let a group only look at a data source, or no longer",
        _IN_GROUP,
        Body(
            schema=described({"view_only": {"type": "boolean"}}), examples={"only look": {"view_only": True}}
        ),
        method="post",
        description="`view_only` is the role `collaborator`.",
    ),
    _LINK.delete("removeGroupSource", "Take a data source from a group", _IN_GROUP),
    Operation(
        id="describeDataSource",
        method="get",
        path="/api/data_sources/{source}/schema",
        summary="List the tables and columns of a data source",
        description="Those that the caller may know of.",
        tag="Queries",
        access=access("query.read"),
        parameters=(SOURCE,),
        replies=(
            Reply(
                status=200,
                description="Tables by name.",
                schema=described(
                    {
                        "schema": {
                            "type": "array",
                            "items": described(
                                {
                                    "name": TEXT,
                                    "columns": {
                                        "type": "array",
                                        "items": described({"name": TEXT, "type": TEXT}),
                                    },
                                }
                            ),
                        }
                    }
                ),
            ),
        ),
    ),
)
