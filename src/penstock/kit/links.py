"""Addresses for people, in messages that no request gave rise to."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Links:
    """`base` is the address under which clients reach the server, without a slash at its end."""

    base: str

    def to(self, *segments: str | int) -> str:
        return "/".join((self.base, *(quote(str(one), safe="") for one in segments)))
