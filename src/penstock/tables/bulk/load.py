"""Rows of a file into a table, in one transaction: part by part, each in a savepoint, faulty rows set apart.

What is wrong with a row by itself is found before it is written; what only the database knows (a value that is
taken, a record that is missing) is found by looking again, and where that names no row, by halves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import asyncpg

from penstock.kit import db, errors
from penstock.kit.db import Connection
from penstock.kit.streaming import ahead
from penstock.tables.bulk import copying
from penstock.tables.bulk.options import Mode, OnError
from penstock.tables.bulk.quarantine import Quarantine
from penstock.tables.bulk.rows import ROW, Block, RowFault, kept
from penstock.tables.bulk.tally import Tally, refuse
from penstock.tables.records import batch, change, keys
from penstock.tables.records.call import Call, outside
from penstock.tables.records.change import Keys
from penstock.tables.records.codec import Incoming
from penstock.tables.records.execute import Autocommit, InTransaction, write
from penstock.tables.records.upsert import merge
from penstock.tables.records.violations import Refused, explain_here, refused_rows
from penstock.tables.schema.checks import comparable

_PART = 5000  # rows a statement
_ATTEMPTS = 3
# So many parts are tried in vain by COPY before the rest of a file goes in by statements at once.
_VAIN = 3
# What the database says of a value, without saying of which row.
_VALUES = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
_RULES = (errors.RowRefused, asyncpg.InsufficientPrivilegeError)


@dataclass(frozen=True, slots=True)
class Part:
    """Sound rows, their numbers in the file, and the documents they were read from.

    `lines` are the same rows as COPY takes them, where it may.
    """

    incoming: Incoming
    numbers: Sequence[int]
    documents: Sequence[bytes]
    lines: copying.Lines | None = None

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
class Sifted:
    """Rows that were read, so many of them in all: the sound ones, and what is wrong with the others."""

    read: int
    faults: Sequence[RowFault]
    raw: dict[int, bytes]
    part: Part | None = None


@dataclass(slots=True)
class Loader:
    """One import. `unique` are the fields by which an upsert finds records."""

    call: Call
    on_error: OnError
    mode: Mode
    unique: tuple[str, ...]
    quarantine: Quarantine
    tally: Tally
    vain: int = field(default=0, init=False)

    async def run(self, conn: Connection, blocks: AsyncIterator[Block]) -> None:
        """Store every row. Raises what `tally.refuse` makes when a faulty row ends the import."""
        async with aclosing(ahead(self._sifted(blocks))) as found:
            async for sifted in found:
                self.tally.read += sifted.read
                await self._faulty(conn, sifted.faults, sifted.raw)
                if sifted.part is not None:
                    for part in self._without_repetitions(sifted.part):
                        await self._write(conn, part)
                elif not sifted.read:
                    # The sender is slow, and an idle transaction would be ended.
                    await conn.value("SELECT 1")
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
        table, is_create = self.call.table, self.mode is Mode.INSERT
        incoming, places, faults = table.codec.sift(documents, is_create=is_create)
        read = len(documents)
        found = [RowFault(numbers[one.index], one.field, one.message) for one in faults]
        raw = {numbers[one.index]: kept(documents[one.index]) for one in faults}
        if faults:
            numbers = [numbers[place] for place in places]
            documents = [documents[place] for place in places]
        lines = None
        if is_create and documents and self.vain < _VAIN and copying.is_copied(table):
            lines = copying.lines_of(table, incoming)
        return Sifted(read, found, raw, Part(incoming, numbers, documents, lines))

    def _without_repetitions(self, part: Part) -> Iterator[Part]:
        """An upsert may name a record twice, and the later row counts; one statement cannot."""
        if self.mode is Mode.INSERT:
            yield part
            return
        seen: set[object] = set()
        first = 0
        for place, row in enumerate(part.incoming.rows):
            key = tuple(comparable(self.call.table.codec.value(row, name)) for name in self.unique)
            if key in seen:
                yield part.cut(first, place)
                first = place
                seen.clear()
            seen.add(key)
        yield part.cut(first, len(part))

    async def _write(self, conn: Connection, part: Part) -> None:
        if part.lines is not None and await self._copy(conn, part, part.lines):
            return
        waiting = [part]
        attempts = 0
        while waiting:
            part = waiting.pop()
            if not len(part):
                continue
            try:
                async with conn.savepoint():
                    created = await self._attempt(conn, part)
            except Refused as refused:
                waiting += await self._refused(conn, part, refused)
            except _VALUES as error:
                waiting += await self._without_names(conn, part, db.translate(error), is_conflict=False)
            except _RULES:
                error = outside(self.call.table, self.call.limits)
                waiting += await self._without_names(conn, part, error, is_conflict=False)
            except asyncpg.DeadlockDetectedError:
                # The savepoint has given its locks back; the other one goes first.
                attempts += 1
                if attempts >= _ATTEMPTS:
                    raise
                waiting.append(part)
            except errors.PenstockError as error:
                if error.status not in (400, 404, 409) or isinstance(error, errors.Contended):
                    raise
                waiting += await self._named(conn, part, error)
            else:
                self.tally.created += created
                self.tally.updated += len(part) - created

    async def _copy(self, conn: Connection, part: Part, lines: copying.Lines) -> bool:
        """Whether that stored the rows; where it did not, a statement tells why."""
        assert self.call.grant.action == "record.write"
        try:
            async with conn.savepoint():
                if lines.has_keys:
                    await keys.advance(Autocommit(self.call.pool), self.call.table, part.incoming.rows)
                await copying.copy_in(conn, self.call.table, lines)
        except copying.REFUSED:
            self.vain += 1
            return False
        self.tally.created += len(part)
        return True

    async def _attempt(self, conn: Connection, part: Part) -> int:
        """Write these rows; how many of them are new."""
        table, runner = self.call.table, InTransaction(conn)
        # Moving a sequence is for good at once, and its lock must not last as long as this transaction.
        numbering = Autocommit(self.call.pool)
        incoming = part.incoming
        if self.mode is Mode.UPSERT:
            batch.require(
                table, incoming, self.unique, "This field tells records apart here and must be sent."
            )
            _, created = await merge(
                runner, table, self.call.grant, incoming, self.unique, numbering=numbering
            )
            return created
        assert self.call.grant.action == "record.write"
        source = keys.source_of_keys(table, incoming)
        if source is not Keys.GENERATED:
            await keys.advance(numbering, table, incoming.rows)
        group = batch.group(table, incoming, incoming.present[0], range(len(part)))
        await write(runner, group.statement(change.insert_sql(table, source, brief=True)), group=group)
        return len(part)

    async def _refused(self, conn: Connection, part: Part, refused: Refused) -> list[Part]:
        """What is left to try once a constraint has refused some rows of a part."""
        found = await refused_rows(conn, self.call.table, refused)
        is_conflict = isinstance(refused.error, asyncpg.UniqueViolationError)
        if found is None:
            error = await explain_here(conn, self.call.table, refused, is_list=False)
            return await self._without_names(conn, part, error, is_conflict=is_conflict)
        field = found.violation.fields[0]
        faults = [RowFault(part.numbers[place], field, found.message) for place in found.rows]
        return await self._set_apart(conn, part, found.rows, faults, is_conflict=is_conflict)

    async def _named(self, conn: Connection, part: Part, error: errors.PenstockError) -> list[Part]:
        """As `_refused`, for an error that says which rows."""
        is_conflict = isinstance(error, errors.Conflict)
        if not error.rows:
            return await self._without_names(conn, part, error, is_conflict=is_conflict)
        faults = [
            RowFault(part.numbers[row.index], name, message)
            for row in error.rows
            for name, messages in row.errors.items()
            for message in messages
        ]
        places = sorted({row.index for row in error.rows})
        return await self._set_apart(conn, part, places, faults, is_conflict=is_conflict)

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
