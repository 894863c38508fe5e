"""Teams and their members."""

from __future__ import annotations

from typing import Final

from penstock.identity import schemas
from penstock.identity.models import Role
from penstock.identity.operations.common import CALLER, in_org
from penstock.kit.openapi import GONE, PAGING, Body, Operation, Reply, in_either_shape, path

TEAM: Final = path("team", "Id or slug of the team.", "support")
USER: Final = path("user", "Id (all digits), else username.", "ada")
_ALL: Final = "/api/teams"
_ONE: Final = "/api/teams/{team}"
_MEMBERS: Final = "/api/teams/{team}/members"
_MEMBER: Final = "/api/teams/{team}/members/{user}"
_TEAM: Final = Reply(status=200, description="The team.", schema=schemas.TeamOut)
_MANAGED: Final = "Takes an admin of the org or of the team."
TEAMS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listTeams",
        method="get",
        path=_ALL,
        summary="List teams",
        description="All of the org; one's own for who has no role in it.",
        tag="Teams",
        access=CALLER,
        parameters=PAGING,
        replies=(Reply(status=200, description="Teams.", schema=in_either_shape(schemas.TeamOut)),),
        errors=(404,),
    ),
    Operation(
        id="createTeam",
        method="post",
        path=_ALL,
        summary="Create a team",
        tag="Teams",
        access=in_org(Role.ADMIN),
        body=Body(schema=schemas.TeamCreate, examples={"a team": {"slug": "support", "name": "Support"}}),
        replies=(Reply(status=201, description="The new team.", schema=schemas.TeamOut),),
        errors=(409,),
    ),
    Operation(
        id="readTeam",
        method="get",
        path=_ONE,
        summary="Read a team",
        tag="Teams",
        access=CALLER,
        parameters=(TEAM,),
        replies=(_TEAM,),
    ),
    Operation(
        id="updateTeam",
        method="patch",
        path=_ONE,
        summary="Rename a team",
        tag="Teams",
        access=in_org(Role.ADMIN),
        parameters=(TEAM,),
        body=Body(schema=schemas.TeamPatch, examples={"a name": {"name": "Support, nights"}}),
        replies=(_TEAM,),
    ),
    Operation(
        id="deleteTeam",
        method="delete",
        path=_ONE,
        summary="Delete a team, with the roles it holds",
        tag="Teams",
        access=in_org(Role.ADMIN),
        parameters=(TEAM,),
        replies=(GONE,),
    ),
    Operation(
        id="listTeamMembers",
        method="get",
        path=_MEMBERS,
        summary="List the members of a team",
        tag="Teams",
        access=CALLER,
        parameters=(TEAM, *PAGING),
        replies=(Reply(status=200, description="Members.", schema=in_either_shape(schemas.TeamMemberOut)),),
    ),
    Operation(
        id="addTeamMember",
        method="post",
        path=_MEMBERS,
        summary="Take a member of the org into a team",
        description=f"{_MANAGED} Whoever is in it already stays, with `is_admin` as it is sent.",
        tag="Teams",
        access=CALLER,
        parameters=(TEAM,),
        body=Body(schema=schemas.TeamMemberIn, examples={"a member": {"user": "ada"}}),
        replies=(Reply(status=201, description="The member.", schema=schemas.TeamMemberOut),),
    ),
    Operation(
        id="updateTeamMember",
        method="patch",
        path=_MEMBER,
        summary="Make a member an admin of the team, or no longer",
        description=_MANAGED,
        tag="Teams",
        access=CALLER,
        parameters=(TEAM, USER),
        body=Body(schema=schemas.TeamMemberPatch, examples={"an admin": {"is_admin": True}}),
        replies=(Reply(status=200, description="The member.", schema=schemas.TeamMemberOut),),
    ),
    Operation(
        id="removeTeamMember",
        method="delete",
        path=_MEMBER,
        summary="Take a member out of a team",
        description=f"{_MANAGED} Anybody may leave.",
        tag="Teams",
        access=CALLER,
        parameters=(TEAM, USER),
        replies=(GONE,),
    ),
)
