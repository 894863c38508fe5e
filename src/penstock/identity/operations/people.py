"""Users, orgs and their members."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import schemas
from penstock.identity.models import Role
from penstock.identity.operations.common import CALLER, PLATFORM, ROLE, TEXT, in_org
from penstock.kit.openapi import (
    PAGING,
    Body,
    One,
    Operation,
    Parameter,
    Reply,
    described,
    flag,
    in_either_shape,
    path,
    ref,
)

USER: Final = path("user", "Id (all digits), else username.", "ada")
ORG: Final = path("org", "Slug of the org.", "main")
SCHEMAS: Final[dict[str, Any]] = {
    "UserPage": described(
        {
            "count": {"type": "integer"},
            "page": {"type": "integer"},
            "page_size": {"type": "integer"},
            "results": {"type": "array", "items": schemas.AccountOut},
            "data": {"type": "array", "items": schemas.AccountOut, "description": "The same as `results`."},
            "total": {"type": "integer", "description": "The same as `count`."},
        }
    ),
}
_USER: Final = One(
    "/api/users/{user}",
    "Users",
    (USER,),
    Reply(status=200, description="The user.", schema=schemas.UserOut),
)
_ACCOUNT: Final = One(
    "/api/users/{user}",
    "Users",
    (USER,),
    Reply(status=200, description="The user.", schema=schemas.AccountOut),
)
USERS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listUsers",
        method="get",
        path="/api/users",
        summary="List users",
        tag="Users",
        access=CALLER,
        parameters=(
            *PAGING,
            Parameter(name="search", schema=TEXT, description="Part of a name or an e-mail address."),
            Parameter(name="q", schema=TEXT, description="The same as `search`."),
            flag("is_active", "Only users who may sign in, or only those who may not."),
            flag("pending", "Only users who have neither a password nor ever signed in, or only others."),
            Parameter(
                name="order",
                schema=TEXT,
                description="`name`, `active_at`, `created_at` or `groups`; `-` before it turns it round.",
            ),
            flag("disabled", "The other way round, as clients of the dashboard dialect say it."),
            Parameter(name="role", schema=ROLE, description="Only users with this role."),
            Parameter(name="roles", schema=ROLE, description="The same as `role`."),
        ),
        replies=(Reply(status=200, description="A page of users.", schema=ref("UserPage")),),
    ),
    Operation(
        id="createUser",
        method="post",
        path="/api/users",
        summary="Create a user",
        description="A new user, member of the caller's org. With `name` and `email` alone, as clients of the "
        "dashboard dialect send them, an operator with a key that is shown again and an invitation: by mail, or as "
        "`invite_link` in the answer where no mail is sent; the answer is a 200 then.",
        parameters=(flag("no_invite", "Send no mail, and give the link of the invitation."),),
        tag="Users",
        access=in_org(Role.ADMIN),
        body=Body(
            schema={"anyOf": [schemas.UserCreate, described({"name": TEXT, "email": TEXT})]},
            examples={"a user": {"username": "grace", "email": "grace@example.com", "role": "operator"}},
        ),
        replies=(
            Reply(status=201, description="The new user.", schema=schemas.UserOut),
            Reply(status=200, description="The same for `name` and `email`.", schema=schemas.AccountOut),
        ),
        errors=(409,),
    ),
    _ACCOUNT.read("readUser", "Read a user", CALLER),
    *(
        _USER.change(
            name,
            summary,
            CALLER,
            Body(schema=schemas.UserPatch, examples={"a name": {"first_name": "Grace"}}),
            method=method,
            description="One's own person, or as an admin that of others. What is absent stays.",
            errors=(409,),
        )
        for name, method, summary in (
            ("replaceUser", "put", "Change a user (as PATCH)"),
            ("updateUser", "patch", "Change a user"),
        )
    ),
    _USER.delete(
        "deleteUser",
        "Take a user out of the org",
        in_org(Role.ADMIN),
        description="Who belongs to no other org is deactivated.",
        errors=(409,),
    ),
)

_MEMBERS: Final = "/api/orgs/{org}/members"
_ORG: Final = One(
    "/api/orgs/{org}",
    "Orgs",
    (ORG,),
    Reply(status=200, description="The org.", schema=schemas.OrgOut),
)
_MEMBER: Final = One(
    f"{_MEMBERS}/{{user}}",
    "Orgs",
    (ORG, USER),
    Reply(status=200, description="The member.", schema=schemas.UserOut),
)
ORGS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listOrgs",
        method="get",
        path="/api/orgs",
        summary="List one's orgs",
        tag="Orgs",
        access=CALLER,
        parameters=PAGING,
        replies=(Reply(status=200, description="Orgs.", schema=in_either_shape(schemas.OrgOut)),),
        errors=(404,),
    ),
    Operation(
        id="createOrg",
        method="post",
        path="/api/orgs",
        summary="Create an org",
        description="The caller is its owner.",
        tag="Orgs",
        access=PLATFORM,
        body=Body(schema=schemas.OrgCreate, examples={"an org": {"slug": "acme", "name": "Acme"}}),
        replies=(Reply(status=201, description="The new org.", schema=schemas.OrgOut),),
        errors=(409,),
    ),
    _ORG.read("readOrg", "Read an org", CALLER),
    _ORG.change(
        "updateOrg",
        "Rename an org",
        in_org(Role.ADMIN),
        Body(schema=schemas.OrgPatch, examples={"a name": {"name": "Acme Ltd"}}),
    ),
    Operation(
        id="listMembers",
        method="get",
        path=_MEMBERS,
        summary="List the members of an org",
        tag="Orgs",
        access=CALLER,
        parameters=(ORG, *PAGING),
        replies=(Reply(status=200, description="Members.", schema=in_either_shape(schemas.UserOut)),),
    ),
    Operation(
        id="addMember",
        method="post",
        path=_MEMBERS,
        summary="Take an existing user into an org",
        description="A user whose admin the caller is elsewhere; a platform admin takes in anyone.",
        tag="Orgs",
        access=in_org(Role.ADMIN),
        parameters=(ORG,),
        body=Body(schema=schemas.MemberCreate, examples={"a member": {"user": "ada", "role": "operator"}}),
        replies=(Reply(status=201, description="The member.", schema=schemas.UserOut),),
        errors=(409,),
    ),
    _MEMBER.change(
        "updateMember",
        "Change the role of a member",
        in_org(Role.ADMIN),
        Body(schema=schemas.MemberPatch, examples={"a role": {"role": "admin"}}),
        errors=(409,),
    ),
    _MEMBER.delete("removeMember", "Take a member out of an org, or leave it", CALLER, errors=(409,)),
)
