"""Users and groups, as clients of the dashboard dialect manage them."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import schemas
from penstock.identity.models import Role
from penstock.identity.operations.common import CALLER, MOMENT, TEXT, in_org
from penstock.identity.operations.people import USER
from penstock.kit.openapi import Body, One, Operation, Reply, described, path

_USER: Final = One(
    "/api/users/{user}",
    "Users",
    (USER,),
    Reply(status=200, description="The user.", schema=schemas.AccountOut),
)
_NUMBER: Final = {"type": "integer"}
_NULL: Final = Reply(status=200, description="Done; the body is `null`.", schema={"type": "null"})
_NAMED: Final = Body(schema=described({"name": TEXT}), examples={"a group": {"name": "Sales"}})
_GROUP_OBJECT: Final = described(
    {
        "id": _NUMBER,
        "name": TEXT,
        "permissions": {"type": "array", "items": TEXT},
        "type": {"enum": ["builtin", "regular"]},
        "created_at": MOMENT,
    }
)
_GROUP: Final = One(
    "/api/groups/{group}",
    "Teams",
    (path("group", "Number of a group.", "2"),),
    Reply(status=200, description="The group.", schema=_GROUP_OBJECT),
    _NULL,
)
_ADMIN: Final = in_org(Role.ADMIN)
_PEOPLE: Final[dict[str, Any]] = {"type": "array", "items": schemas.AccountOut}

OPERATIONS: Final[tuple[Operation, ...]] = (
    _USER.change(
        "changeAccount",
        "Change a user, as clients of the dashboard dialect do",
        CALLER,
        Body(
            schema={
                "type": "object",
                "properties": {
                    "name": TEXT,
                    "email": TEXT,
                    "password": TEXT,
                    "old_password": TEXT,
                    "group_ids": {"type": "array", "items": _NUMBER},
                },
            },
            examples={"a name": {"name": "Grace Hopper"}},
        ),
        method="post",
        description="One's own person, or as an admin that of others; a password is one's own alone.",
        errors=(409,),
    ),
    _USER.act(
        "inviteUser",
        "/invite",
        "Invite a user who has not come yet once more",
        _ADMIN,
        description="By mail where mail is sent; else `invite_link` in the answer is for them.",
    ),
    _USER.act(
        "giveResetLink",
        "/reset_password",
        "Give a link by which a user sets another password",
        _ADMIN,
        description="Where mail is sent, the user gets a letter with one as well.",
        reply=Reply(status=200, description="The link.", schema=described({"reset_link": TEXT})),
    ),
    _USER.act("disableUser", "/disable", "Deactivate a user", _ADMIN, errors=(409,)),
    _USER.act("enableUser", "/disable", "Activate a user again", _ADMIN, method="delete", errors=(409,)),
    _USER.act(
        "renewUserKey",
        "/regenerate_api_key",
        "Give a user another key that is shown again",
        CALLER,
        description="For the user, and owners of the org; the one before is none from now on.",
    ),
    Operation(
        id="listGroups",
        method="get",
        path="/api/groups",
        summary="List groups",
        description="Group 1 are the admins of the org, 2 everybody with a role in it, all others its teams.",
        tag="Teams",
        access=CALLER,
        replies=(Reply(status=200, description="Groups.", schema={"type": "array", "items": _GROUP_OBJECT}),),
    ),
    Operation(
        id="createGroup",
        method="post",
        path="/api/groups",
        summary="Create a group",
        tag="Teams",
        access=_ADMIN,
        body=_NAMED,
        replies=(Reply(status=200, description="The group.", schema=_GROUP_OBJECT),),
        errors=(409,),
    ),
    _GROUP.read("readGroup", "Read a group", CALLER),
    _GROUP.change("renameGroup", "Rename a group", _ADMIN, _NAMED, method="post"),
    _GROUP.delete("deleteGroup", "Delete a group", _ADMIN),
    _GROUP.act(
        "listGroupMembers",
        "/members",
        "List who is in a group",
        CALLER,
        method="get",
        reply=Reply(status=200, description="Users.", schema=_PEOPLE),
    ),
    _GROUP.act(
        "addGroupMember",
        "/members",
        "Take somebody into a group",
        _ADMIN,
        description="Into group 1 or 2: give them that role.",
        body=Body(schema=described({"user_id": _NUMBER}), examples={"a user": {"user_id": 1}}),
        reply=Reply(status=200, description="The user.", schema=schemas.AccountOut),
        errors=(409,),
    ),
    _GROUP.act(
        "removeGroupMember",
        "/members/{user}",
        "Take somebody out of a group",
        _ADMIN,
        method="delete",
        parameters=(USER,),
        reply=_NULL,
        errors=(409,),
    ),
)
