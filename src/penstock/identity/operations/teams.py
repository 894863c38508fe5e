"""Teams and their members."""

from __future__ import annotations

from typing import Final

from penstock.identity import schemas
from penstock.identity.models import Role
from penstock.identity.operations.common import CALLER, in_org
from penstock.kit.openapi import PAGING, Body, One, Operation, Reply, in_either_shape, path

TEAM: Final = path("team", "Id or slug of the team.", "support")
USER: Final = path("user", "Id (all digits), else username.", "ada")
_ALL: Final = "/api/teams"
_MEMBERS: Final = "/api/teams/{team}/members"
_TEAM: Final = One(
    "/api/teams/{team}",
    "Teams",
    (TEAM,),
    Reply(status=200, description="The team.", schema=schemas.TeamOut),
)
_MEMBER: Final = One(
    "/api/teams/{team}/members/{user}",
    "Teams",
    (TEAM, USER),
    Reply(status=200, description="The member.", schema=schemas.TeamMemberOut),
)
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
    _TEAM.read("readTeam", "Read a team", CALLER),
    _TEAM.change(
        "updateTeam",
        "Rename a team",
        in_org(Role.ADMIN),
        Body(schema=schemas.TeamPatch, examples={"a name": {"name": "Support, nights"}}),
    ),
    _TEAM.delete("deleteTeam", "Delete a team, with the roles it holds", in_org(Role.ADMIN)),
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
    _MEMBER.change(
        "updateTeamMember",
        "Make a member an admin of the team, or no longer",
        CALLER,
        Body(schema=schemas.TeamMemberPatch, examples={"an admin": {"is_admin": True}}),
        description=_MANAGED,
    ),
    _MEMBER.delete(
        "removeTeamMember",
        "Take a member out of a team",
        CALLER,
        description=f"{_MANAGED} Anybody may leave.",
    ),
)
