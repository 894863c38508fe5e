"""Signing in and out, tokens, and the caller's own password and person."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import schemas
from penstock.identity.operations.common import CALLER, MOMENT, NO_ROLE, PUBLIC, ROLE, TEXT
from penstock.kit.openapi import Body, Operation, Reply, described, nullable, ref

_TOKENS: Final = {
    "access": {"type": "string", "description": "The access token, for `Authorization: Bearer`."},
    "refresh": {"type": "string", "description": "Spent by its first use."},
    "token_type": {"const": "Bearer"},
    "expires_in": {"type": "integer", "description": "Seconds that the access token is good for."},
}
_PERSON: Final = described({"id": {"type": ["integer", "null"]}, "email": nullable(TEXT), "username": TEXT})
SCHEMAS: Final[dict[str, Any]] = {
    "TokenPair": described({**_TOKENS, "org": {"type": "string", "description": "Slug of the org."}}, "org"),
    "Login": described(
        {
            "status": {"const": 200},
            "data": described({"user": _PERSON}),
            "meta": described(
                {
                    "is_authenticated": {"const": True},
                    "access_token": TEXT,
                    "refresh_token": TEXT,
                    "session_token": nullable(TEXT),
                }
            ),
        }
    ),
    "Session": described(
        {
            "status": {"const": 200},
            "data": described({"user": _PERSON}),
            "meta": described({"is_authenticated": {"type": "boolean"}}),
        },
        "data",
    ),
    "KeyToken": described(
        {
            "access_token": TEXT,
            "access": {"type": "string", "description": "The same token."},
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer"},
        }
    ),
    "Me": described(
        {
            "id": {"type": ["integer", "null"], "description": "Null for a service key, which has no user."},
            "username": TEXT,
            "email": nullable(TEXT),
            "first_name": TEXT,
            "last_name": TEXT,
            "kind": {"enum": ["user", "user_key", "service_key"]},
            "key_id": {"type": ["integer", "null"]},
            "org": TEXT,
            "role": NO_ROLE,
            "roles": {
                "type": "array",
                "items": described({"kind": TEXT, "id": {"type": "integer"}, "role": ROLE}),
            },
            "orgs": {"type": "array", "items": described({"slug": TEXT, "name": TEXT, "role": NO_ROLE})},
            "is_platform_admin": {"type": "boolean"},
            "expires_at": nullable(MOMENT),
        }
    ),
}

_LOGIN_EXAMPLE: Final = {"email": "ada@example.com", "password": "correct horse battery staple"}
_REFRESH: Final = Body(schema=schemas.RefreshIn, examples={"a refresh token": {"refresh": "pnr_…"}})
_PAIR: Final = Reply(status=200, description="A pair of tokens.", schema=ref("TokenPair"))

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="login",
        method="post",
        path="/_allauth/app/v1/auth/login",
        summary="Sign in",
        description="With a username or an e-mail address; `org` picks one of several orgs.",
        tag="Signing in",
        access=PUBLIC,
        body=Body(schema=schemas.LoginIn, examples={"by e-mail": _LOGIN_EXAMPLE}),
        replies=(Reply(status=200, description="Signed in.", schema=ref("Login")),),
        errors=(401, 403, 404, 429),
    ),
    Operation(
        id="readSession",
        method="get",
        path="/_allauth/app/v1/auth/session",
        summary="Who is signed in",
        tag="Signing in",
        access=CALLER,
        replies=(Reply(status=200, description="The caller.", schema=ref("Session")),),
    ),
    Operation(
        id="logout",
        method="delete",
        path="/_allauth/app/v1/auth/session",
        summary="Sign out",
        description="Ends this login: its access, refresh and session tokens. A key is revoked instead.",
        tag="Signing in",
        access=CALLER,
        replies=(Reply(status=200, description="Signed out.", schema=ref("Session")),),
    ),
    Operation(
        id="obtainTokens",
        method="post",
        path="/api/auth/jwt/token",
        also=(("/api/cloud/auth/jwt/token", "obtainCloudTokens"),),
        summary="Sign in for a pair of tokens",
        tag="Signing in",
        access=PUBLIC,
        body=Body(schema=schemas.LoginIn, examples={"by e-mail": _LOGIN_EXAMPLE}),
        replies=(_PAIR,),
        errors=(401, 403, 404, 429),
    ),
    Operation(
        id="refreshTokens",
        method="post",
        path="/api/auth/jwt/token/refresh",
        also=(("/api/cloud/auth/jwt/token/refresh", "refreshCloudTokens"),),
        summary="Renew a pair of tokens",
        description="Spends the refresh token; using it again ends the login.",
        tag="Signing in",
        access=PUBLIC,
        body=_REFRESH,
        replies=(_PAIR,),
        errors=(401,),
    ),
    Operation(
        id="blacklistToken",
        method="post",
        path="/api/auth/jwt/token/blacklist",
        summary="End the login of a refresh token",
        tag="Signing in",
        access=PUBLIC,
        body=_REFRESH,
        replies=(Reply(status=200, description="Ended.", schema={"type": "object"}),),
        errors=(401,),
    ),
    Operation(
        id="exchangeKey",
        method="post",
        path="/api/auth/token",
        summary="Exchange a key for an access token",
        description="The key comes as `Authorization: Basic <key>`, or by any other carrier.",
        tag="Signing in",
        access=CALLER,
        security=("basic", "bearer", "key"),
        replies=(Reply(status=200, description="A token.", schema=ref("KeyToken")),),
    ),
    Operation(
        id="changePassword",
        method="post",
        path="/api/auth/password",
        summary="Change one's own password",
        description="Every login of the user ends; the answer holds the tokens of a new one.",
        tag="Signing in",
        access=CALLER,
        body=Body(
            schema=schemas.PasswordIn,
            examples={
                "new password": {"current_password": "old one, long", "new_password": "new one, longer"}
            },
        ),
        replies=(_PAIR,),
    ),
    Operation(
        id="switchOrg",
        method="post",
        path="/api/auth/org",
        summary="Sign in to another of one's orgs",
        tag="Signing in",
        access=CALLER,
        body=Body(schema=schemas.SwitchOrgIn, examples={"an org": {"org": "main"}}),
        replies=(_PAIR,),
        errors=(404,),
    ),
    Operation(
        id="readMe",
        method="get",
        path="/api/auth/me",
        also=(("/api/users/me", "readMyUser"),),
        summary="The caller",
        tag="Signing in",
        access=CALLER,
        replies=(Reply(status=200, description="Person or key, org and roles.", schema=ref("Me")),),
    ),
)
