"""Teams of the caller's org and their members."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import delete, get, patch, post
from litestar.response.base import ASGIResponse
from msgspec import UNSET

from penstock.identity import names
from penstock.identity.access import grant, own
from penstock.identity.models import Grant, Member, Role, Team
from penstock.identity.routes.common import Caller, Conn, answer_list, body, parameters
from penstock.identity.schemas import (
    TeamCreate,
    TeamMemberIn,
    TeamMemberOut,
    TeamMemberPatch,
    TeamOut,
    TeamPatch,
)
from penstock.identity.service import teams, users
from penstock.identity.store import people
from penstock.identity.store import teams as store
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest

_TEAMS = "/api/teams"
_TEAM = f"{_TEAMS}/{{team:str}}"
_MEMBERS = f"{_TEAM}/members"
_MEMBER = f"{_MEMBERS}/{{user:str}}"


@get(_TEAMS)
async def list_teams(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, "page", "page_size")
    return await answer_list(request, lambda page: teams.list_teams(conn, principal, page), TeamOut.of)


@post(_TEAMS)
async def create_team(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    allowed = grant(principal, "team.create", Role.ADMIN)
    wanted = await body(request, TeamCreate)
    team = await teams.create_team(conn, allowed, wanted.slug, wanted.name or wanted.slug, wanted.description)
    return http.json(TeamOut.of((team, 0)), 201)


@get(_TEAM)
async def read_team(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    _, team = await teams.find_team(conn, principal, http.segment(request, "team"), "team.read")
    return http.json(TeamOut.of((team, await store.count(conn, team.id))))


@patch(_TEAM)
async def update_team(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    ident = http.segment(request, "team")
    allowed, team = await teams.find_team(conn, principal, ident, "team.update", lock=True)
    wanted = await body(request, TeamPatch)
    values: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not UNSET
    }
    changed = await teams.update_team(conn, allowed, team, values) if values else team
    return http.json(TeamOut.of((changed, await store.count(conn, team.id))))


@delete(_TEAM, status_code=200)
async def delete_team(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    ident = http.segment(request, "team")
    allowed, team = await teams.find_team(conn, principal, ident, "team.delete", lock=True)
    await teams.delete_team(conn, allowed, team)
    return http.empty()


@get(_MEMBERS)
async def list_team_members(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, "page", "page_size")
    _, team = await teams.find_team(conn, principal, http.segment(request, "team"), "team.read")
    return await answer_list(request, lambda page: store.members(conn, team.id, page), TeamMemberOut.of)


@post(_MEMBERS)
async def add_team_member(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Take in a member of the org; who belongs to the team already stays, with `is_admin` as it is sent."""
    parameters(request)
    ident = http.segment(request, "team")
    allowed, team = await teams.find_team(conn, principal, ident, "team.members", lock=True)
    wanted = await body(request, TeamMemberIn)
    try:
        member = await users.find(conn, own(principal, "user.read"), str(wanted.user), lock=True)
    except errors.NotFound:
        name = str(wanted.user)[:80]
        raise errors.Invalid({"user": [f"There is no member '{name}' in this org."]}) from None
    put = await teams.put_member(conn, allowed, team, member, is_admin=wanted.is_admin)
    return http.json(TeamMemberOut.of(put), 201)


@patch(_MEMBER)
async def update_team_member(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Make somebody an admin of the team, or no longer."""
    parameters(request)
    ident = http.segment(request, "team")
    allowed, team = await teams.find_team(conn, principal, ident, "team.members", lock=True)
    wanted = await body(request, TeamMemberPatch)
    member = await _member(request, conn, allowed, team)
    put = await teams.put_member(conn, allowed, team, member, is_admin=wanted.is_admin)
    return http.json(TeamMemberOut.of(put))


@delete(_MEMBER, status_code=200)
async def remove_team_member(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Take somebody out of the team; anybody may leave."""
    parameters(request)
    ident = http.segment(request, "team")
    allowed, team = await teams.find_team(conn, principal, ident, "team.read", lock=True)
    member = await _member(request, conn, allowed, team)
    if member.user.id != principal.user_id or principal.key_id is not None:
        allowed, _ = await teams.find_team(conn, principal, ident, "team.members")
    await teams.remove_member(conn, allowed, team, member.user.id, member.user.username)
    return http.empty()


async def _member(request: AnyRequest, conn: Conn, allowed: Grant, team: Team) -> Member:
    """The member of the team that the path names, whom everyone sees who sees the team."""
    ident = http.segment(request, "user")
    user_id = names.resource_id(ident)
    found = None
    if user_id is not None and user_id > 0:
        found = await people.member(conn, allowed.org_id, user_id=user_id, lock=True)
    elif user_id is None and "\0" not in ident and len(ident) <= names.LONGEST:
        found = await people.member(conn, allowed.org_id, username=ident, lock=True)
    if found is None or not (await store.members(conn, team.id, None, user_id=found.user.id))[1]:
        raise errors.NotFound
    return found


ROUTES = (
    list_teams, create_team, read_team, update_team, delete_team, list_team_members, add_team_member,
    update_team_member, remove_team_member,
)  # fmt: skip
