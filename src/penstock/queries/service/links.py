"""Links to the rows of a result: whoever has one reads the file that it names, without a key, until it expires.

It does what its maker may do at the moment it is used, so that it ends with their key, their role or the result.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from penstock.identity import Principal
from penstock.kit import errors, signed
from penstock.kit.crypto import KeyRing
from penstock.queries.results.models import Result

# What else is signed with these keys is of another form, and never taken for a link.
_PURPOSE: Final = b"penstock link to rows 1"
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
    return signed.sealed(ring, _PURPOSE, msgspec.json.encode(link))


def opened(ring: KeyRing, token: str) -> Link:
    """Raises `Forbidden` for what was not signed here, was changed since, or has expired."""
    try:
        link = _decoder.decode(signed.opened(ring, _PURPOSE, token))
    except (signed.NotOurs, msgspec.DecodeError) as error:
        raise errors.Forbidden(_BAD) from error
    if link.expires < time.time():
        raise errors.Forbidden(_LATE)
    return link
