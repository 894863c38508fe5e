"""Running an authorized query on the login of its org, straight into a result file.

The driver works in a thread, batch by batch, so that memory does not grow with the answer; what goes on there is
stopped by cancelling it in the database.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries.models import AuthorizedQuery
from penstock.queries.results.models import StoredFile
from penstock.queries.results.reading import ResultFiles
from penstock.queries.results.writing import ResultWriter
from penstock.queries.run.driver import databases
from penstock.queries.run.fence import BEGIN, WHO
from penstock.queries.run.fetching import Fetched, fetched, has_unknown, statement
from penstock.queries.run.linking import Link, foreign_link, own_link
from penstock.queries.settings import QueriesSettings

_BATCH: Final = 2 * 1024 * 1024  # bytes
_LOOK: Final = 0.5  # seconds between two looks at how far it is
_GRACE: Final = 5.0  # seconds that PostgreSQL's own time limit is left to act first
_LETTING_GO: Final = 3.0
_SENTENCE: Final = re.compile(r"(?:ERROR|FATAL): +(?P<text>[^\n]*)")
_HINT: Final = re.compile(r"\nHINT: +(?P<text>[^\n]+)")
# Conditions of PostgreSQL that pass: lost connections, too many of them, shutting down, deadlocks.
_PASSING: Final = ("08", "53", "57P", "40")
TOO_LONG: Final = "Query exceeded the query execution time limit."
NO_DATA: Final = "Query completed but it returned no data."
_threads = ThreadPoolExecutor(32, thread_name_prefix="query")


class QueryFailed(errors.Terminal):
    """The database refused the query, or could not bring it to its end."""


class _Unknown(Exception):
    """A type is there that was not when the driver looked."""


class _Stopped(Exception):
    """Somebody wanted it stopped."""


@dataclass(slots=True)
class _State:
    """What the thread tells, and what it is told."""

    pid: int | None = None
    rows: int = 0
    connected: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class _Work:
    """What the thread needs."""

    query: AuthorizedQuery
    link: Link
    files: ResultFiles
    settings: QueriesSettings
    state: _State


async def execute(ctx: Context, query: AuthorizedQuery, told: Callable[[int], Awaitable[None]]) -> StoredFile:
    """Run it and store its answer. `told` hears the number of rows so far.

    Raises `QueryFailed` for what would fail again, `Transient` for what may not.
    """
    if query.source is not None and query.grant is not None:
        link = await foreign_link(ctx, query.grant, query.source, query.timeout)
    else:
        link = await own_link(ctx, query)
    work = _Work(query, link, ctx.get(ResultFiles), ctx.settings(QueriesSettings), _State())
    running = asyncio.get_running_loop().run_in_executor(_threads, _run, work)
    try:
        async with asyncio.timeout(query.timeout + _GRACE):
            while not running.done():
                await asyncio.wait((running,), timeout=_LOOK)
                await told(work.state.rows)
            return running.result()
    except TimeoutError:
        raise QueryFailed(TOO_LONG) from None
    finally:
        if not running.done():
            await _stop(link, work.state, running)


async def _stop(link: Link, state: _State, running: asyncio.Future[StoredFile]) -> None:
    """Have the database give it up; the second time by ending its session."""
    state.stopped.set()
    running.add_done_callback(_seen)
    for function in ("pg_cancel_backend", "pg_terminate_backend"):
        with suppress(asyncpg.PostgresError, OSError, TimeoutError):
            async with asyncio.timeout(_LETTING_GO):
                await _signal(link, function, state)
        await asyncio.wait((running,), timeout=_LETTING_GO)
        if running.done():
            return


async def _signal(link: Link, function: str, state: _State) -> None:
    """A login may end what it does itself, which needs no further right."""
    await asyncio.to_thread(state.connected.wait, _LETTING_GO)
    raw: Any = await asyncpg.connect(**link.arguments, timeout=_LETTING_GO, statement_cache_size=0)
    try:
        await raw.fetchval(f"SELECT pg_catalog.{function}($1)", state.pid)
    finally:
        await raw.close(timeout=1)


def _seen(running: asyncio.Future[StoredFile]) -> None:
    if not running.cancelled():
        running.exception()


def _run(work: _Work) -> StoredFile:
    from penstock.queries.run.adbc import dbapi as manager

    try:
        try:
            with _cursor(work) as cursor:
                return _read(cursor, work, known=False)
        except _Unknown:
            databases.forget(work.link.url)
            with _cursor(work) as cursor:
                return _read(cursor, work, known=True)
    except manager.Error as error:
        raise translated(error, is_stopped=work.state.stopped.is_set()) from error


@contextmanager
def _cursor(work: _Work) -> Generator[Any]:
    """A cursor of a connection of its own, in the transaction that the fence asks for."""
    from penstock.queries.run.adbc import dbapi as manager

    opened = databases.connect(work.link.url)
    with opened as connection, connection.cursor() as cursor:
        cursor.execute(BEGIN)
        cursor.execute(WHO)
        pid, began = cursor.fetchone()
        work.state.pid = pid
        work.state.connected.set()
        cursor.execute(work.link.admit(pid, began))
        cursor.fetchall()
        try:
            yield cursor
        finally:
            with suppress(manager.Error):
                # Or closing would read all that is left.
                cursor.adbc_cancel()


def _read(cursor: Any, work: _Work, *, known: bool) -> StoredFile:
    """`known`: what the driver knows of types is of this moment."""
    text = work.query.literal_sql
    schema = cursor.adbc_execute_schema(text)
    if not known and has_unknown(schema):
        raise _Unknown
    columns = fetched(schema, work.query.columns)
    if not columns:
        raise QueryFailed(NO_DATA)
    cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH)})
    cursor.execute(statement(text, columns))
    # Arrow's own reader would tell an error of PostgreSQL without its code.
    return _store(cursor._results.reader, columns, work)


def _store(reader: Any, columns: list[Fetched], work: _Work) -> StoredFile:
    settings = work.settings
    with ResultWriter(
        work.files.objects,
        [one.column for one in columns],
        [one.type for one in reader.schema],
        most_rows=settings.result_rows,
        most_bytes=settings.result_bytes,
    ) as writer:
        for batch in reader:
            if work.state.stopped.is_set():
                raise _Stopped
            if not writer.write(batch.columns):
                break
            work.state.rows = int(writer.rows)
        return writer.finish()


def translated(error: Any, *, is_stopped: bool) -> Exception:
    """What goes on in the database, as an error of ours."""
    code: str = getattr(error, "sqlstate", None) or ""
    if is_stopped:
        return _Stopped()
    if code == "57014":
        return QueryFailed(TOO_LONG)
    if not code or code.startswith(_PASSING):
        return errors.Transient("The database went away while the query ran; it is tried again.")
    return QueryFailed(_sentence(str(error)))


def _sentence(text: str) -> str:
    """What PostgreSQL says, without the lines of the statement, which is not the one that the user wrote."""
    found = _SENTENCE.search(text)
    sentence = found["text"].strip() if found else text.partition("\n")[0]
    hint = _HINT.search(text)
    sentence = f"{sentence[:1].upper()}{sentence[1:]}".rstrip(".") + "."
    return f"{sentence} {hint['text'].strip()}" if hint else sentence
