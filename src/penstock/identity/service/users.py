"""Users and members: making, changing and removing them. Nobody gives, or takes away, more than they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.identity import audit, changes, names
from penstock.identity.models import Grant, Known, Member, Principal, Role, SubjectKind, User
from penstock.identity.service import orgs
from penstock.identity.store import keys, people, roles, sessions, teams
from penstock.identity.store.tables import api_keys
from penstock.kit import errors, ids
from penstock.kit.db import Connection
from penstock.kit.paging import Page


@dataclass(frozen=True, slots=True)
class NewUser:
    """What is needed to make a user. Without a username one is taken from the address."""

    username: str | None
    email: str | None
    password_hash: str | None
    first_name: str = ""
    last_name: str = ""
    is_active: bool = True
    is_platform_admin: bool = False
    is_email_verified: bool = True


async def create_user(
    conn: Connection, by: Principal | None, new: NewUser, org_id: int, role: Role | None
) -> User:
    """Make a user who is a member of this org. Raises `Invalid`, or `Conflict` for a name that is taken."""
    if new.email is not None:
        names.check_email(new.email)
    username = new.username or await _free_username(conn, new.email)
    names.check_username(username, new.email)
    await _refuse_taken(conn, {"username": username, "email": new.email})
    values = {name: getattr(new, name) for name in NewUser.__dataclass_fields__}
    user = await people.insert_user(conn, {**values, "username": username})
    await people.put_member(conn, org_id, user.id, role)
    detail = {"role": role.label if role else None}
    await audit.record(conn, by, "user.create", "user", user.id, user.username, detail, org_id=org_id)
    return user


async def find(conn: Connection, grant: Grant, ident: str, *, lock: bool = False) -> Member:
    """A member of the caller's org by id (all digits) or username; a caller without a role finds themself."""
    user_id = names.resource_id(ident)
    found = None
    if user_id is not None and user_id > 0:
        found = await people.member(conn, grant.org_id, user_id=user_id, lock=lock)
    elif user_id is None and "\0" not in ident and len(ident) <= names.LONGEST:
        found = await people.member(conn, grant.org_id, username=ident, lock=lock)
    visible = grant.principal.org_role is not None or (found and found.user.id == grant.principal.user_id)
    if found is None or not visible:
        raise errors.NotFound
    return found


async def find_anywhere(conn: Connection, principal: Principal, ident: str) -> User:
    """A user of any org, for who administers the platform or an org of that user."""
    number = names.resource_id(ident)
    found = None
    if number is None or number > 0:
        found = await people.account(conn, ident, user_id=number)
    if found and not principal.is_platform_admin:
        administered = {
            one.org.id for one in await orgs.orgs_of(conn, principal) if one.role and one.role >= Role.ADMIN
        }
        theirs = {one.org.id for one in await people.memberships_of(conn, found.user.id)}
        found = found if administered & theirs else None
    if found is None:
        raise errors.Invalid({"user": [f"There is no user '{ident[:80]}'."]})
    return found.user


async def list_members(
    conn: Connection, grant: Grant, page: Page | None, **wanted: Any
) -> tuple[int, list[Member]]:
    """Members of the org; a caller without a role sees themself."""
    only = None if grant.principal.org_role is not None else (grant.principal.user_id or 0)
    return await people.members(conn, grant.org_id, page, only=only, **wanted)


async def known(conn: Connection, grant: Grant, members: Sequence[Member]) -> list[Known]:
    """These members with their teams, and whether they have ever come."""
    ids = [one.user.id for one in members]
    if not ids:
        return []
    belonging = await teams.teams_of_users(conn, grant.org_id, ids)
    pending = await people.pending(conn, ids)
    return [Known(one, tuple(belonging.get(one.user.id, ())), one.user.id in pending) for one in members]


async def update_user(conn: Connection, grant: Grant, member: Member, values: Mapping[str, Any]) -> Member:
    """Change names, address, password hash or activity. Raises `Forbidden` for another org's concerns."""
    user = member.user
    if user.id != grant.principal.user_id or set(values) - {"first_name", "last_name"}:
        await require_charge(conn, grant, member)
    email: str | None = values.get("email", user.email)
    if email is not None:
        names.check_email(email)
    names.check_username(values.get("username", user.username), email)
    renamed = {name: values[name] for name in ("username", "email") if name in values}
    await _refuse_taken(conn, renamed, but=user.id)
    if values.get("is_active") is False and user.is_active and member.role is Role.OWNER:
        await orgs.guard_last_owner(conn, grant.org_id)
    changed = await people.update_user(conn, user.id, values)
    if "password_hash" in values or values.get("is_active") is False:
        await end_logins(conn, user.id)
    await changes.user_changed(conn, user.id)
    detail = {"changed": sorted("password" if name == "password_hash" else name for name in values)}
    await audit.record(conn, grant.principal, "user.update", "user", user.id, changed.username, detail)
    return Member(changed, member.role, member.joined_at)


