"""Users and groups as clients of the dashboard dialect manage them; every success is a 200.

Groups are two that stand for roles (1, `admin`; 2, `default`: everybody with a role) and the teams of the org.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Meta, UnsetType

from penstock.identity import letters, names, passwords
from penstock.identity.access import grant, own
from penstock.identity.models import Grant, Known, Member, Principal, Role, Team
from penstock.identity.passwords import Passwords
from penstock.identity.routes.common import Caller, Conn, address
from penstock.identity.schemas import ADMINS, EVERYBODY, AccountOut, Name, Secret, group_of, team_of
from penstock.identity.service import shown as shown_keys
from penstock.identity.service import teams, users
from penstock.identity.settings import IdentitySettings
from penstock.identity.signing_in import check_password
from penstock.identity.store import people
from penstock.identity.store import teams as team_store
from penstock.kit import clock, errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest

_USER = "/api/users/{user:str}"
_GROUPS = "/api/groups"
_GROUP = f"{_GROUPS}/{{group:str}}"
_MEMBERS = f"{_GROUP}/members"
_PERMISSIONS = {
    ADMINS: ["admin", "super_admin"],
    EVERYBODY: [
        "create_dashboard", "create_query", "edit_dashboard", "edit_query", "view_query", "view_source",
        "execute_query", "list_users", "schedule_query", "list_dashboards", "list_alerts", "list_data_sources",
    ],
}  # fmt: skip
_BUILTIN = {ADMINS: "admin", EVERYBODY: "default"}
_KEPT = "Can't {} built-in groups."


class Invited(msgspec.Struct):
    """A new user by name and address; what else is sent is passed over."""

    name: Name
    email: Name


class AccountPatch(msgspec.Struct):
    """Changes of a user; what else is sent is passed over."""

    name: Name | UnsetType = UNSET
    email: Name | UnsetType = UNSET
    password: Secret | UnsetType = UNSET
    old_password: Secret | None = None
    group_ids: list[int] | UnsetType = UNSET


class GroupIn(msgspec.Struct):
    name: Name


class GroupMember(msgspec.Struct):
    user_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]


async def invite(
    request: AnyRequest, principal: Principal, conn: Connection, wanted: Invited, *, mailed: bool
) -> AccountOut:
    """A new user with the rights of everybody, and the key that they are to use."""
    grant(principal, "user.create", Role.ADMIN)
    first, _, last = _sound(wanted.name).strip().partition(" ")
    users.check_gives(principal, Role.OPERATOR)
    await users.forget_uninvited(conn, wanted.email)
    email = await _address(conn, wanted.email)
    new = users.NewUser(None, email, None, first[:150], last.strip()[:150], is_email_verified=not mailed)
    user = await users.create_user(conn, principal, new, principal.org_id, Role.OPERATOR)
    member = Member(user, Role.OPERATOR, user.created_at)
    secret = await shown_keys.give(conn, http.context(request).keys.encryption, principal, member)
    known = Known(member, (), True)
    return AccountOut.known(known, api_key=secret if shown_keys.may_show(principal, member) else UNSET)


async def _address(conn: Connection, email: str, but: int | None = None) -> str:
    """Raises `BadRequest` in the words of the dialect."""
    try:
        names.check_email(_sound(email))
    except errors.Invalid as error:
        raise errors.BadRequest("Bad email address.") from error
    if await people.name_taken(conn, email, but=but):
        raise errors.BadRequest("Email already taken.")
    return email


@post(_USER, status_code=200)
async def change_account(request: AnyRequest, principal: Caller) -> ASGIResponse:
    wanted = http.decode(await http.body(request), AccountPatch)
    pool = http.context(request).db.control
    async with pool.transaction() as conn:
        member = await _member(request, conn, principal)
    allowed = _for_self_or_admin(principal, member)
    values: dict[str, Any] = {}
    if wanted.password is not UNSET:
        values["password_hash"] = await _password(
            request, principal, member, wanted.password, wanted.old_password
        )
    if wanted.email is not UNSET and wanted.email != member.user.email:
        await _check_moves(request, principal, member, wanted.old_password)
    if wanted.name is not UNSET:
        first, _, last = _sound(wanted.name).strip().partition(" ")
        values |= {"first_name": first[:150], "last_name": last.strip()[:150]}
    async with pool.transaction() as conn:
        member = await _member(request, conn, principal)
        if wanted.email is not UNSET and wanted.email != member.user.email:
            _check_whole(principal, member)
            values["email"] = await _address(conn, wanted.email, member.user.id)
        if wanted.group_ids is not UNSET:
            await _regroup(conn, principal, member, wanted.group_ids)
        if values:
            await letters.change(http.context(request), conn, allowed, member, values)
        shown = await account(request, conn, principal, member.user.id)
    return http.json(shown)


async def _password(
    request: AnyRequest, principal: Principal, member: Member, password: str, old: str | None
) -> str:
    """Everybody sets their own, and says the present one."""
    ctx = http.context(request)
    if not old or member.user.id != principal.user_id:
        raise errors.Forbidden("Must provide current password to update password.")
    _check_whole(principal, member)
    if not await check_password(ctx, member.user, old, address(request)):
        raise errors.Forbidden("Incorrect current password.")
    passwords.check(password, ctx.settings(IdentitySettings).password_min_length, member.user)
    return await ctx.get(Passwords).hash(password)


async def _check_moves(request: AnyRequest, principal: Principal, member: Member, old: str | None) -> None:
    """Whoever has the address of an account gets letters that open it: others than its user may have a key."""
    ctx = http.context(request)
    if not letters.needs_user(ctx, principal, member):
        return
    if not old:
        raise errors.Forbidden(
            "A key changes the address of its user only together with their password, as `old_password`."
        )
    if not await check_password(ctx, member.user, old, address(request)):
        raise errors.Forbidden("Incorrect current password.")


def _check_whole(principal: Principal, member: Member) -> None:
    """A narrow key must not be able to take its user's account over."""
    if principal.user_id == member.user.id and principal.narrowed:
        raise errors.Forbidden("A key that holds less than its user does not change how they sign in.")


