"""Running what another system than our PostgreSQL answers: DuckDB over its inputs, or a foreign system, whole."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from penstock import connectors
from penstock.connectors import CheckFailed
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries.engine import duck
from penstock.queries.engine.holding import Hold
from penstock.queries.engine.inputs import Answers, Rows, rows_of
from penstock.queries.engine.mysql import MySqlRows, TooLong
from penstock.queries.engine.watching import watched
from penstock.queries.models import AuthorizedQuery
from penstock.queries.results.foreign import Foreign, Unreadable
from penstock.queries.results.models import StoredFile
from penstock.queries.results.reading import ResultFiles
from penstock.queries.results.writing import ResultWriter
from penstock.queries.run.execute import NO_DATA, TOO_LONG, QueryFailed, translated
from penstock.queries.run.linking import opened
from penstock.queries.settings import QueriesSettings

_GRACE: Final = 5.0  # seconds that the time limit of a foreign system is left to act first


async def execute_engine(
    ctx: Context, query: AuthorizedQuery, told: Callable[[int], Awaitable[None]], answers: Answers
) -> StoredFile:
    """DuckDB over the inputs. Raises as `execute` does."""
    assert query.inputs is not None
    rows = [(one.name, await rows_of(ctx, query, one, answers)) for one in query.inputs]
    scratch = ctx.scratch or Path(tempfile.gettempdir())
    files, settings = ctx.get(ResultFiles), ctx.settings(QueriesSettings)
    hold = Hold()

    def work() -> StoredFile:
        with duck.opened(scratch, settings, hold) as engine:
            for name, one in rows:
                engine.load(name, one.batches(hold))
            schema, batches = engine.run(query.literal_sql)
            return _store(schema, batches, files, settings, hold)

    return await _finished(work, hold, query.timeout, told)


async def execute_mysql(
    ctx: Context, query: AuthorizedQuery, told: Callable[[int], Awaitable[None]]
) -> StoredFile:
    """The statement as it is, there."""
    assert query.source is not None and query.grant is not None
    settings, secrets = await opened(ctx, query.grant, query.source)
    try:
        address = await connectors.mysql.address_of(
            settings, secrets, connectors.reach_of(ctx, query.grant.principal)
        )
    except CheckFailed as error:
        raise QueryFailed(str(error)) from error
    rows: Rows = MySqlRows(address, query.timeout, statement=query.literal_sql)
    files, limits = ctx.get(ResultFiles), ctx.settings(QueriesSettings)
    hold = Hold()

    def work() -> StoredFile:
        batches = rows.batches(hold)
        first = next(batches)
        return _store(first.schema, batches, files, limits, hold)

    return await _finished(work, hold, query.timeout + _GRACE, told)


async def _finished(
    work: Callable[[], StoredFile], hold: Hold, seconds: float, told: Callable[[int], Awaitable[None]]
) -> StoredFile:
    try:
        return await watched(lambda: _explained(work, hold), hold, seconds, told)
    except TimeoutError:
        raise QueryFailed(TOO_LONG) from None


def _explained(work: Callable[[], StoredFile], hold: Hold) -> StoredFile:
    from penstock.queries.run.adbc import dbapi as manager

    try:
        return work()
    except TooLong as error:
        raise QueryFailed(TOO_LONG) from error
    except (CheckFailed, Unreadable, duck.Refused) as error:
        hold.check()
        raise QueryFailed(str(error)) from error
    except errors.PenstockError as error:
        raise QueryFailed(error.message) from error
    except manager.Error as error:
        raise translated(error, is_stopped=hold.is_stopped) from error


def _store(
    schema: Any, batches: Iterator[Any], files: ResultFiles, settings: QueriesSettings, hold: Hold
) -> StoredFile:
    foreign = Foreign(schema)
    if not foreign.columns:
        raise QueryFailed(NO_DATA)
    with ResultWriter(
        files.objects,
        foreign.columns,
        foreign.types,
        most_rows=settings.result_rows,
        most_bytes=settings.result_bytes,
    ) as writer:
        for batch in batches:
            hold.check()
            if not writer.write(foreign.arrays(batch)):
                break
            hold.rows = writer.rows
        return writer.finish()