async def add_member(conn: Connection, grant: Grant, user: User, role: Role | None) -> None:
    """Take an existing user into the org. Raises `Conflict` when they belong to it already."""
    check_gives(grant.principal, role)
    if await people.member(conn, grant.org_id, user_id=user.id):
        raise errors.Conflict(f"'{user.username}' belongs to this org already.")
    await people.put_member(conn, grant.org_id, user.id, role)
    await changes.user_changed(conn, user.id)
    detail = {"role": role.label if role else None}
    await audit.record(conn, grant.principal, "member.add", "user", user.id, user.username, detail)


async def set_role(conn: Connection, grant: Grant, member: Member, role: Role | None) -> None:
    """Change the org role of a member."""
    check_gives(grant.principal, role)
    _require_rank(grant, member)
    if member.role is Role.OWNER and role is not Role.OWNER:
        await orgs.guard_last_owner(conn, grant.org_id)
    await people.put_member(conn, grant.org_id, member.user.id, role)
    await changes.user_changed(conn, member.user.id)
    detail = {"role": role.label if role else None, "before": member.role.label if member.role else None}
    await audit.record(
        conn, grant.principal, "member.role", "user", member.user.id, member.user.username, detail
    )


async def remove_member(conn: Connection, grant: Grant, member: Member) -> None:
    """Take a member out of the org with what they hold there; who belongs nowhere else is deactivated."""
    user = member.user
    _require_rank(grant, member)
    if member.role is Role.OWNER:
        await orgs.guard_last_owner(conn, grant.org_id)
    await keys.revoke(conn, (api_keys.c.user_id == user.id) & (api_keys.c.org_id == grant.org_id))
    await roles.remove_subject(conn, grant.org_id, SubjectKind.USER, user.id)
    await teams.remove_everywhere(conn, grant.org_id, user.id)
    await sessions.revoke_user(conn, user.id, grant.org_id)
    await orgs.leave(conn, grant.org_id, user.id)
    if not await people.memberships_of(conn, user.id):
        await people.update_user(conn, user.id, {"is_active": False})
        await end_logins(conn, user.id)
    await audit.record(conn, grant.principal, "member.remove", "user", user.id, user.username)


async def forget_uninvited(conn: Connection, email: str) -> None:
    """Free the address of somebody who was invited, never came, and belongs nowhere any more."""
    found = None if "\0" in email else await people.account(conn, email)
    if found is None or found.user.is_active or found.user.email is None:
        return
    user = await people.lock_user(conn, found.user.id)
    if user is None or user.is_active or user.id not in await people.pending(conn, [user.id]):
        return
    if not await people.memberships_of(conn, user.id):
        # What they may have made names them still.
        await people.update_user(conn, user.id, {"email": None, "username": f"gone-{ids.token(12)}"})


async def end_logins(conn: Connection, user_id: int) -> None:
    """Access, refresh and session tokens of a user stop working; keys do not."""
    await people.raise_token_version(conn, user_id)
    await sessions.revoke_user(conn, user_id)
    await changes.user_changed(conn, user_id)


def check_gives(
    principal: Principal, role: Role | None, held: Role | None = None, *, field: str = "role"
) -> None:
    """Raises `Forbidden` when somebody gives more than they hold (`held`, or the role in the org)."""
    own = principal.org_role if held is None else held
    if role is not None and (own is None or role > own):
        mine = own.label if own else "no role"
        raise errors.Forbidden(f"{field}: nobody can give '{role.label}' who holds {mine}.")


def _require_rank(grant: Grant, member: Member) -> None:
    if member.role is not None and member.role > grant.role:
        raise errors.Forbidden(f"Only an {member.role.label} can change an {member.role.label}.")


async def require_charge(conn: Connection, grant: Grant, member: Member) -> None:
    """An account is one for all orgs: an admin of one may change it only while it belongs to no other."""
    principal = grant.principal
    if principal.is_platform_admin or member.user.id == principal.user_id:
        return
    _require_rank(grant, member)
    if member.user.is_platform_admin or len(await people.memberships_of(conn, member.user.id)) > 1:
        raise errors.Forbidden("This account also belongs elsewhere; only its user can change it.")


async def _refuse_taken(
    conn: Connection, wanted: Mapping[str, str | None], *, but: int | None = None
) -> None:
    for field, name in wanted.items():
        if name is not None and await people.name_taken(conn, name, but=but):
            raise errors.Conflict(
                f"A user with this {field} exists already.", errors={field: ["This is taken already."]}
            )


async def _free_username(conn: Connection, email: str | None) -> str:
    if email is None:
        raise errors.Invalid({"username": ["A user needs a username, an e-mail address, or both."]})
    wanted = names.suggested(email)
    name, number = wanted, 1
    while await people.name_taken(conn, name):
        number += 1
        name = f"{wanted}-{number}"
    return name
