"""Quoting for the two things that cannot be bound: identifiers, and the constants inside DDL."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from decimal import Decimal
from typing import Any

MAX_IDENTIFIER = 63  # bytes; PostgreSQL truncates beyond, silently


def identifier(name: str) -> str:
    """A quoted identifier. Raises ValueError for what PostgreSQL cannot name or would cut short."""
    if not name or "\0" in name or len(name.encode()) > MAX_IDENTIFIER:
        raise ValueError(f"An identifier has 1 to {MAX_IDENTIFIER} bytes and no NUL: {name[:80]!r}")
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    return f"{identifier(schema)}.{identifier(name)}"


def literal(value: Any) -> str:
    """A constant for DDL (standard_conforming_strings is on since PostgreSQL 9.1)."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return f"({value})"
        case datetime.datetime() | datetime.date() | datetime.time():
            return _text(value.isoformat())
        case uuid.UUID():
            return _text(str(value))
        case str():
            return _text(value)
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")


def derived_name(base: str, suffix: str, *parts: str) -> str:
    """A name of at most 63 bytes made of a readable base, a suffix and a hash that keeps it unique."""
    tail = f"_{suffix}_{hashlib.sha256(chr(0).join((base, suffix, *parts)).encode()).hexdigest()[:8]}"
    head = base.encode()[: MAX_IDENTIFIER - len(tail)].decode(errors="ignore")
    return head + tail


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("text in PostgreSQL has no NUL character")
    return "'" + text.replace("'", "''") + "'"
