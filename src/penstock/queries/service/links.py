"""Links to the rows of a result: whoever has one reads the file that it names, without a key, until it expires.

It does what its maker may do at the moment it is used, so that it ends with their key, their role or the result.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from typing import Final

import msgspec

from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.crypto import KeyRing
from penstock.queries.results.models import Result

# What else is signed with these keys is of another form, and never taken for a link.
_PURPOSE: Final = b"penstock link to rows 1\0"
_LONGEST: Final = 1000
_BAD: Final = "The link is not one that this server made."
_LATE: Final = "The link has expired; run the query again for a new one."


class FileOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the file is like: `kind` is the name of a format."""

    kind: str = "csv"
    delimiter: str = ","
    header: bool = True
    compression: str | None = None

    @property
    def extension(self) -> str:
        return "csv.gz" if self.kind == "csv" and self.compression == "gzip" else self.kind


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What a link says: which file, until when (seconds of the epoch), and who made it."""

    org_id: int
    result_id: int
    options: FileOptions
    expires: int
    user_id: int | None
    key_id: int | None


_decoder = msgspec.json.Decoder(Link)


def link_to(principal: Principal, result: Result, options: FileOptions, seconds: float) -> Link:
    return Link(
        org_id=result.org_id,
        result_id=result.id,
        options=options,
        expires=int(time.time() + seconds),
        user_id=principal.user_id,
        key_id=principal.key_id,
    )


def sealed(ring: KeyRing, link: Link) -> str:
    """The link as text of letters, digits, `-`, `_` and `.`: what it says, the key that signed it, the signature."""
    key_id, key = ring.current
    said = _text(msgspec.json.encode(link))
    return f"{said}.{_text(key_id.encode())}.{_text(_signature(key, said))}"


def opened(ring: KeyRing, token: str) -> Link:
    """Raises `Forbidden` for what was not signed here, was changed since, or has expired."""
    said, _, rest = token.partition(".")
    key_id, _, signature = rest.partition(".")
    if len(token) > _LONGEST or not token.isascii():
        raise errors.Forbidden(_BAD)
    try:
        key = ring.get(_bytes(key_id).decode())
        if key is None or not hmac.compare_digest(_signature(key, said), _bytes(signature)):
            raise errors.Forbidden(_BAD)
        link = _decoder.decode(_bytes(said))
    except (binascii.Error, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise errors.Forbidden(_BAD) from error
    if link.expires < time.time():
        raise errors.Forbidden(_LATE)
    return link


def _signature(key: bytes, said: str) -> bytes:
    return hmac.digest(key, _PURPOSE + said.encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
