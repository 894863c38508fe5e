"""Signing in and out, tokens, and the caller's own password and person."""

from __future__ import annotations

from typing import Any

from litestar import delete, get, post
from litestar.response.base import ASGIResponse

from penstock.identity import signing_in
from penstock.identity.authenticate import authenticate
from penstock.identity.routes.common import Caller, Conn, address, body, parameters
from penstock.identity.schemas import LoginIn, PasswordIn, RefreshIn, SwitchOrgIn, me, pair
from penstock.identity.service import orgs, sessions
from penstock.identity.signing_in import SignedIn
from penstock.identity.store import people
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest

_LOGIN = "/_allauth/app/v1/auth/login"
_SESSION = "/_allauth/app/v1/auth/session"


@post(_LOGIN, status_code=200)
async def login(request: AnyRequest) -> ASGIResponse:
    """Sign in as the clients of the data service do."""
    parameters(request)
    done = await _signed_in(request)
    meta = {
        "is_authenticated": True,
        "access_token": done.tokens.access,
        "refresh_token": done.tokens.refresh,
        "session_token": done.tokens.session,
    }
    return http.json({"status": 200, "data": {"user": _user(done)}, "meta": meta})


@get(_SESSION)
async def read_session(request: AnyRequest, principal: Caller) -> ASGIResponse:
    """Who is signed in."""
    parameters(request)
    user = {"id": principal.user_id, "email": principal.email, "username": principal.username}
    return http.json({"status": 200, "data": {"user": user}, "meta": {"is_authenticated": True}})


@delete(_SESSION, status_code=200)
async def logout(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """End this login: its access, refresh and session tokens."""
    parameters(request)
    await sessions.logout(conn, principal)
    return http.json({"status": 200, "meta": {"is_authenticated": False}})


@post(["/api/auth/jwt/token", "/api/cloud/auth/jwt/token"], status_code=200)
async def obtain_pair(request: AnyRequest) -> ASGIResponse:
    """Sign in for a pair of tokens."""
    parameters(request)
    done = await _signed_in(request)
    return http.json({**pair(done.tokens), "org": done.org.slug})


@post(["/api/auth/jwt/token/refresh", "/api/cloud/auth/jwt/token/refresh"], status_code=200)
async def refresh_pair(request: AnyRequest) -> ASGIResponse:
    """A new pair for a refresh token, which is spent by it."""
    parameters(request)
    wanted = await body(request, RefreshIn)
    return http.json(pair(await signing_in.refresh(http.context(request), wanted.refresh)))


@post("/api/auth/jwt/token/blacklist", status_code=200)
async def blacklist(request: AnyRequest) -> ASGIResponse:
    """End the login that a refresh token belongs to."""
    parameters(request)
    wanted = await body(request, RefreshIn)
    async with http.context(request).db.control.transaction() as conn:
        await sessions.blacklist(conn, wanted.refresh)
    return http.json({})


@post("/api/auth/token", status_code=200)
async def exchange_key(request: AnyRequest) -> ASGIResponse:
    """An access token for a key: `Authorization: Basic <key>`, the key as it is, or any other carrier."""
    parameters(request)
    ctx = http.context(request)
    principal = await authenticate(ctx, _without_basic(request.scope))
    if principal.key_id is None:
        raise errors.BadRequest("Only a key is exchanged here; a refresh token renews an access token.")
    access, seconds = signing_in.issuer(ctx).access_of_key(principal)
    return http.json(
        {"access_token": access, "access": access, "token_type": "Bearer", "expires_in": seconds}
    )


@post("/api/auth/password", status_code=200)
async def change_password(request: AnyRequest, principal: Caller) -> ASGIResponse:
    """Set a new password; every login of the user ends, and the answer holds the tokens of a new one."""
    parameters(request)
    wanted = await body(request, PasswordIn)
    old = wanted.current_password or wanted.old_password
    if old is None:
        raise errors.Invalid({"current_password": ["The current password is needed."]})
    ctx = http.context(request)
    tokens = await signing_in.change_password(ctx, principal, old, wanted.new_password, address(request))
    return http.json(pair(tokens))


@post("/api/auth/org", status_code=200)
async def switch_org(request: AnyRequest, principal: Caller) -> ASGIResponse:
    """A pair of tokens for another org of the caller."""
    parameters(request)
    wanted = await body(request, SwitchOrgIn)
    done = await signing_in.switch_org(http.context(request), principal, wanted.org)
    return http.json({**pair(done.tokens), "org": done.org.slug})


@get(["/api/auth/me", "/api/users/me"])
async def read_me(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """The caller: person or key, org and roles."""
    parameters(request)
    user = await people.user_by_id(conn, principal.user_id) if principal.user_id else None
    return http.json(me(principal, user, await orgs.orgs_of(conn, principal)))


async def _signed_in(request: AnyRequest) -> SignedIn:
    wanted = await body(request, LoginIn)
    name = wanted.email or wanted.username
    if name is None:
        raise errors.Invalid({"username": ["A username or an e-mail address is needed."]})
    return await signing_in.login(http.context(request), name, wanted.password, wanted.org, address(request))


def _user(done: SignedIn) -> dict[str, Any]:
    return {"id": done.user.id, "email": done.user.email, "username": done.user.username}


def _without_basic(scope: Any) -> dict[str, Any]:
    """The scope as if the key had come in the `Key` scheme: only here is `Basic` a carrier."""
    headers = [
        (name, b"Key " + value[6:] if _basic(name, value) else value) for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def _basic(name: bytes, value: bytes) -> bool:
    return name == b"authorization" and value[:6].lower() == b"basic "


ROUTES = (
    login, read_session, logout, obtain_pair, refresh_pair, blacklist, exchange_key, change_password,
    switch_org, read_me,
)  # fmt: skip
