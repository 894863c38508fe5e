"""What an import has done so far, and the refusal of one that is given up."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.kit import errors
from penstock.kit.errors import RowError
from penstock.tables.bulk.rows import RowFault
from penstock.tables.records.codec import MAX_REPORTED


@dataclass(slots=True)
class Tally:
    """Counts of rows; `faults` has the first faults only. `quarantine` is the id of the import that has rows there."""

    read: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    quarantined: int = 0
    quarantine: int | None = None
    faults: list[RowFault] = field(default_factory=list[RowFault])
    started: float = field(default_factory=time.monotonic)

    def begin_again(self) -> None:
        """Nothing that was counted came to be, and the rows are read anew."""
        self.read = self.created = self.updated = self.skipped = self.quarantined = 0
        self.quarantine, self.faults = None, []

    def report(self, found: Sequence[RowFault]) -> None:
        """Keep these faults as long as there is room."""
        self.faults += found[: max(0, MAX_REPORTED - len(self.faults))]

    def counts(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "skipped": self.skipped,
            "quarantined": self.quarantined,
            "seconds": round(time.monotonic() - self.started, 3),
        }

    def answer(self) -> dict[str, Any]:
        return {**self.counts(), "quarantine": self.quarantine, "faults": as_answer(self.faults)}


def as_answer(faults: Sequence[RowFault]) -> list[dict[str, Any]]:
    return [{"row": one.row, "field": one.field, "reason": one.reason} for one in faults]


def refuse(faults: Sequence[RowFault], *, is_conflict: bool) -> errors.PenstockError:
    """The error of an import that ends at these faults, which are all in one part of the file."""
    by_row: dict[int, dict[str, list[str]]] = {}
    for one in faults:
        by_row.setdefault(one.row, {}).setdefault(one.field, []).append(one.reason)
    # Rows of the one error body count from 0.
    rows = [RowError(row - 1, found) for row, found in list(by_row.items())[:MAX_REPORTED]]
    first = faults[0]
    message = f"Nothing was imported: row {first.row}: {first.field}: {first.reason}"
    more: Mapping[str, Any] = {"faults": as_answer(faults[:MAX_REPORTED])}
    if is_conflict:
        return errors.Conflict(message, rows=rows, more=more)
    return errors.Invalid({}, message=message, rows=rows, more=more)
