"""Users of the caller's org."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.response.base import ASGIResponse
from msgspec import UNSET

from penstock.identity import letters, limits, passwords
from penstock.identity.access import grant, own
from penstock.identity.models import Grant, Member, PrincipalKind, Role
from penstock.identity.passwords import Passwords
from penstock.identity.routes.accounts import Invited, account, invite
from penstock.identity.routes.common import Caller, Conn, body, flag, page_or_first, parameters, role_named
from penstock.identity.routes.letters import invited
from penstock.identity.schemas import AccountOut, UserCreate, UserOut, UserPatch, role_of
from penstock.identity.service import users
from penstock.identity.settings import IdentitySettings
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest

_PLAIN = ("username", "email", "first_name", "last_name", "is_active")


@get("/api/users")
async def list_users(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    given = parameters(
        request,
        "page", "page_size", "search", "q", "is_active", "disabled", "pending", "role", "roles", "order",
    )  # fmt: skip
    page = page_or_first(request)
    disabled = flag(given, "disabled")
    active = flag(given, "is_active") if disabled is None else not disabled
    total, members = await users.list_members(
        conn,
        own(principal, "user.read"),
        page,
        search=(given.get("search") or given.get("q") or "")[:254],
        is_active=active,
        role=role_named(given, "role", "roles"),
        is_pending=flag(given, "pending"),
        order=given.get("order", ""),
    )
    known = await users.known(conn, own(principal, "user.read"), members)
    results = [AccountOut.known(one, named=True) for one in known]
    answer: dict[str, Any] = {"count": total, "page": page.number, "page_size": page.size}
    return http.json({**answer, "results": results, "data": results, "total": total})


@post("/api/users")
async def create_user(request: AnyRequest, principal: Caller) -> ASGIResponse:
    """In the words of the dashboard dialect, by a `name` alone, or in ours."""
    given = parameters(request, "no_invite")
    mailed = not flag(given, "no_invite") and letters.sends_mail(http.context(request))
    allowed = grant(principal, "user.create", Role.ADMIN)
    await _spend(request, principal)
    if _by_name(await http.body(request)):
        wanted_by_name = http.decode(await http.body(request), Invited)
        async with http.context(request).db.control.transaction() as conn:
            shown = await invite(request, principal, conn, wanted_by_name, mailed=mailed)
            member = await users.find(conn, own(principal, "user.read"), str(shown.id))
            shown.invite_link = await invited(request, conn, principal, member, mailed=mailed) or UNSET
            return http.json(shown)
    wanted = await body(request, UserCreate)
    role = role_of("admin" if wanted.is_staff else "collaborator") if wanted.role is UNSET else None
    if wanted.role is not UNSET:
        role = role_of(wanted.role)
    users.check_gives(allowed.principal, role)
    hashed = None
    if wanted.password is not None:
        hashed = await _hashed(request, wanted.password, wanted.confirm_password)
    new = users.NewUser(
        wanted.username, wanted.email, hashed, wanted.first_name, wanted.last_name, wanted.is_active
    )
    async with http.context(request).db.control.transaction() as conn:
        user = await users.create_user(conn, principal, new, principal.org_id, role)
    return http.json(UserOut.of(Member(user, role, user.created_at)), 201)


async def _spend(request: AnyRequest, principal: Caller) -> None:
    """Raises `Throttled` when the org has made too many users lately."""
    ctx = http.context(request)
    most = ctx.settings(IdentitySettings).user_creations_per_hour
    if not most:
        return
    bucket = limits.Bucket.of(f"users:{principal.org_id}", most, 3600)
    async with ctx.db.control.transaction() as conn:
        wait = await limits.take(conn, bucket)
    if wait is not None:
        raise limits.throttled(wait)


def _by_name(raw: bytes) -> bool:
    """True for the body of a user as the dashboard dialect has them."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(found, dict) and "name" in found and "username" not in found


