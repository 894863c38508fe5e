"""What people do by a link that they were sent, or given: the verbs that span transactions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.identity import audit, limits, links, names, passwords
from penstock.identity.events import LetterWanted
from penstock.identity.links import Link, Purpose, Spent
from penstock.identity.models import Grant, Member, Membership, Org, Principal, PrincipalKind
from penstock.identity.passwords import Passwords
from penstock.identity.service import sessions, users
from penstock.identity.settings import IdentitySettings
from penstock.identity.signing_in import SignedIn, issuer, principal_of
from penstock.identity.store import people
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.events import Events

_OVER = (
    "This link is not valid: it was used, has expired, or the account has changed since. Ask for another one."
)
_NO_MAIL = "This server sends no mail. Ask an admin of your org for a link to set another password."


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that opens an account, with the account and the org that it leads to."""

    link: Link
    member: Member
    org: Org


@dataclass(frozen=True, slots=True)
class Letter:
    """A link on its way to an address."""

    email: str
    name: str
    org: str
    token: str


def sends_mail(ctx: Context) -> bool:
    """Whether letters reach anybody."""
    return ctx.get(Events).hears(LetterWanted)


def needs_user(ctx: Context, principal: Principal, member: Member) -> bool:
    """Whether a caller must show that they are this user before the address is changed: for one's own, by a key."""
    own = member.user.id == principal.user_id
    return own and principal.kind is not PrincipalKind.USER and sends_mail(ctx)


async def send(ctx: Context, conn: Connection, purpose: Purpose, org_id: int, user_id: int) -> None:
    """Have a letter sent if this transaction commits."""
    await ctx.get(Events).announce(conn, LetterWanted(purpose, org_id, user_id))


async def token_of(
    ctx: Context, conn: Connection, purpose: Purpose, member: Member, org_id: int, *, mailed: bool = False
) -> str:
    seconds = links.seconds_of(purpose, ctx.settings(IdentitySettings))
    standing = await _standing(conn, member, mailed=mailed)
    return links.make(
        ctx.keys.signing, purpose, member.user, org_id, seconds, mailed=mailed, standing=standing
    )


async def opened(ctx: Context, purpose: Purpose, token: str) -> Opened:
    """What a link opens. Raises `BadRequest`."""
    async with ctx.db.control.transaction() as conn:
        return await _opened(ctx, conn, purpose, token)


async def set_password(ctx: Context, purpose: Purpose, token: str, password: str) -> SignedIn:
    """Set it, and sign in; every login there was ends. Raises `BadRequest`, or `Invalid` for a bad password."""
    found = await opened(ctx, purpose, token)
    passwords.check(password, ctx.settings(IdentitySettings).password_min_length, found.member.user)
    hashed = await ctx.get(Passwords).hash(password)
    async with ctx.db.control.transaction() as conn:
        await people.lock_user(conn, found.link.user_id)
        # Somebody may have come by the same link meanwhile.
        found = await _opened(ctx, conn, purpose, token)
        values = {"password_hash": hashed} | ({"is_email_verified": True} if found.link.mailed else {})
        user = await people.update_user(conn, found.link.user_id, values)
        await users.end_logins(conn, user.id)
        current = await people.user_by_id(conn, user.id) or user
        tokens = await sessions.open_login(conn, issuer(ctx), current, found.org.id)
        by = principal_of(current, Membership(found.org, found.member.role))
        await audit.record(conn, by, "user.password", "user", user.id, user.username, {"by": purpose.value})
    return SignedIn(current, found.org, tokens)


async def confirm(ctx: Context, token: str) -> Opened:
    """The address of the account is one that its user reads. Raises `BadRequest`."""
    async with ctx.db.control.transaction() as conn:
        found = await _opened(ctx, conn, Purpose.VERIFY, token)
        if not found.member.user.is_email_verified:
            user = await people.update_user(conn, found.link.user_id, {"is_email_verified": True})
            by = principal_of(user, Membership(found.org, found.member.role))
            await audit.record(conn, by, "user.verify", "user", user.id, user.username)
    return found


async def change(
    ctx: Context, conn: Connection, grant: Grant, member: Member, values: Mapping[str, Any]
) -> Member:
    """As `users.update_user`; another address is to be confirmed where mail is sent."""
    email = values.get("email")
    asked = email is not None and email != member.user.email and sends_mail(ctx)
    if "email" in values and email != member.user.email:
        values = {**values, "is_email_verified": not asked}
    changed = await users.update_user(conn, grant, member, values)
    if asked:
        most = ctx.settings(IdentitySettings).password_letters_per_hour
        await spend(conn, f"letters:{member.user.id}", most)
        await send(ctx, conn, Purpose.VERIFY, grant.org_id, member.user.id)
    return changed


