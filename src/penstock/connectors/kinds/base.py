"""What a kind of credential is: the shape of its settings and secrets, and how to try them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
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


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """A column as the system describes it; `type` is its own word for it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table of a system: its name, after that of its schema where the system has several."""

    name: tuple[str, ...]
    columns: tuple[ColumnShape, ...]


class CheckFailed(Exception):
    """The system cannot be used; the message is a sentence for who entered the credential."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `check` connects and gives a sentence about what it found. Raises `CheckFailed`.

    `describe` gives the tables of a system that questions in SQL can read, and fails in the same way.
    """

    name: str
    title: str
    settings: type[Fields]
    secrets: type[Fields]
    check: Callable[[Any, Any, OutboundSettings], Awaitable[str]]
    describe: Callable[[Any, Any, OutboundSettings], Awaitable[list[TableShape]]] | None = None


MOST_TABLES = 5_000


def grouped(rows: Iterable[tuple[str, ...]]) -> list[TableShape]:
    """From rows of table name parts, column and type, ordered by table."""
    found: dict[tuple[str, ...], list[ColumnShape]] = {}
    for *name, column, kind in rows:
        if tuple(name) not in found and len(found) >= MOST_TABLES:
            break
        found.setdefault(tuple(name), []).append(ColumnShape(column, kind))
    return [TableShape(name, tuple(columns)) for name, columns in found.items()]


def shown(text: object, most: int = 120) -> str:
    """What another system said, made fit to show: one printable line."""
    line = str(text).partition("\n")[0]
    return "".join(letter if letter.isprintable() else " " for letter in line)[:most]