async def _regroup(conn: Connection, principal: Principal, member: Member, wanted: list[int]) -> None:
    """The groups of a user become these."""
    if (principal.org_role or 0) < Role.ADMIN:
        raise errors.Forbidden("Must be admin to change groups membership.")
    found = {number: await _team(conn, principal, number) for number in wanted if team_of(number) is not None}
    unknown = [one for one in wanted if one not in _BUILTIN and found.get(one) is None]
    if unknown:
        raise errors.BadRequest(f"Group id {unknown[0]} is invalid.")
    role = Role.ADMIN if ADMINS in wanted else Role.OPERATOR if EVERYBODY in wanted else None
    await _set_role(conn, principal, member, role)
    belonging = await team_store.teams_of_users(conn, principal.org_id, [member.user.id])
    before = {group_of(number) for number, _ in belonging.get(member.user.id, [])}
    for number in sorted(set(found) - before):
        await _put(conn, principal, number, member)
    for number in sorted(before - set(found)):
        await _take(conn, principal, number, member)


async def _set_role(conn: Connection, principal: Principal, member: Member, role: Role | None) -> None:
    """A group stands for a role at least: an owner is in both, and an operator is one of everybody."""
    present = member.role
    as_now = present is not None and role is not None and (present >= Role.ADMIN) == (role >= Role.ADMIN)
    if present is Role.OWNER and role is not Role.ADMIN:
        raise errors.BadRequest("An owner of the org is in both built-in groups.")
    if not as_now and present is not role:
        await users.set_role(conn, grant(principal, "member.role", Role.ADMIN), member, role)


