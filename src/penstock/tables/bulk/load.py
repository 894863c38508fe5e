"""Rows of a file into a table, in one transaction: part by part, each wholly or not at all, faulty rows set apart.

What is wrong with a row by itself is found before it is written; what only the database knows (a value that is
taken, a record that is missing) its target says, and where that names no row, it is found by halves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.kit.streaming import ahead
from penstock.tables.bulk.options import Mode, OnError
from penstock.tables.bulk.part import Part, Refusal, Target
from penstock.tables.bulk.quarantine import Quarantine
from penstock.tables.bulk.rows import ROW, Block, RowFault, kept
from penstock.tables.bulk.tally import Tally, refuse
from penstock.tables.records.codec import RowCodec
from penstock.tables.schema.checks import comparable

_PART = 5000  # rows a statement


@dataclass(frozen=True, slots=True)
class Sifted:
    """Rows that were read, so many of them in all: the sound ones, and what is wrong with the others."""

    read: int
    faults: Sequence[RowFault]
    raw: dict[int, bytes]
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Loader:
    """One import. `unique` are the fields by which an upsert finds records."""

    codec: RowCodec
    on_error: OnError
    mode: Mode
    unique: tuple[str, ...]
    quarantine: Quarantine
    tally: Tally
    target: Target

    async def run(self, conn: Connection, blocks: AsyncIterator[Block]) -> None:
        """Store every row. Raises what `tally.refuse` makes when a faulty row ends the import."""
        async with aclosing(ahead(self._sifted(blocks))) as found:
            async for sifted in found:
                self.tally.read += sifted.read
                # The sender may be slow, or the rows elsewhere: an idle transaction would be ended.
                await conn.value("SELECT 1")
                await self._faulty(conn, sifted.faults, sifted.raw)
                if sifted.part is not None:
                    for part in self._without_repetitions(sifted.part):
                        await self._write(conn, part)
        await self.quarantine.finish(conn, self.tally)

    async def _sifted(self, blocks: AsyncIterator[Block]) -> AsyncGenerator[Sifted]:
        """What can be said of the rows before the database sees them, the next being looked at while it does."""
        async for block in blocks:
            if block.raw or not block.documents:
                yield Sifted(len(block.raw), block.faults, block.raw)
            for first in range(0, len(block.documents), _PART):
                documents = block.documents[first : first + _PART]
                yield await asyncio.to_thread(self._sift, documents, block.numbers[first : first + _PART])

    def _sift(self, documents: Sequence[bytes], numbers: Sequence[int]) -> Sifted:
        incoming, places, faults = self.codec.sift(documents, is_create=self.mode is Mode.INSERT)
        read = len(documents)
        found = [RowFault(numbers[one.index], one.field, one.message) for one in faults]
        raw = {numbers[one.index]: kept(documents[one.index]) for one in faults}
        if faults:
            numbers = [numbers[place] for place in places]
            documents = [documents[place] for place in places]
        lines = self.target.lines(incoming) if documents else None
        return Sifted(read, found, raw, Part(incoming, numbers, documents, lines))

    def _without_repetitions(self, part: Part) -> Iterator[Part]:
        """An upsert may name a record twice, and the later row counts; one statement cannot."""
        if self.mode is Mode.INSERT:
            yield part
            return
        seen: set[object] = set()
        first = 0
        for place, row in enumerate(part.incoming.rows):
            key = tuple(comparable(self.codec.value(row, name)) for name in self.unique)
            if key in seen:
                yield part.cut(first, place)
                first = place
                seen.clear()
            seen.add(key)
        yield part.cut(first, len(part))

    async def _write(self, conn: Connection, part: Part) -> None:
        waiting = [part]
        while waiting:
            part = waiting.pop()
            if not len(part):
                continue
            try:
                created = await self.target.write(conn, part)
            except Refusal as refused:
                waiting += await self._refused(conn, part, refused)
            else:
                self.tally.created += created
                self.tally.updated += len(part) - created

    async def _refused(self, conn: Connection, part: Part, refused: Refusal) -> list[Part]:
        """What is left to try of a part."""
        if not refused.faults:
            return await self._without_names(conn, part, refused.error, is_conflict=refused.is_conflict)
        faults = [RowFault(part.numbers[one.place], one.field, one.reason) for one in refused.faults]
        places = sorted({one.place for one in refused.faults})
        return await self._set_apart(conn, part, places, faults, is_conflict=refused.is_conflict)

    async def _without_names(
        self, conn: Connection, part: Part, error: errors.PenstockError, *, is_conflict: bool
    ) -> list[Part]:
        """The halves of a part of which some row is faulty; a part of one row is the faulty one."""
        if len(part) > 1:
            middle = len(part) // 2
            return [part.cut(middle, len(part)), part.cut(0, middle)]
        number = part.numbers[0]
        named = [(name, text) for name, texts in (error.errors or {}).items() for text in texts]
        faults = [RowFault(number, name, text) for name, text in named or [(ROW, error.message)]]
        return await self._set_apart(conn, part, [0], faults, is_conflict=is_conflict)

    async def _set_apart(
        self,
        conn: Connection,
        part: Part,
        places: Sequence[int],
        faults: Sequence[RowFault],
        *,
        is_conflict: bool,
    ) -> list[Part]:
        raw = {part.numbers[place]: part.documents[place] for place in places}
        await self._faulty(conn, faults, raw, is_conflict=is_conflict)
        gone = set(places)
        return [part.pick([place for place in range(len(part)) if place not in gone])]

    async def _faulty(
        self,
        conn: Connection,
        faults: Sequence[RowFault],
        raw: dict[int, bytes],
        *,
        is_conflict: bool = False,
    ) -> None:
        """What becomes of faulty rows: the end, nothing, or a place in quarantine."""
        if not faults:
            return
        if self.on_error is OnError.ABORT:
            raise refuse(faults, is_conflict=is_conflict)
        self.tally.report(faults)
        if self.on_error is OnError.QUARANTINE:
            await self.quarantine.add(conn, self.tally, faults, raw)
        else:
            self.tally.skipped += len(raw)
