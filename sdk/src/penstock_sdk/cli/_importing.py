"""Loading a file into a table: chunk by chunk, with bad rows reported by their place in the file.

Rows whose text cannot be read are found here, all others by the server. Memory holds one chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock_sdk._errors import BadRequestError, ConflictError, PenstockError, RowFault
from penstock_sdk.cli._formats import SourceRow, counted

Send = Callable[[Sequence[dict[str, Any]]], object]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not stored: its place in the file, the field (empty: the whole row), the reason."""

    row: int
    field: str
    reason: str


@dataclass(slots=True)
class ImportResult:
    """What an import did; `bad` holds the first `kept` faults, `skipped` counts all rows left out."""

    stored: int = 0
    skipped: int = 0
    stopped: bool = False
    bad: list[BadRow] = field(default_factory=list[BadRow])
    kept: int = 100

    def note(self, place: int, reasons: Iterable[tuple[str, str]]) -> None:
        for name, reason in reasons:
            if len(self.bad) < self.kept:
                self.bad.append(BadRow(place, name, reason))


def load(
    rows: Iterable[SourceRow],
    send: Send,
    result: ImportResult,
    *,
    chunk: int,
    skip_bad: bool,
    on_progress: Callable[[int], None],
) -> None:
    """Sends every row and notes in `result` what became of it; `send` stores a list in one transaction.

    At the first chunk with a bad row the import stops and that chunk is not stored; with `skip_bad` the good
    rows of the chunk are stored and the import goes on. `on_progress` gets the rows done so far.
    """
    done = 0
    for part in counted(rows, chunk):
        good = [row for row in part if not row.reasons]
        for row in part:
            if row.reasons:
                result.skipped += 1
                result.note(row.place, row.reasons.items())
        if len(good) < len(part) and not skip_bad:
            result.stopped = True
            return
        if not (_store_good if skip_bad else _store_all)(good, send, result):
            result.stopped = True
            return
        done += len(part)
        on_progress(done)


def _store_all(rows: list[SourceRow], send: Send, result: ImportResult) -> bool:
    """Stores all rows or none; False when one is bad."""
    if not rows:
        return True
    try:
        send([row.values for row in rows])
    except (BadRequestError, ConflictError) as error:
        if not error.rows:
            raise
        result.skipped += len(error.rows)
        for fault in error.rows:
            result.note(rows[fault.index].place, _reasons(fault))
        return False
    result.stored += len(rows)
    return True


def _store_good(rows: list[SourceRow], send: Send, result: ImportResult) -> bool:
    """Stores the good rows and notes the bad ones; always True."""
    waiting = [rows]
    while waiting:
        part = waiting.pop()
        if not part:
            continue
        try:
            send([row.values for row in part])
        except (BadRequestError, ConflictError) as error:
            waiting.extend(_without_faults(part, error, result))
        else:
            result.stored += len(part)
    return True


def _without_faults(
    part: list[SourceRow], error: PenstockError, result: ImportResult
) -> Iterator[list[SourceRow]]:
    """What to try next: the part without the rows the error names, or its halves when it names none."""
    named = {fault.index: fault for fault in error.rows if 0 <= fault.index < len(part)}
    if named:
        for index, fault in named.items():
            result.skipped += 1
            result.note(part[index].place, _reasons(fault))
        yield [row for index, row in enumerate(part) if index not in named]
    elif len(part) == 1:
        result.skipped += 1
        whole = [(name, text) for name, texts in error.errors.items() for text in texts]
        result.note(part[0].place, whole or [("", error.message)])
    else:
        middle = len(part) // 2
        yield part[middle:]
        yield part[:middle]


def _reasons(fault: RowFault) -> Iterator[tuple[str, str]]:
    for name, messages in fault.errors.items():
        yield name, " ".join(messages)
