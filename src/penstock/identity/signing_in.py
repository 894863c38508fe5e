"""Login, refresh and password change: the verbs that span transactions.

Hashing a password takes long enough that no connection may wait for it, and a failed attempt must be
counted although it changes nothing else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from penstock.identity import audit, limits, names, passwords
from penstock.identity.models import Membership, Org, Principal, PrincipalKind, Tokens, User
from penstock.identity.passwords import Passwords
from penstock.identity.service import orgs, sessions, users
from penstock.identity.settings import IdentitySettings
from penstock.identity.store import people
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.logs import structlog

_WRONG = "The e-mail address, username or password is not right."
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A login that succeeded."""

    user: User
    org: Org
    tokens: Tokens


async def login(ctx: Context, name: str, password: str, org: str | None, address: str) -> SignedIn:
    """Sign in by e-mail address or username, into `org` or the org used last.

    Raises `Unauthorized`, `Throttled` after too many failures, `Forbidden` for a user without (this) org.
    """
    buckets = _buckets(ctx.settings(IdentitySettings), names.key(name), address)
    account = await _attempt(ctx, buckets, name=name)
    right = await ctx.get(Passwords).verify(account and account.password_hash, password)
    if account is None or not right or not account.user.is_active:
        _log.info("login.failed", address=address, known=account is not None)
        raise errors.Unauthorized(_WRONG)
    rehashed = await _rehashed(ctx, account, password)
    async with ctx.db.control.transaction() as conn:
        for bucket in buckets:
            await limits.give_back(conn, bucket)
        membership = _chosen(await people.memberships_of(conn, account.user.id), org)
        user = account.user
        if rehashed:
            await people.update_user(conn, user.id, {"password_hash": rehashed})
        tokens = await sessions.open_login(conn, issuer(ctx), user, membership.org.id)
        by = principal_of(user, membership)
        await audit.record(conn, by, "login", "user", user.id, user.username)
    return SignedIn(user, membership.org, tokens)


async def refresh(ctx: Context, token: str) -> Tokens:
    """Rotate a refresh token. Raises `Unauthorized`; what reuse revokes stays revoked."""
    async with ctx.db.control.transaction() as conn:
        tokens = await sessions.rotate(conn, issuer(ctx), token)
    if tokens is None:
        raise errors.Unauthorized("The refresh token is not valid, has expired or was used before.")
    return tokens


async def switch_org(ctx: Context, principal: Principal, slug: str) -> SignedIn:
    """A second login of the same user, in another of their orgs. Raises `NotFound` for any other org."""
    if principal.user_id is None or principal.kind is not PrincipalKind.USER:
        raise errors.Forbidden("A key belongs to one org; sign in to move between orgs.")
    async with ctx.db.control.transaction() as conn:
        membership = await orgs.org_of(conn, principal, slug)
        user = await people.user_by_id(conn, principal.user_id)
        if user is None:
            raise errors.NotFound
        tokens = await sessions.open_login(conn, issuer(ctx), user, membership.org.id)
        await audit.record(conn, principal_of(user, membership), "login", "user", user.id, user.username)
    return SignedIn(user, membership.org, tokens)


async def change_password(ctx: Context, principal: Principal, old: str, new: str, address: str) -> Tokens:
    """Check the old password and set the new one; every login of the user ends, and a new one begins."""
    if principal.user_id is None:
        raise errors.Forbidden("A service key has no password.")
    async with ctx.db.control.transaction() as conn:
        account = await people.user_by_id(conn, principal.user_id)
    if account is None or not await check_password(ctx, account, old, address):
        raise errors.Invalid({"old_password": ["The current password is not right."]})
    passwords.check(new, ctx.settings(IdentitySettings).password_min_length, account, field="new_password")
    hashed = await ctx.get(Passwords).hash(new)
    async with ctx.db.control.transaction() as conn:
        user = await people.update_user(conn, principal.user_id, {"password_hash": hashed})
        await users.end_logins(conn, user.id)
        current = await people.user_by_id(conn, user.id) or user
        tokens = await sessions.open_login(conn, issuer(ctx), current, principal.org_id)
        await audit.record(conn, principal, "user.password", "user", user.id, user.username)
    return tokens


async def check_password(ctx: Context, user: User, password: str, address: str) -> bool:
    """Whether it is the password of this user; an attempt that fails counts as one to sign in."""
    buckets = _buckets(ctx.settings(IdentitySettings), names.key(user.username), address)
    account = await _attempt(ctx, buckets, user_id=user.id)
    if account is None or not await ctx.get(Passwords).verify(account.password_hash, password):
        return False
    async with ctx.db.control.transaction() as conn:
        for bucket in buckets:
            await limits.give_back(conn, bucket)
    return True


def issuer(ctx: Context) -> sessions.Issuer:
    return sessions.Issuer(ctx.keys.signing, ctx.settings(IdentitySettings))


async def _attempt(
    ctx: Context, buckets: tuple[limits.Bucket, ...], *, name: str | None = None, user_id: int | None = None
) -> people.Account | None:
    """Count an attempt as failed, to be given back when it succeeds, and find the account."""
    async with ctx.db.control.transaction() as conn:
        waits = [await limits.take(conn, bucket) for bucket in buckets]
        account = await people.account(conn, name, user_id=user_id)
    wait = max((wait for wait in waits if wait is not None), default=None)
    if wait is not None:
        raise limits.throttled(wait)
    return account


def _buckets(settings: IdentitySettings, name: str, address: str) -> tuple[limits.Bucket, ...]:
    known = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    window = settings.login_window_seconds
    return (
        limits.Bucket.of(f"login:{known}:{address}", settings.login_attempts, window),
        limits.Bucket.of(f"login:{address}", settings.login_attempts_per_address, window),
    )


async def _rehashed(ctx: Context, account: people.Account, password: str) -> str | None:
    """A new hash when the stored one was made with older parameters."""
    stored = account.password_hash
    if stored is None or not ctx.get(Passwords).outdated(stored):
        return None
    return await ctx.get(Passwords).hash(password)


def _chosen(found: list[Membership], slug: str | None) -> Membership:
    if not found:
        raise errors.Forbidden("This account does not belong to an org; ask an admin to add it to one.")
    for membership in found:
        if slug is None or membership.org.slug == slug:
            return membership
    raise errors.Forbidden("This account does not belong to that org.")


def principal_of(user: User, membership: Membership) -> Principal:
    return Principal(
        org_id=membership.org.id,
        org_slug=membership.org.slug,
        kind=PrincipalKind.USER,
        user_id=user.id,
        key_id=None,
        username=user.username,
        email=user.email,
        org_role=membership.role,
    )
