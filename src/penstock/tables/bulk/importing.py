"""One import, from the body of its request to the commit.

Into PostgreSQL rows go as they come. MongoDB lets no transaction last as long as a sender may be slow, so for its
tables the file is kept first; it can then be read again when another request was in the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from penstock.identity import audit
from penstock.kit import errors
from penstock.kit.streaming import Streams, ahead
from penstock.tables.bulk.body import blocks, pieces, reading, spool
from penstock.tables.bulk.csv import CsvReader
from penstock.tables.bulk.load import Loader
from penstock.tables.bulk.ndjson import NdjsonReader
from penstock.tables.bulk.options import Format, ImportOptions, Mode
from penstock.tables.bulk.part import Target
from penstock.tables.bulk.postgres import PostgresTarget
from penstock.tables.bulk.quarantine import Quarantine
from penstock.tables.bulk.rows import Block
from penstock.tables.bulk.tally import Tally
from penstock.tables.models import ProviderType
from penstock.tables.providers import mongodb
from penstock.tables.records.call import Call
from penstock.tables.records.matching import unique_fields
from penstock.tables.records.upsert import has_unique_index
from penstock.tables.settings import TablesSettings

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_ATTEMPTS = 3
_PARQUET = ("a Parquet import", "Send it in parts, or as CSV or NDJSON, which may have any size.")
_KEPT = ("an import into MongoDB", "Send it in parts.")


@contextmanager
def in_time() -> Generator[None]:
    """A stream cannot be planned anew, as other requests are, when its table changes."""
    try:
        yield
    except errors.Outdated as error:
        raise errors.Conflict("The table was changed meanwhile; nothing was done. Send it again.") from error


def unique_of(table: Table, options: ImportOptions) -> tuple[str, ...]:
    """The fields by which rows find records. Raises `Invalid` without a unique index over them."""
    if options.mode is Mode.INSERT:
        return ()
    names = unique_fields(table, options.unique_fields)
    if not has_unique_index(table, names):
        message = f"The table has no unique index over {', '.join(names)}, which this import needs."
        raise errors.Invalid({"unique_fields": [message]})
    return names


@dataclass(frozen=True, slots=True)
class Import:
    """What is to be imported, and how far it is."""

    call: Call
    options: ImportOptions
    settings: TablesSettings
    unique: tuple[str, ...]
    tally: Tally

    async def run(self) -> Mapping[str, Any]:
        """Store the rows of the body; the answer."""
        with self.call.ctx.get(Streams).one(), in_time():
            async with aclosing(pieces(self.call.request, self.settings.bulk_patience)) as body:
                if self.call.table.provider is ProviderType.MONGODB:
                    await self._keep(body)
                else:
                    await self._rows(body)
        return self.tally.answer()

    async def _rows(self, body: AsyncGenerator[bytes]) -> None:
        async with self._blocks(body) as source:
            # Nothing is held before there are rows to write.
            first = await anext(source, None)
            async with self.call.pool.transaction() as conn:
                if first is not None:
                    target = PostgresTarget(self.call, self.options.mode, self.unique)
                    await self._loader(target).run(conn, _after(first, source))
                if self.call.table.is_audited:
                    await self._audit(conn)

    async def _keep(self, body: AsyncGenerator[bytes]) -> None:
        engine = mongodb.load_engine()
        records = await engine.open_records(self.call.ctx, self.call.grant, self.call.table)
        await records.require_transactions()
        scratch = self.call.ctx.scratch
        with await spool(body, scratch, self.settings.spool_limit, *_KEPT) as file:
            for attempt in range(_ATTEMPTS):
                try:
                    await self._documents(records, file, again=attempt > 0)
                except errors.Contended:
                    if attempt == _ATTEMPTS - 1:
                        raise
                    self.tally.begin_again()
                else:
                    return

    async def _documents(self, records: Any, file: IO[bytes], *, again: bool) -> None:
        # What is in quarantine is committed last: should the server die in between, the records are there, and the
        # sender, who has no answer, has the file.
        async with self.call.pool.transaction() as conn:

            async def work(target: Target) -> None:
                async with aclosing(reading(file)) as body, self._blocks(body, file) as source:
                    await self._loader(target).run(conn, source)

            await records.load(self.unique, work, again=again)

    def _loader(self, target: Target) -> Loader:
        call, options, settings = self.call, self.options, self.settings
        most, days = settings.quarantine_rows, settings.quarantine_days
        kept = Quarantine(call.grant, call.table.definition, options, most, days)
        codec = call.table.codec
        return Loader(codec, options.on_error, options.mode, self.unique, kept, self.tally, target)

    @asynccontextmanager
    async def _blocks(
        self, body: AsyncGenerator[bytes], file: IO[bytes] | None = None
    ) -> AsyncGenerator[AsyncGenerator[Block]]:
        """The rows, the next ones being read while the last are written; `file` has the whole body, if it is kept."""
        async with (
            aclosing(self._read(body, file)) as rows,
            # Closed first: nothing else may close the rows while the next ones are being made.
            aclosing(ahead(rows)) as source,
        ):
            yield source

    async def _read(self, body: AsyncGenerator[bytes], file: IO[bytes] | None) -> AsyncGenerator[Block]:
        schema, options = self.call.table.schema, self.options
        if options.format is Format.PARQUET:
            if file is not None:
                async for block in _parquet(file, schema):
                    yield block
                return
            with await spool(body, self.call.ctx.scratch, self.settings.spool_limit, *_PARQUET) as kept:
                async for block in _parquet(kept, schema):
                    yield block
            return
        is_csv = options.format is Format.CSV
        reader = CsvReader(schema, options.delimiter, options.nulls) if is_csv else NdjsonReader()
        async for block in blocks(body, reader):
            yield block

    async def _audit(self, conn: Any) -> None:
        definition = self.call.table.definition
        detail = {name: value for name, value in self.tally.counts().items() if name != "seconds"}
        await audit.record(
            conn, self.call.principal, "record.import", "data_table", definition.id, definition.name, detail
        )


async def _parquet(file: IO[bytes], schema: Any) -> AsyncGenerator[Block]:
    from penstock.tables.bulk.parquet import blocks_of  # noqa: PLC0415  (large)

    await asyncio.to_thread(file.seek, 0)
    found = blocks_of(file, schema)
    while (block := await asyncio.to_thread(next, found, None)) is not None:
        yield block


async def _after(first: Block, others: AsyncGenerator[Block]) -> AsyncGenerator[Block]:
    yield first
    async for block in others:
        yield block
