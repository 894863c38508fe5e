"""What every reader of a file gives: rows as JSON documents with their numbers, and what is wrong with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

# The longest row of a file; what reads row by row must hold one.
MAX_ROW = 16 * 1024 * 1024
ROW = "row"  # stands for the whole row where a fault names a field
_encoder = msgspec.json.Encoder(decimal_format="number")
encode = _encoder.encode


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a field of a row; rows count from 1."""

    row: int
    field: str
    reason: str


@dataclass(slots=True)
class Block:
    """Some rows of a file, in order. `raw` has the rows of `faults`, by number, as JSON."""

    documents: list[bytes] = field(default_factory=list[bytes])
    numbers: Sequence[int] = ()
    faults: list[RowFault] = field(default_factory=list[RowFault])
    raw: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def refuse(self, row: int, reason: str, raw: Any) -> None:
        """Note a row that cannot be read at all."""
        self.faults.append(RowFault(row, ROW, reason))
        self.raw[row] = as_json(raw)


class Reader(Protocol):
    """Turns pieces of a body into rows. Raises `BadRequest` when the body is not of its format."""

    def feed(self, data: bytes, *, last: bool) -> Block: ...


def documents_of(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[bytes]:
    """The rows that these columns make. Raises `UnicodeEncodeError` when some text is none."""
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    found = _encoder.encode_lines(rows).split(b"\n")
    found.pop()
    # Values that are JSON already may have lines of their own.
    return found if len(found) == len(rows) else [encode(row) for row in rows]


def kept(document: bytes) -> bytes:
    """A row that may not even be JSON, as JSON."""
    try:
        str(document, "utf-8")
        msgspec.json.decode(document, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return as_json(document)
    return document


def as_json(value: Any) -> bytes:
    """A row that cannot be read, kept readable: bytes that are not UTF-8 are replaced."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    try:
        return encode(value)
    except UnicodeEncodeError:
        return encode(repr(value))
