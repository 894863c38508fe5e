"""Logins: their access, refresh and session tokens. Reuse of a spent refresh token ends the login."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from penstock.identity import audit, changes, tokens
from penstock.identity.models import Principal, PrincipalKind, Tokens, User
from penstock.identity.settings import IdentitySettings
from penstock.identity.store import people, sessions
from penstock.identity.store.sessions import Login, StoredToken
from penstock.kit import clock, errors, ids
from penstock.kit.crypto import KeyRing, digest
from penstock.kit.db import Connection


@dataclass(frozen=True, slots=True)
class Issuer:
    """What making tokens takes."""

    ring: KeyRing
    settings: IdentitySettings

    def access(self, login: Login, version: int) -> str:
        expires = int(time.time()) + self.settings.access_token_seconds
        claims = tokens.Claims(login.org_id, login.user_id, None, version, login.family, expires)
        return tokens.issue(self.ring, claims)

    def access_of_key(self, principal: Principal) -> tuple[str, int]:
        """An access token that stands for a key, and its life in seconds, never beyond that of the key."""
        now = int(time.time())
        expires = now + self.settings.access_token_seconds
        if principal.expires_at is not None:
            expires = min(expires, int(principal.expires_at.timestamp()))
        claims = tokens.Claims(principal.org_id, None, principal.key_id, 1, None, expires)
        return tokens.issue(self.ring, claims), max(0, expires - now)


async def open_login(conn: Connection, issuer: Issuer, user: User, org_id: int) -> Tokens:
    """Begin a login in this org. Raises `Unauthorized` when the user has changed since `user` was read."""
    current = await people.lock_user(conn, user.id)
    if current is None or not current.is_active or current.token_version != user.token_version:
        raise errors.Unauthorized("The password has just changed; sign in again.")
    expires = clock.now() + timedelta(seconds=issuer.settings.refresh_token_seconds)
    login = Login(ids.token(12), user.id, org_id, expires)
    refresh, session = tokens.new_refresh(), tokens.new_session()
    await sessions.forget_old(conn, user.id)
    await sessions.insert_token(conn, login, "refresh", digest(refresh))
    await sessions.insert_token(conn, login, "session", digest(session))
    await people.touch_member(conn, org_id, user.id)
    access = issuer.access(login, user.token_version)
    return Tokens(access, issuer.settings.access_token_seconds, refresh, session)


async def rotate(conn: Connection, issuer: Issuer, refresh: str) -> Tokens | None:
    """New tokens for a refresh token, which is spent by it; None when it is not valid (commit even so)."""
    stored = await _locked(conn, refresh)
    if stored is None or stored.kind != "refresh" or stored.revoked_at or stored.expires_at <= clock.now():
        return None
    if stored.spent_at:
        # Somebody holds a copy: neither of the two may go on.
        await _end(conn, stored.family)
        await audit.record(conn, None, "login.reuse", "user", stored.user_id, None, org_id=stored.org_id)
        return None
    member = await people.member(conn, stored.org_id, user_id=stored.user_id)
    if member is None or not member.user.is_active:
        return None
    expires = clock.now() + timedelta(seconds=issuer.settings.refresh_token_seconds)
    login = Login(stored.family, stored.user_id, stored.org_id, expires)
    renewed = tokens.new_refresh()
    await sessions.spend(conn, stored.id)
    await sessions.insert_token(conn, login, "refresh", digest(renewed))
    await sessions.extend_session(conn, stored.family, expires)
    access = issuer.access(login, member.user.token_version)
    return Tokens(access, issuer.settings.access_token_seconds, renewed, None)


async def blacklist(conn: Connection, refresh: str) -> None:
    """End the login of a refresh token. Raises `Unauthorized` for one that was never given out."""
    stored = await _locked(conn, refresh)
    if stored is None:
        raise errors.Unauthorized("The refresh token is not valid.")
    await _end(conn, stored.family)


async def logout(conn: Connection, principal: Principal) -> None:
    """End the login that this caller came by."""
    if principal.kind is not PrincipalKind.USER or principal.family is None:
        raise errors.BadRequest("A key is not logged in; it ends by being revoked.")
    if principal.user_id is not None:
        await people.lock_user(conn, principal.user_id)
    await _end(conn, principal.family)


async def _locked(conn: Connection, refresh: str) -> StoredToken | None:
    """The token as it is once nobody else is at the logins of its user."""
    stored = await sessions.token(conn, digest(refresh))
    if stored is None:
        return None
    await people.lock_user(conn, stored.user_id)
    return await sessions.token(conn, digest(refresh))


async def _end(conn: Connection, family: str) -> None:
    await sessions.revoke_family(conn, family)
    await changes.login_ended(conn, family)
