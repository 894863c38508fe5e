"""Teams: making, naming and ending them, and who belongs to them.

Admins of the org manage every team, admins of a team its members. Whoever belongs to a team sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.identity import audit, changes, names
from penstock.identity.models import (
    Grant,
    Member,
    Principal,
    PrincipalKind,
    Role,
    SubjectKind,
    Team,
    TeamMember,
)
from penstock.identity.store import roles, teams
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.kit.paging import Page


async def create_team(conn: Connection, grant: Grant, slug: str, name: str, description: str) -> Team:
    """Raises `Conflict` for a slug that is taken."""
    names.check_slug(slug)
    values = {"org_id": grant.org_id, "slug": slug, "name": name, "description": description}
    team = await teams.insert_team(conn, values)
    if team is None:
        raise errors.Conflict(f"There is a team with the slug '{slug}' already.")
    await audit.record(conn, grant.principal, "team.create", "team", team.id, slug)
    return team


async def find_team(
    conn: Connection, principal: Principal, ident: str, action: str, *, lock: bool = False
) -> tuple[Grant, Team]:
    """A team that the caller sees, and the permission for `action`. Raises `NotFound` or `Forbidden`."""
    team = await teams.team(conn, principal.org_id, ident, lock=lock)
    if team is None or not (principal.org_role is not None or team.id in principal.team_ids):
        raise errors.NotFound
    role = await _role_in(conn, principal, team)
    if role < _LEAST[action]:
        raise errors.Forbidden
    return Grant(principal, action, role, ("team", team.id)), team


_LEAST = {
    "team.read": Role.COLLABORATOR,
    "team.members": Role.OPERATOR,
    "team.update": Role.ADMIN,
    "team.delete": Role.ADMIN,
}


async def _role_in(conn: Connection, principal: Principal, team: Team) -> Role:
    """An admin of the org is one of each team; an admin of a team is not above its name and its end."""
    if principal.org_role is not None and principal.org_role >= Role.ADMIN:
        return principal.org_role
    # A key that was made for less than its user holds is no team admin.
    whole = principal.kind is PrincipalKind.USER and principal.user_id is not None
    if whole and team.id in principal.team_ids:
        _, found = await teams.members(conn, team.id, None, user_id=principal.user_id)
        if found and found[0].is_admin:
            return Role.OPERATOR
    return Role.COLLABORATOR


async def list_teams(
    conn: Connection, principal: Principal, page: Page | None
) -> tuple[int, list[tuple[Team, int]]]:
    """All teams for who has a role in the org, else one's own."""
    only = None if principal.org_role is not None else principal.team_ids
    return await teams.teams_of(conn, principal.org_id, page, only=only)


async def update_team(conn: Connection, grant: Grant, team: Team, values: Mapping[str, Any]) -> Team:
    changed = await teams.update_team(conn, team.id, values)
    detail = {"changed": sorted(values)}
    await audit.record(conn, grant.principal, "team.update", "team", team.id, team.slug, detail)
    return changed


async def delete_team(conn: Connection, grant: Grant, team: Team) -> None:
    """With the roles that it holds."""
    for user_id in await teams.user_ids(conn, team.id):
        await changes.user_changed(conn, user_id)
    await roles.remove_subject(conn, grant.org_id, SubjectKind.TEAM, team.id)
    await teams.delete_team(conn, team.id)
    await audit.record(conn, grant.principal, "team.delete", "team", team.id, team.slug)


async def put_member(
    conn: Connection, grant: Grant, team: Team, member: Member, *, is_admin: bool
) -> TeamMember:
    """Take a member of the org into the team, or change whether they administer it.

    Raises `Forbidden` when the team holds more somewhere than the caller could give.
    """
    await _check_gives(conn, grant, team)
    user = member.user
    await teams.put_member(conn, team.id, user.id, is_admin=is_admin)
    await changes.user_changed(conn, user.id)
    detail = {"user": user.username, "user_id": user.id, "is_admin": is_admin}
    await audit.record(conn, grant.principal, "team.member.put", "team", team.id, team.slug, detail)
    _, found = await teams.members(conn, team.id, None, user_id=user.id)
    return found[0]


async def remove_member(conn: Connection, grant: Grant, team: Team, user_id: int, username: str) -> None:
    """Raises `NotFound` for who does not belong to it."""
    if not await teams.remove_member(conn, team.id, user_id):
        raise errors.NotFound
    await changes.user_changed(conn, user_id)
    detail = {"user": username, "user_id": user_id}
    await audit.record(conn, grant.principal, "team.member.remove", "team", team.id, team.slug, detail)


async def _check_gives(conn: Connection, grant: Grant, team: Team) -> None:
    """Who administers a team gives what the team holds; an admin of the org does not make owners that way."""
    if grant.role is Role.OPERATOR or grant.role is Role.OWNER:
        return
    if await roles.highest(conn, grant.org_id, SubjectKind.TEAM, team.id) is Role.OWNER:
        raise errors.Forbidden("This team is owner of something; only an owner of the org adds to it.")
