"""Sound rows on their way into a table, and how the provider of its records takes or refuses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables.bulk.copying import Lines
from penstock.tables.records.codec import Incoming


@dataclass(frozen=True, slots=True)
class Part:
    """Rows, their numbers in the file, and the documents they were read from.

    `lines` are the same rows as COPY takes them, where it may.
    """

    incoming: Incoming
    numbers: Sequence[int]
    documents: Sequence[bytes]
    lines: Lines | None = None

    def pick(self, places: Sequence[int]) -> Part:
        rows = [self.incoming.rows[place] for place in places]
        present = [self.incoming.present[place] for place in places]
        return Part(
            replace(self.incoming, rows=rows, present=present),
            [self.numbers[place] for place in places],
            [self.documents[place] for place in places],
        )

    def cut(self, first: int, last: int) -> Part:
        rows, present = self.incoming.rows[first:last], self.incoming.present[first:last]
        return Part(
            replace(self.incoming, rows=rows, present=present),
            self.numbers[first:last],
            self.documents[first:last],
        )

    def __len__(self) -> int:
        return len(self.incoming.rows)


@dataclass(frozen=True, slots=True)
class PlacedFault:
    """What is wrong with a field of the row at a place of a part."""

    place: int
    field: str
    reason: str


class Refusal(Exception):
    """Some row of a part cannot be stored, and nothing of the part was.

    `faults` say which rows, and what is wrong with them; without any, `error` is why.
    """

    def __init__(
        self, error: errors.PenstockError | None, faults: Sequence[PlacedFault], *, is_conflict: bool
    ) -> None:
        super().__init__("refused")
        self.error = error or errors.BadRequest("The row cannot be stored.")
        self.faults = faults
        self.is_conflict = is_conflict


def refusal(error: errors.PenstockError) -> Refusal:
    """The refusal that an error tells of, which may name rows by their places."""
    faults = [
        PlacedFault(row.index, name, message)
        for row in error.rows or ()
        for name, messages in row.errors.items()
        for message in messages
    ]
    return Refusal(error, faults, is_conflict=isinstance(error, errors.Conflict))


class Target(Protocol):
    """Stores parts, all in one transaction of its own."""

    def lines(self, incoming: Incoming) -> Lines | None:
        """The rows as COPY takes them, made in a thread while others are written; None where it may not."""
        ...

    async def write(self, conn: Connection, part: Part) -> int:
        """How many of the rows are new; the others changed a record. `conn` is in the transaction of the quarantine.

        Raises `Refusal` when it stored nothing of the part, and may be asked to store less of it.
        """
        ...
