"""Where each table of a query comes from: ways to its rows, which a thread then reads batch by batch."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from penstock import connectors
from penstock.connectors import CheckFailed
from penstock.identity import Grant
from penstock.kit import errors, sql
from penstock.kit.context import Context
from penstock.queries.engine.holding import Hold
from penstock.queries.engine.mysql import MySqlRows
from penstock.queries.engine.postgres import PostgresRows
from penstock.queries.models import AuthorizedQuery, Input, OwnRows, QueryRows, SourceTable
from penstock.queries.results.models import StoredFile
from penstock.queries.results.reading import ResultFiles
from penstock.queries.results.writing import KIND
from penstock.queries.run.linking import foreign_link, opened, own_link
from penstock.queries.run.systems import MYSQL, POSTGRESQL
from penstock.tables import Documents

Answers = Callable[[QueryRows], Awaitable[StoredFile]]
# How the JSON of a field comes, and what its texts are.
_KINDS: Final = {"number": b"decimal", "date": b"date", "datetime": b"datetime", "time": b"time"}
_PLAIN: Final = frozenset(
    {
        "integer",
        "year",
        "boolean",
        "number",
        "string",
        "uuid",
        "date",
        "datetime",
        "time",
        "duration",
        "yearmonth",
    }
)
_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class Rows(Protocol):
    """Rows that somebody has. `batches` blocks, and gives at least one, which may be empty."""

    def batches(self, hold: Hold) -> Iterator[Any]: ...


async def rows_of(ctx: Context, query: AuthorizedQuery, given: Input, answers: Answers) -> Rows:
    """Raises `Terminal` or `Transient`."""
    origin = given.origin
    if isinstance(origin, OwnRows):
        return PostgresRows(await own_link(ctx, query), origin.select, given)
    if isinstance(origin, Documents):
        return _DocumentRows(ctx, asyncio.get_running_loop(), origin, given, query.timeout)
    if isinstance(origin, QueryRows):
        return _ResultRows(ctx.get(ResultFiles), await answers(origin), given)
    assert query.grant is not None
    return await _foreign(ctx, query.grant, origin, given, query.timeout)


async def _foreign(ctx: Context, grant: Grant, origin: SourceTable, given: Input, seconds: float) -> Rows:
    source, parts = origin.source, origin.parts
    if source.provider == POSTGRESQL:
        link = await foreign_link(ctx, grant, source, seconds)
        name = ".".join(sql.identifier(one) for one in parts)
        return PostgresRows(link, f"SELECT * FROM {name}", given)  # noqa: S608  (quoted)
    settings, secrets = await opened(ctx, grant, source)
    reach = connectors.reach_of(ctx, grant.principal)
    wanted = None if given.columns is None else _Names(given.columns)
    try:
        if source.provider == MYSQL:
            address = await connectors.mysql.address_of(settings, secrets, reach)
            return MySqlRows(address, seconds, parts=parts, wanted=given)
        if source.provider == "sqlite":
            path = connectors.located(settings.path, reach)
            return _FileRows(lambda: connectors.sqlite_file.read(path, parts[0], wanted))
        if source.provider == "duckdb":
            path = connectors.located(settings.path, reach)
            return _FileRows(lambda: connectors.duckdb_file.read(path, parts, wanted))
        kind: Any = connectors.csv_files if source.provider == "csv" else connectors.parquet_files
        files = {one.name: one for one in await kind.tables(settings, secrets, reach)}
    except CheckFailed as error:
        raise errors.Terminal(str(error)) from error
    file = files.get(parts[0])
    if file is None:
        hint = errors.nearest(parts[0], sorted(files)) or ""
        raise errors.Terminal(f"There is no table '{parts[0][:80]}' in '{source.name}'. {hint}".rstrip())
    return _FileRows(lambda: kind.read(file, settings, wanted))


@dataclass(frozen=True, slots=True)
class _Names:
    """Columns by name, whatever their capitals."""

    names: frozenset[str]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.names


@dataclass(frozen=True, slots=True)
class _FileRows:
    read: Callable[[], Iterator[Any]]

    def batches(self, hold: Hold) -> Iterator[Any]:
        yield from self.read()


@dataclass(frozen=True, slots=True)
class _ResultRows:
    """A stored result."""

    files: ResultFiles
    file: StoredFile
    wanted: Input

    def batches(self, hold: Hold) -> Iterator[Any]:
        import pyarrow as pa

        schema = self.files.schema_of(self.file)
        names = [one for one in schema.names if self._is_wanted(one)] or schema.names[:1]
        chosen = [schema.names.index(one) for one in names]
        plain = pa.schema([schema.field(one).with_name(_plain(schema.field(one).name)) for one in chosen])
        yield pa.RecordBatch.from_pylist([], plain)
        for batch in self.files.every(self.file):
            yield pa.RecordBatch.from_arrays([batch.column(one) for one in chosen], schema=plain)

    def _is_wanted(self, name: str) -> bool:
        return self.wanted.columns is None or _plain(name).lower() in self.wanted.columns


def _plain(name: str) -> str:
    """As the dashboard dialect names a column of a query that is read from."""
    return "".join("_" if one in ':."' or one.isspace() else one for one in name)


@dataclass(frozen=True, slots=True)
class _DocumentRows:
    """Rows of a table in MongoDB, whose driver lives on the loop."""

    ctx: Context
    loop: asyncio.AbstractEventLoop
    documents: Documents
    wanted: Input
    seconds: float

    def batches(self, hold: Hold) -> Iterator[Any]:
        import pyarrow as pa

        types = self.documents.types
        wanted = self.wanted.columns
        names = [one for one in types if wanted is None or one.lower() in wanted] or list(types)[:1]
        fields = [_field(one, types[one]) for one in names]
        schema = pa.schema(fields)
        yield pa.RecordBatch.from_pylist([], schema)
        conditions = [
            (one.column, one.operator, one.value) for one in self.wanted.conditions if one.column in types
        ]
        pieces = self.documents.pieces(self.ctx, names, conditions, self.seconds)
        try:
            while (piece := self._next(pieces)) is not None:
                hold.check()
                yield _batch(piece, schema, [types[one] for one in names])
        finally:
            asyncio.run_coroutine_threadsafe(pieces.aclose(), self.loop).result(5)

    def _next(self, pieces: AsyncGenerator[list[str]]) -> list[str] | None:
        async def following() -> list[str] | None:
            return await anext(pieces, None)

        return asyncio.run_coroutine_threadsafe(following(), self.loop).result(self.seconds)


def _field(name: str, kind: str) -> Any:
    import pyarrow as pa

    arrow = {"integer": pa.int64(), "year": pa.int64(), "boolean": pa.bool_()}.get(kind, pa.string())
    said = _KINDS.get(kind) or (b"" if kind in _PLAIN else b"json")
    return pa.field(name, arrow, metadata={KIND: said} if said else None)


def _batch(piece: list[str], schema: Any, kinds: list[str]) -> Any:
    import pyarrow as pa

    rows = [_decoder.decode(one) for one in piece]
    if not rows:
        return pa.RecordBatch.from_pylist([], schema)
    arrays = [
        pa.array([_value(bytes(one), kind) for one in values], type=field.type)
        for values, field, kind in zip(zip(*rows, strict=True), schema, kinds, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _value(raw: bytes, kind: str) -> Any:
    if raw == b"null":
        return None
    if kind == "number":
        return f"{Decimal(raw.decode()):f}"
    return msgspec.json.decode(raw) if kind in _PLAIN else raw.decode()
