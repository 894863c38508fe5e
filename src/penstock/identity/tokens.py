"""Access tokens (what they say, and how long it holds) and the random secrets of keys, refresh tokens and sessions."""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass
from typing import Any

from penstock.identity.models import KeyKind
from penstock.kit import ids
from penstock.kit.crypto import KeyRing

_LONGEST = 4096  # characters; ours have about 300
_PREFIXES = {KeyKind.USER: "pnu_", KeyKind.SERVICE: "pns_"}
_REFRESH_PREFIX = "pnr_"
_SESSION_PREFIX = "pnx_"
_VISIBLE = 12
_LETTERS = string.ascii_letters + string.digits
LEAST_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says. One of `user_id` and `key_id` is set; `expires` is in epoch seconds."""

    org_id: int
    user_id: int | None
    key_id: int | None
    version: int
    family: str | None
    expires: int


class InvalidToken(Exception):
    """The token is not one of ours, or no longer valid; the message says which."""


def issue(ring: KeyRing, claims: Claims) -> str:
    """Sign an access token with the current key."""
    from penstock.identity import signatures  # noqa: PLC0415  (its library is large, and most callers have keys)

    content: dict[str, Any] = {
        "sub": str(claims.user_id if claims.key_id is None else claims.key_id),
        "kind": "user" if claims.key_id is None else "key",
        "org": claims.org_id,
        "ver": claims.version,
        "jti": ids.token(12),
        "iat": int(time.time()),
        "exp": claims.expires,
    }
    if claims.family:
        content["sid"] = claims.family
    return signatures.signed(ring, content)


def looks_signed(credential: str) -> bool:
    """True for what has the form of a JWT."""
    return credential.startswith("eyJ") and credential.count(".") == 2 and len(credential) <= _LONGEST


def read(ring: KeyRing, token: str) -> Claims:
    """The claims of a token whose signature and lifetime hold. Raises `InvalidToken`."""
    from penstock.identity import signatures  # noqa: PLC0415  (its library is large, and most callers have keys)

    try:
        content = signatures.content_of(ring, token)
        subject, kind = int(content["sub"]), content["kind"]
        claims = Claims(
            org_id=int(content["org"]),
            user_id=subject if kind == "user" else None,
            key_id=subject if kind == "key" else None,
            version=int(content["ver"]),
            family=content.get("sid"),
            expires=int(content["exp"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidToken("The access token is not valid.") from error
    if claims.expires <= time.time():
        raise InvalidToken("The access token has expired.")
    return claims


def new_key(kind: KeyKind) -> str:
    """A key's secret: its prefix tells the kind and is found by secret scanners."""
    return _PREFIXES[kind] + ids.token(32)


def new_shown_key() -> str:
    """As clients of the dashboard dialect know keys: 40 letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(40))


def new_refresh() -> str:
    return _REFRESH_PREFIX + ids.token(32)


def new_session() -> str:
    return _SESSION_PREFIX + ids.token(32)


def visible_prefix(secret: str) -> str:
    """The part of a key that stays readable: enough to recognise it, far too little to guess it."""
    return secret[: min(_VISIBLE, len(secret) // 4)]
