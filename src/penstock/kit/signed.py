"""Texts that only this installation can have made: what they say is open to read and cannot be changed."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from penstock.kit.crypto import KeyRing

_LONGEST: Final = 1000


class NotOurs(ValueError):
    """It was not signed here, not for this purpose, or was changed since."""


def sealed(ring: KeyRing, purpose: bytes, said: bytes) -> str:
    """Letters, digits, `-`, `_` and `.`: what it says, the key that signed it, the signature.

    `purpose` is part of what is signed: a text for one is none for another.
    """
    key_id, key = ring.current
    text = _text(said)
    return f"{text}.{_text(key_id.encode())}.{_text(_signature(key, purpose, text))}"


def opened(ring: KeyRing, purpose: bytes, token: str) -> bytes:
    """What it says. Raises `NotOurs`."""
    text, _, rest = token.partition(".")
    key_id, _, signature = rest.partition(".")
    if len(token) > _LONGEST or not token.isascii():
        raise NotOurs
    try:
        key = ring.get(_bytes(key_id).decode())
        if key is None or not hmac.compare_digest(_signature(key, purpose, text), _bytes(signature)):
            raise NotOurs
        return _bytes(text)
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotOurs from error


def _signature(key: bytes, purpose: bytes, text: str) -> bytes:
    return hmac.digest(key, purpose + b"\0" + text.encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
