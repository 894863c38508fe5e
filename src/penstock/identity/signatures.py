"""The signatures of access tokens: JWT, HS256, key ids. What tokens say is the business of `tokens`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from penstock.kit.crypto import KeyRing

_ALGORITHM = "HS256"


def signed(ring: KeyRing, content: dict[str, Any]) -> str:
    """A token signed with the current key."""
    key_id, secret = ring.current
    return jwt.encode({"alg": _ALGORITHM, "kid": key_id}, content, _key(secret), algorithms=[_ALGORITHM])


def content_of(ring: KeyRing, token: str) -> dict[str, Any]:
    """What a token says that one of our keys has signed. Raises ValueError."""
    try:
        return jwt.decode(token, lambda jws: _known(ring, jws.headers()), algorithms=[_ALGORITHM]).claims
    except JoseError as error:
        raise ValueError("not signed by us") from error


def _known(ring: KeyRing, header: dict[str, Any]) -> OctKey:
    key_id = header.get("kid")
    secret = ring.get(key_id) if isinstance(key_id, str) else None
    if secret is None:
        raise ValueError("unknown key id")
    return _key(secret)


@lru_cache(maxsize=32)
def _key(secret: bytes) -> OctKey:
    return OctKey.import_key(secret)
