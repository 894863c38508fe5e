"""`penstock teams`: users of the org who hold roles together."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, emit_one, say

app = App(name="teams", help="Users of the org who hold roles together.")
_COLUMNS = ("id", "slug", "name", "member_count", "description")
_MEMBERS = ("id", "username", "email", "is_admin", "joined_at")
Team = Annotated[str, Parameter(help="Slug or id of the team.")]
User = Annotated[str, Parameter(help="Username or id.")]


@app.command(name="list")
def list_teams(*, options: Options = DEFAULTS) -> None:
    """List the teams of the org."""
    with options.client() as client:
        emit_list(client.teams.list(), _COLUMNS, as_json=options.json)


@app.command
def create(
    slug: str, *, name: str | None = None, description: str | None = None, options: Options = DEFAULTS
) -> None:
    """Make a team.

    Parameters
    ----------
    slug
        What the team is called in addresses and rules.
    name
        What people call it; the slug when not given.
    description
        What it is for.
    """
    with options.client() as client:
        emit_one(client.teams.create(slug, name=name, description=description), as_json=options.json)


@app.command
def update(
    team: Team, *, name: str | None = None, description: str | None = None, options: Options = DEFAULTS
) -> None:
    """Change what is given.

    Parameters
    ----------
    name
        What people call it.
    description
        What it is for.
    """
    with options.client() as client:
        emit_one(client.teams.update(team, name=name, description=description), as_json=options.json)


@app.command
def delete(team: Team, *, options: Options = DEFAULTS) -> None:
    """Delete a team, with the roles that it holds."""
    with options.client() as client:
        client.teams.delete(team)
    say(f"Team {team} is deleted.")


@app.command
def members(team: Team, *, options: Options = DEFAULTS) -> None:
    """List who belongs to a team."""
    with options.client() as client:
        emit_list(client.teams.members(team), _MEMBERS, as_json=options.json)


@app.command
def add(team: Team, user: User, *, admin: bool = False, options: Options = DEFAULTS) -> None:
    """Take a member of the org into a team.

    Parameters
    ----------
    admin
        Whether they say who else belongs to it.
    """
    with options.client() as client:
        emit_one(client.teams.put_member(team, user, is_admin=admin), as_json=options.json)


@app.command
def remove(team: Team, user: User, *, options: Options = DEFAULTS) -> None:
    """Take somebody out of a team."""
    with options.client() as client:
        client.teams.remove_member(team, user)
    say(f"{user} belongs to {team} no longer.")
