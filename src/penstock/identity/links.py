"""Links for people without a key: to accept an invitation, to set another password, to confirm an address.

A link is signed and expires. It holds what the account was like when it was made, and works while that is so: what it
is used for changes it, so that it works once.
"""

from __future__ import annotations

import time
from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec

from penstock.identity.models import User
from penstock.identity.settings import IdentitySettings
from penstock.kit import signed
from penstock.kit.crypto import KeyRing

_SIGNED_FOR: Final = b"penstock link to an account 1"


class Purpose(StrEnum):
    """What a link is for, as its path says."""

    INVITE = "invite"
    RESET = "reset"
    VERIFY = "verify"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What a link says. `mailed`: whoever has it reads the letters to the address of the account."""

    purpose: Purpose
    user_id: int
    org_id: int
    expires: int
    state: str
    mailed: bool


class Spent(Exception):
    """The link is not, or no longer, one that opens anything."""


_decoder = msgspec.json.Decoder(Link)


def seconds_of(purpose: Purpose, settings: IdentitySettings) -> int:
    return settings.password_link_seconds if purpose is Purpose.RESET else settings.invitation_seconds


def make(
    ring: KeyRing,
    purpose: Purpose,
    user: User,
    org_id: int,
    seconds: int,
    *,
    mailed: bool,
    standing: str = "",
) -> str:
    """`standing` is part of what must not change: what the account opens, where somebody else is given the link."""
    link = Link(
        purpose=purpose,
        user_id=user.id,
        org_id=org_id,
        expires=int(time.time()) + seconds,
        state=_state(purpose, user, standing),
        mailed=mailed,
    )
    return signed.sealed(ring, _SIGNED_FOR, msgspec.json.encode(link))


def read(ring: KeyRing, purpose: Purpose, token: str) -> Link:
    """Raises `Spent` for what is no such link, or has expired."""
    try:
        link = _decoder.decode(signed.opened(ring, _SIGNED_FOR, token))
    except (signed.NotOurs, msgspec.DecodeError) as error:
        raise Spent from error
    if link.purpose is not purpose or link.expires < time.time():
        raise Spent
    return link


def check(link: Link, user: User | None, standing: str = "") -> None:
    """Raises `Spent` when the account is no longer as it was."""
    if user is None or not user.is_active or link.state != _state(link.purpose, user, standing):
        raise Spent


def _state(purpose: Purpose, user: User, standing: str) -> str:
    # Another password raises the version, and so does deactivation; who confirms an address may do both meanwhile.
    version = 0 if purpose is Purpose.VERIFY else user.token_version
    said = f"{version}\0{user.email}\0{standing}"
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
