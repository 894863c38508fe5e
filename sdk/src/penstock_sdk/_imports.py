"""What an import tells: how far it is, what it did, or why it was refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from penstock_sdk import _json
from penstock_sdk._errors import UnexpectedAnswerError, error_from_answer

FileFormat = Literal["csv", "ndjson", "parquet"]


class ImportFault(msgspec.Struct, frozen=True):
    """What is wrong with a field of a row; rows count from 1."""

    row: int
    field: str
    reason: str


class ImportProgress(msgspec.Struct, frozen=True):
    """How many rows were read so far, and what became of them."""

    read: int
    created: int
    updated: int
    skipped: int
    quarantined: int
    seconds: float


class Imported(msgspec.Struct, frozen=True):
    """What an import did. `quarantine` is its number there, when it has rows in quarantine."""

    read: int
    created: int
    updated: int
    skipped: int
    quarantined: int
    seconds: float
    quarantine: int | None
    faults: list[ImportFault]


class QuarantinedImport(msgspec.Struct, frozen=True, kw_only=True):
    """An import that has rows in quarantine."""

    id: int
    format: str
    mode: str
    read: int
    created: int
    updated: int
    quarantined: int
    created_at: datetime
    created_by: str | None = None


class QuarantinedRow(msgspec.Struct, frozen=True):
    """A row of a file that was not stored: its number from 1, what it held, and what is wrong with which field."""

    row: int
    data: Any
    errors: dict[str, list[str]]


def read_import(line: str) -> Imported | ImportProgress:
    """A line of the answer. Raises what the server says when the import was refused on the way."""
    try:
        told: Any = _json.decode(line.encode())
        if "progress" in told:
            return msgspec.convert(told["progress"], ImportProgress)
        if "error" in told:
            raise error_from_answer(told["status"], told["error"], request_id=told["error"].get("request_id"))
        return msgspec.convert(told, Imported)
    except (msgspec.MsgspecError, TypeError, KeyError) as error:
        raise UnexpectedAnswerError(f"The answer to the import starts with {line[:80]!r}.") from error