async def forgot(ctx: Context, email: str, address: str) -> None:
    """Have a letter sent to whoever has this address. Nothing here tells whether anybody does.

    Raises `BadRequest` where no mail is sent, and `Throttled`.
    """
    if not sends_mail(ctx):
        raise errors.BadRequest(_NO_MAIL)
    most = ctx.settings(IdentitySettings).password_letters_per_hour
    digest = hashlib.blake2b(names.key(email).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    async with ctx.db.control.transaction() as conn:
        await spend(conn, f"forgot:{address}", most)
        await spend(conn, f"forgot:to:{digest}", most)
        await ctx.get(Events).announce(conn, LetterWanted(Purpose.RESET, email=email))


async def spend(conn: Connection, key: str, most: int) -> None:
    """One of so many an hour. Raises `Throttled`."""
    wait = await limits.take(conn, limits.Bucket.of(key, most, 3600))
    if wait is not None:
        raise limits.throttled(wait)


async def check_invited(conn: Connection, grant: Grant, member: Member) -> None:
    """Raises `Forbidden` or `BadRequest` for who is not to be invited (again)."""
    if member.user.id == grant.principal.user_id:
        # Who has their key alone is not given what opens the account.
        raise errors.Forbidden("Nobody invites themself.")
    await users.require_charge(conn, grant, member)
    if member.user.id not in await people.pending(conn, [member.user.id]):
        raise errors.BadRequest(
            f"'{member.user.username}' has come already; reset_password lets them in again."
        )
    _check_active(member)


async def check_reset(conn: Connection, grant: Grant, member: Member) -> None:
    """Raises `Forbidden` or `BadRequest` for whose password is not to be set by a link."""
    if member.user.id == grant.principal.user_id:
        raise errors.Forbidden(
            "One's own password is changed with the one before, at POST /api/auth/password."
        )
    await users.require_charge(conn, grant, member)
    _check_active(member)


def _check_active(member: Member) -> None:
    if not member.user.is_active:
        raise errors.BadRequest(f"'{member.user.username}' is disabled; enable them first.")


async def written(ctx: Context, wanted: LetterWanted) -> Letter | None:
    """The letter as it is to be sent now; None when there is nobody (any more) to whom, or no reason."""
    async with ctx.db.control.transaction() as conn:
        org_id, user_id = wanted.org_id, wanted.user_id
        if wanted.email is not None:
            account = await people.account(conn, wanted.email)
            if account is None or not account.user.is_active or account.user.email is None:
                return None
            belongs = await people.memberships_of(conn, account.user.id)
            # The letter goes to the address of the account, which the name that was given may not be.
            user_id, org_id = account.user.id, belongs[0].org.id if belongs else None
        if org_id is None or user_id is None:
            return None
        org = await people.org_by_id(conn, org_id)
        member = await people.member(conn, org_id, user_id=user_id)
        if org is None or member is None or not member.user.is_active or not member.user.email:
            return None
        pending = await people.pending(conn, [user_id])
        token = await token_of(ctx, conn, wanted.purpose, member, org.id, mailed=True)
    if wanted.purpose is Purpose.INVITE and user_id not in pending:
        return None
    if wanted.purpose is Purpose.VERIFY and member.user.is_email_verified:
        return None
    name = " ".join(f"{member.user.first_name} {member.user.last_name}".split()) or member.user.username
    return Letter(member.user.email, name, org.name, token)


async def _standing(conn: Connection, member: Member, *, mailed: bool) -> str:
    """What an admin who is given a link was in charge of: it does not open what the account has gained since."""
    if mailed:
        return ""
    belongs = await people.memberships_of(conn, member.user.id)
    held = sorted(f"{one.org.id}:{one.role and one.role.value}" for one in belongs)
    return " ".join([str(member.user.is_platform_admin), *held])


async def _opened(ctx: Context, conn: Connection, purpose: Purpose, token: str) -> Opened:
    try:
        link = links.read(ctx.keys.signing, purpose, token)
        org = await people.org_by_id(conn, link.org_id)
        member = await people.member(conn, link.org_id, user_id=link.user_id)
        standing = await _standing(conn, member, mailed=link.mailed) if member else ""
        links.check(link, member and member.user, standing)
    except Spent as error:
        raise errors.BadRequest(_OVER) from error
    if org is None or member is None:
        raise errors.BadRequest(_OVER)
    return Opened(link, member, org)