@get("/api/users/{user:str}")
async def read_user(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    found = await users.find(conn, own(principal, "user.read"), http.segment(request, "user"))
    return http.json(await account(request, conn, principal, found.user.id))


@put("/api/users/{user:str}")
async def replace_user(request: AnyRequest, principal: Caller) -> ASGIResponse:
    """As PATCH: clients that speak of PUT send only what they change."""
    return await _update(request, principal)


@patch("/api/users/{user:str}")
async def update_user(request: AnyRequest, principal: Caller) -> ASGIResponse:
    return await _update(request, principal)


@delete("/api/users/{user:str}", status_code=200)
async def delete_user(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Take the user out of the org; who belongs to no other is deactivated."""
    parameters(request)
    found = await users.find(conn, own(principal, "user.read"), http.segment(request, "user"), lock=True)
    allowed = grant(principal, "user.delete", Role.ADMIN)
    await users.remove_member(conn, allowed, found)
    return http.empty()


async def _update(request: AnyRequest, principal: Caller) -> ASGIResponse:
    parameters(request)
    ident = http.segment(request, "user")
    pool = http.context(request).db.control
    async with pool.transaction() as conn:
        found = await users.find(conn, own(principal, "user.read"), ident)
    allowed = _allowed(principal, found)
    wanted = await body(request, UserPatch)
    values: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(wanted, name)) is not UNSET}
    _check_own(principal, found, values)
    moved = "email" in values and values["email"] != found.user.email
    if moved and letters.needs_user(http.context(request), principal, found):
        raise errors.Forbidden("A key cannot change the e-mail address of its user; sign in.")
    if wanted.password is not UNSET:
        if found.user.id == principal.user_id:
            message = "POST /api/auth/password changes one's own password; it asks for the current one."
            raise errors.Invalid({"password": [message]})
        confirm = None if wanted.confirm_password is UNSET else wanted.confirm_password
        values["password_hash"] = await _hashed(request, wanted.password, confirm, found)
    async with pool.transaction() as conn:
        member = await users.find(conn, own(principal, "user.read"), ident, lock=True)
        role = _new_role(wanted, member)
        if role is not UNSET and role != member.role:
            await users.set_role(conn, grant(principal, "member.role", Role.ADMIN), member, role)
            member = Member(member.user, role, member.joined_at)
        if values:
            member = await letters.change(http.context(request), conn, allowed, member, values)
    return http.json(UserOut.of(member))


def _allowed(principal: Caller, found: Member) -> Grant:
    """Admins change members; everybody their own person."""
    if found.user.id == principal.user_id:
        return own(principal, "user.update")
    return grant(principal, "user.update", Role.ADMIN)


def _check_own(principal: Caller, found: Member, values: dict[str, Any]) -> None:
    if found.user.id != principal.user_id:
        return
    if values.get("is_active") is False:
        raise errors.Forbidden("Nobody can deactivate themself.")
    # A narrow key must not be able to take its user's account over.
    whole = principal.org_role is not None and principal.org_role >= Role.ADMIN and not principal.narrowed
    if principal.kind is not PrincipalKind.USER and not whole and {"username", "email"} & set(values):
        raise errors.Forbidden("A key cannot change the username or e-mail address of its user; sign in.")


def _new_role(wanted: UserPatch, member: Member) -> Any:
    if wanted.role is not UNSET:
        return role_of(wanted.role)
    if wanted.is_staff is True and (member.role is None or member.role < Role.ADMIN):
        return Role.ADMIN
    if wanted.is_staff is False and member.role is Role.ADMIN:
        return Role.OPERATOR
    return UNSET


async def _hashed(
    request: AnyRequest, password: str, confirm: str | None, member: Member | None = None
) -> str:
    if confirm is not None and confirm != password:
        raise errors.Invalid({"confirm_password": ["The two passwords differ."]})
    ctx = http.context(request)
    least = ctx.settings(IdentitySettings).password_min_length
    passwords.check(password, least, member.user if member else None)
    return await ctx.get(Passwords).hash(password)


ROUTES = (list_users, create_user, read_user, replace_user, update_user, delete_user)
