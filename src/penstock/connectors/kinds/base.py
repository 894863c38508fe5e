"""What a kind of credential is: the shape of its settings and secrets, and how to try them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from penstock.kit.outbound import OutboundSettings

PATIENCE = 10.0  # seconds that a system gets to answer

Host = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[^\s/\\@?#\x00-\x1f]+\Z")]
Port = Annotated[int, Meta(ge=1, le=65535)]
Word = Annotated[str, Meta(min_length=1, max_length=128)]
Password = Annotated[str, Meta(min_length=1, max_length=4096)]


class Fields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Settings or secrets of a kind; a field that nobody knows is refused."""


class CheckFailed(Exception):
    """The system cannot be used; the message is a sentence for who entered the credential."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `check` connects and gives a sentence about what it found. Raises `CheckFailed`."""

    name: str
    title: str
    settings: type[Fields]
    secrets: type[Fields]
    check: Callable[[Any, Any, OutboundSettings], Awaitable[str]]


def shown(text: object, most: int = 120) -> str:
    """What another system said, made fit to show: one printable line."""
    line = str(text).partition("\n")[0]
    return "".join(letter if letter.isprintable() else " " for letter in line)[:most]