@post(f"{_USER}/disable", status_code=200)
async def disable_account(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    return await _set_active(request, principal, conn, active=False)


@delete(f"{_USER}/disable", status_code=200)
async def enable_account(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    return await _set_active(request, principal, conn, active=True)


async def _set_active(
    request: AnyRequest, principal: Principal, conn: Connection, *, active: bool
) -> ASGIResponse:
    member = await _member(request, conn, principal)
    allowed = grant(principal, "user.update", Role.ADMIN)
    if member.user.id == principal.user_id:
        raise errors.Forbidden(
            "You cannot disable your own account. Please ask another admin to do this for you."
        )
    if member.user.is_active is not active:
        await users.update_user(conn, allowed, member, {"is_active": active})
    return await _answer(request, conn, principal, member.user.id)


@post(f"{_USER}/regenerate_api_key", status_code=200)
async def renew_account_key(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Another key for the user, shown to them and to owners of the org; the one before is none."""
    member = await _member(request, conn, principal)
    await shown_keys.renew(conn, http.context(request).keys.encryption, principal, member)
    return await _answer(request, conn, principal, member.user.id)


async def _member(request: AnyRequest, conn: Connection, principal: Principal) -> Member:
    return await users.find(conn, own(principal, "user.read"), http.segment(request, "user"), lock=True)


def _for_self_or_admin(principal: Principal, member: Member) -> Grant:
    if member.user.id == principal.user_id:
        return own(principal, "user.update")
    return grant(principal, "user.update", Role.ADMIN)


async def _answer(request: AnyRequest, conn: Connection, principal: Principal, user_id: int) -> ASGIResponse:
    return http.json(await account(request, conn, principal, user_id))


async def account(request: AnyRequest, conn: Connection, principal: Principal, user_id: int) -> AccountOut:
    """A user as they are now, with the key that may be shown."""
    member = await users.find(conn, own(principal, "user.read"), str(user_id))
    (known,) = await users.known(conn, own(principal, "user.read"), [member])
    if not shown_keys.may_show(principal, member):
        return AccountOut.known(known)
    ring = http.context(request).keys.encryption
    return AccountOut.known(known, api_key=await shown_keys.find(conn, ring, principal, member))


@get(_GROUPS)
async def list_groups(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """All for admins, one's own for others."""
    org = await _created(conn, principal)
    admin = (principal.org_role or 0) >= Role.ADMIN
    found = [_shown(number, None, org) for number in _BUILTIN if admin or _is_in(principal, number)]
    _, belonging = await team_store.teams_of(
        conn, principal.org_id, None, only=None if admin else principal.team_ids
    )
    return http.json([*found, *(_shown(group_of(team.id), team, org) for team, _ in belonging)])


@post(_GROUPS, status_code=200)
async def create_group(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    allowed = grant(principal, "team.create", Role.ADMIN)
    name = _sound(http.decode(await http.body(request), GroupIn).name)
    slug = await _free_slug(conn, principal, name)
    team = await teams.create_team(conn, allowed, slug, name, "")
    return http.json(_shown(group_of(team.id), team, await _created(conn, principal)))


@get(_GROUP)
async def read_group(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    number, team = await _group(request, conn, principal)
    return http.json(_shown(number, team, await _created(conn, principal)))


@post(_GROUP, status_code=200)
async def rename_group(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    number, team = await _group(request, conn, principal)
    allowed = grant(principal, "team.update", Role.ADMIN)
    name = _sound(http.decode(await http.body(request), GroupIn).name)
    if team is None:
        raise errors.BadRequest(_KEPT.format("modify"))
    changed = await teams.update_team(conn, allowed, team, {"name": name})
    return http.json(_shown(number, changed, await _created(conn, principal)))


@delete(_GROUP, status_code=200)
async def delete_group(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    _, team = await _group(request, conn, principal)
    allowed = grant(principal, "team.delete", Role.ADMIN)
    if team is None:
        raise errors.BadRequest(_KEPT.format("delete"))
    await teams.delete_team(conn, allowed, team)
    return _null()


@get(_MEMBERS)
async def list_group_members(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    number, team = await _group(request, conn, principal)
    if team is not None:
        ids = await team_store.user_ids(conn, team.id)
        members = list((await people.members_by_id(conn, principal.org_id, ids)).values())
    else:
        least = Role.ADMIN if number == ADMINS else Role.COLLABORATOR
        _, everybody = await people.members(conn, principal.org_id, None)
        members = [one for one in everybody if one.role is not None and one.role >= least]
    known = await users.known(conn, own(principal, "user.read"), members)
    return http.json([AccountOut.known(one) for one in sorted(known, key=lambda one: one.member.user.id)])


@post(_MEMBERS, status_code=200)
async def add_group_member(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    number, _ = await _group(request, conn, principal)
    wanted = http.decode(await http.body(request), GroupMember)
    grant(principal, "member.role", Role.ADMIN)
    member = await people.member(conn, principal.org_id, user_id=wanted.user_id, lock=True)
    if member is None:
        raise errors.BadRequest("User not found.")
    if number in _BUILTIN:
        role = Role.ADMIN if number == ADMINS else Role.OPERATOR
        if member.role is None or (number == ADMINS and member.role < Role.ADMIN):
            await users.set_role(conn, grant(principal, "member.role", Role.ADMIN), member, role)
    else:
        await _put(conn, principal, number, member)
    return await _answer(request, conn, principal, member.user.id)


@delete(f"{_MEMBERS}/{{user:str}}", status_code=200)
async def remove_group_member(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    number, _ = await _group(request, conn, principal)
    grant(principal, "member.role", Role.ADMIN)
    member = await _member(request, conn, principal)
    if number == ADMINS and member.role is not None and member.role >= Role.ADMIN:
        await _set_role(conn, principal, member, Role.OPERATOR)
    elif number == EVERYBODY and member.role is not None and member.role < Role.ADMIN:
        # Who is in the other group may do everything whether or not they are in this one.
        await _set_role(conn, principal, member, None)
    elif number not in _BUILTIN:
        await _take(conn, principal, number, member)
    return _null()


async def find_group(conn: Connection, principal: Principal, text: str) -> tuple[int, Team | None]:
    """A group that the caller sees, by its number, and the team that it is. Raises `NotFound`."""
    number = names.resource_id(text)
    if number is None or number < 1:
        raise errors.NotFound
    if number in _BUILTIN:
        if not _is_in(principal, number):
            raise errors.NotFound
        return number, None
    team = await _team(conn, principal, number)
    if team is None:
        raise errors.NotFound
    return number, team


async def _group(request: AnyRequest, conn: Connection, principal: Principal) -> tuple[int, Team | None]:
    return await find_group(conn, principal, http.segment(request, "group"))


async def _team(conn: Connection, principal: Principal, number: int) -> Team | None:
    team_id = team_of(number)
    found = None if team_id is None else await team_store.team(conn, principal.org_id, str(team_id))
    if found is None or found.id != team_id:
        return None
    admin = (principal.org_role or 0) >= Role.ADMIN
    return found if admin or found.id in principal.team_ids else None


async def _put(conn: Connection, principal: Principal, number: int, member: Member) -> None:
    allowed, team = await teams.find_team(conn, principal, str(team_of(number)), "team.members", lock=True)
    _, there = await team_store.members(conn, team.id, None, user_id=member.user.id)
    if not there:
        await teams.put_member(conn, allowed, team, member, is_admin=False)


async def _take(conn: Connection, principal: Principal, number: int, member: Member) -> None:
    allowed, team = await teams.find_team(conn, principal, str(team_of(number)), "team.members", lock=True)
    await teams.remove_member(conn, allowed, team, member.user.id, member.user.username)


def _is_in(principal: Principal, number: int) -> bool:
    least = Role.ADMIN if number == ADMINS else Role.COLLABORATOR
    return (principal.org_role or 0) >= least


async def _created(conn: Connection, principal: Principal) -> str:
    """When the org was made, and with it its two groups."""
    org = await people.org_by_id(conn, principal.org_id)
    assert org is not None
    return clock.iso(org.created_at)


def _shown(number: int, team: Team | None, created: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": _BUILTIN[number] if team is None else team.name,
        "permissions": _PERMISSIONS.get(number, []),
        "type": "builtin" if team is None else "regular",
        "created_at": created if team is None else clock.iso(team.created_at),
    }


async def _free_slug(conn: Connection, principal: Principal, name: str) -> str:
    letters = "".join(one if one.isascii() and one.isalnum() else "-" for one in name.lower())
    slug = "-".join(part for part in letters.split("-") if part)[:50] or "group"
    while slug.isdigit() or await team_store.team(conn, principal.org_id, slug) is not None:
        slug = f"{slug[:50]}-{secrets.token_hex(3)}"
    return slug


def _sound(text: str) -> str:
    if "\0" in text:
        raise errors.BadRequest("Text has no NUL character.")
    return text


def _null() -> ASGIResponse:
    return http.raw_json(b"null\n")


ROUTES = (
    change_account, disable_account, enable_account, renew_account_key, list_groups, create_group, read_group,
    rename_group, delete_group, list_group_members, add_group_member, remove_group_member,
)  # fmt: skip
