# Generated from _async/resources/teams.py by scripts/async_to_sync.py; change that file instead.

"""Teams of the org and who belongs to them."""

from __future__ import annotations

from penstock_sdk._models import Team, TeamMember
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import Resource, given, segment
from penstock_sdk._sync.transport import Transport


class Teams(Resource):
    """The teams of the caller's org. A team is named by its slug or id, a user by username or id."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/teams/")

    def list(self, *, page_size: int = 100) -> Pager[Team]:
        """All teams; for who has no role in the org their own."""
        return self._pager(self._path, Team, page_size)

    def get(self, team: str | int) -> Team:
        """One team. A NotFoundError when there is none."""
        return (self._transport.request("GET", self._of(team))).as_type(Team)

    def create(self, slug: str, *, name: str | None = None, description: str | None = None) -> Team:
        """A new team, of which nobody is a member yet."""
        body = given(slug=slug, name=name, description=description)
        return (self._transport.request("POST", self._path, body=body)).as_type(Team)

    def update(self, team: str | int, *, name: str | None = None, description: str | None = None) -> Team:
        """Changes what is given; the slug stays."""
        body = given(name=name, description=description)
        return (self._transport.request("PATCH", self._of(team), body=body)).as_type(Team)

    def delete(self, team: str | int) -> None:
        """Deletes a team with the roles that it holds."""
        self._transport.request("DELETE", self._of(team))

    def members(self, team: str | int, *, page_size: int = 100) -> Pager[TeamMember]:
        """Who belongs to a team."""
        return self._pager(f"{self._of(team)}members/", TeamMember, page_size)

    def put_member(self, team: str | int, user: str | int, *, is_admin: bool = False) -> TeamMember:
        """Takes a member of the org into a team; of one who is in it already it says whether they are its admin."""
        body = {"user": user, "is_admin": is_admin}
        answer = self._transport.request("POST", f"{self._of(team)}members/", body=body)
        return answer.as_type(TeamMember)

    def remove_member(self, team: str | int, user: str | int) -> None:
        """Takes somebody out of a team."""
        self._transport.request("DELETE", f"{self._of(team)}members/{segment(user)}/")

    def _of(self, team: str | int) -> str:
        return f"{self._path}{segment(team)}/"
