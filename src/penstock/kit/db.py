"""PostgreSQL: two pools, the transaction, and SQLSTATEs as errors of ours.

`control` logs in as the role that owns metadata and user tables, `data` as the one that reads and writes
records and owns nothing. Pooled connections never carry session state, which is why they need no reset.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql import ClauseElement

from penstock.kit import errors
from penstock.kit.shelf import Kept, Shelf

_DIALECT = PGDialect_asyncpg()
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    # What the driver says when a connection broke off in the middle of something.
    asyncpg.InternalClientError,
    asyncpg.TooManyConnectionsError,
    OSError,
    TimeoutError,
)
# What a statement meets when its table has changed since it was put together.
_OUTDATED = (
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.DatatypeMismatchError,
    asyncpg.InvalidColumnReferenceError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
Row = asyncpg.Record


@dataclass(frozen=True, slots=True)
class Login:
    """Where and as whom to connect. `host` is a name, an address or a socket directory."""

    host: str
    port: int
    user: str
    password: str
    database: str
    ssl: str | None = None

    def arguments(self) -> dict[str, Any]:
        given = {"host": self.host, "port": self.port, "user": self.user, "database": self.database}
        if self.ssl:
            given["ssl"] = self.ssl
        return {**given, "password": self.password}


class Connection:
    """A connection inside a transaction; takes SQLAlchemy Core statements or SQL text with `$n` values."""

    __slots__ = ("broken_off", "raw", "told")

    def __init__(self, raw: Any) -> None:
        self.raw: Final = raw
        self.broken_off = False
        self.told: Final[list[tuple[str, str]]] = []

    async def rows(self, statement: ClauseElement | str, *values: Any) -> list[Row]:
        sql, values = _compiled(statement, values)
        return await self.raw.fetch(sql, *values)

    async def row(self, statement: ClauseElement | str, *values: Any) -> Row | None:
        sql, values = _compiled(statement, values)
        return await self.raw.fetchrow(sql, *values)

    async def value(self, statement: ClauseElement | str, *values: Any) -> Any:
        sql, values = _compiled(statement, values)
        return await self.raw.fetchval(sql, *values)

    async def execute(self, statement: ClauseElement | str, *values: Any) -> int:
        """Run it and give the number of rows it touched (0 for statements that touch none)."""
        sql, values = _compiled(statement, values)
        status: str = await self.raw.execute(sql, *values)
        last = status.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0

    async def notify(self, channel: str, payload: str) -> None:
        """Tell every process, when this transaction commits."""
        await self.raw.execute("SELECT pg_notify($1, $2)", channel, payload)
        self.told.append((channel, payload))

    def break_off(self) -> None:
        """Leave what is going on in the middle, with the connection itself; the transaction ends with it."""
        self.broken_off = True
        self.raw.terminate()

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        async with self.raw.transaction():
            yield


class Pool:
    """A pool of one role's connections."""

    def __init__(self, login: Login, *, size: int, behind_pooler: bool = False, json: bool = False) -> None:
        self.login = login
        self._size = size
        self._behind_pooler = behind_pooler
        self._json = json
        self._pool: Any = None
        self._shelf: Any = None
        # Called with what a transaction has notified once it is committed: this process hears of its own
        # changes before it answers, the others when LISTEN brings them.
        self.hear: Callable[[str, str], None] | None = None

    async def open(self) -> None:
        # A transaction pooler hands each transaction another connection, so named statements would be missing there.
        self._pool = await asyncpg.create_pool(
            **self.login.arguments(),
            min_size=1,
            max_size=self._size,
            init=_use_json if self._json else None,
            reset=_no_reset,
            statement_cache_size=0 if self._behind_pooler else 500,
            max_cached_statement_lifetime=0,
            max_queries=2**31,  # a connection is as good after many queries as before
            command_timeout=None,
            timeout=10,
        )
        self._shelf = Shelf(self._pool, self._size)

    async def close(self) -> None:
        if self._pool is None:
            return
        try:
            await self._shelf.close()
            async with asyncio.timeout(10):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(self, *, isolation: str | None = None) -> AsyncGenerator[Connection]:
        """One transaction, committed on leaving, rolled back by any exception; database errors come out translated."""
        try:
            async with self._lent() as kept:
                connection = Connection(kept.raw)
                around = kept.raw.transaction(isolation=isolation)
                await around.start()
                try:
                    yield connection
                except BaseException:
                    if not connection.broken_off:
                        await around.rollback()
                    raise
                if not connection.broken_off:
                    await around.commit()
        except (asyncpg.PostgresError, *_LOST) as error:
            raise translate(error) from error
        if self.hear:
            for channel, payload in connection.told:
                self.hear(channel, payload)

    async def single(self, sql: str, values: Sequence[Any], *, repeatable: bool) -> Row | None:
        """The one row of one statement, which is a transaction of its own.

        Whoever says `repeatable` (a read) has it run once more when the connection was lost. Violations of
        constraints come out as the driver's errors, since only the caller knows the fields.
        """
        for last in (False, True) if repeatable else (True,):
            try:
                return await self._row(sql, values)
            except _LOST as error:
                if last or isinstance(error, TimeoutError):
                    raise translate(error) from error
                await asyncio.sleep(0.2)
            except asyncpg.IntegrityConstraintViolationError:
                raise
            except asyncpg.PostgresError as error:
                raise translate(error) from error
        raise AssertionError("unreachable")

    async def _row(self, sql: str, values: Sequence[Any]) -> Row | None:
        kept = await self._shelf.take()
        try:
            if self._behind_pooler:
                async with kept.raw.transaction():
                    row = await kept.raw.fetchrow(sql, *values)
            else:
                row = await kept.row(sql, values)
        except BaseException:
            await self._shelf.drop(kept)
            raise
        await self._shelf.give(kept)
        return row

    @asynccontextmanager
    async def _lent(self) -> AsyncGenerator[Kept]:
        kept = await self._shelf.take()
        try:
            yield kept
        except BaseException:
            await self._shelf.drop(kept)
            raise
        await self._shelf.give(kept)


class Scoped(Pool):
    """A pool each of whose transactions begins with a setting, which ends with it."""

    def __init__(self, pool: Pool, setting: str, value: str) -> None:
        super().__init__(pool.login, size=0)
        self._inner = pool
        self._setting = setting
        self._value = value

    @asynccontextmanager
    async def transaction(self, *, isolation: str | None = None) -> AsyncGenerator[Connection]:
        async with self._inner.transaction(isolation=isolation) as conn:
            await conn.value("SELECT set_config($1, $2, true)", self._setting, self._value)
            yield conn

    async def single(self, sql: str, values: Sequence[Any], *, repeatable: bool) -> Row | None:
        for last in (False, True) if repeatable else (True,):
            try:
                return await self._once(sql, values)
            except errors.Unavailable:
                if last:
                    raise
                await asyncio.sleep(0.2)
            except _Violated as violated:
                raise violated.error from violated
        raise AssertionError("unreachable")

    async def _once(self, sql: str, values: Sequence[Any]) -> Row | None:
        async with self.transaction() as conn:
            try:
                return await conn.row(sql, *values)
            except asyncpg.IntegrityConstraintViolationError as error:
                raise _Violated(error) from error


class _Violated(Exception):
    """Takes a violation past the translation of errors."""

    def __init__(self, error: asyncpg.IntegrityConstraintViolationError) -> None:
        super().__init__(str(error))
        self.error: Any = error


class Database:
    """What a process holds of its database."""

    def __init__(self, control: Pool, data: Pool, *, direct: Login) -> None:
        self.control = control
        self.data = data
        # LISTEN needs a session of its own: never through a transaction pooler.
        self.direct = direct

    async def open(self) -> None:
        await self.control.open()
        await self.data.open()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Connection]:
        """A session of its own as the owner, past any pooler: for what takes long or cannot be in a transaction.

        It knows no time limits. Its statement ends soon after this process does. Errors come out as the driver's.
        """
        raw: Any = await asyncpg.connect(**self.direct.arguments(), timeout=10, statement_cache_size=0)
        try:
            await raw.execute("SET statement_timeout = 0; SET client_connection_check_interval = '2s'")
            yield Connection(raw)
            await raw.close(timeout=5)
        finally:
            raw.terminate()

    async def close(self) -> None:
        await self.data.close()
        await self.control.close()


def translate(error: Exception) -> errors.PenstockError:  # noqa: PLR0911  (a table, one row a return)
    """The error of ours for one of the driver's. Who knows the fields names violations of constraints."""
    match error:
        case asyncpg.QueryCanceledError():
            return errors.GatewayTimeout(
                hint="Narrow the request, or add an index for what it filters and sorts by."
            )
        case asyncpg.DeadlockDetectedError() | asyncpg.SerializationError() | asyncpg.LockNotAvailableError():
            return errors.Contended()
        case asyncpg.UniqueViolationError():
            return errors.Conflict("A row with the same key exists already.")
        case asyncpg.SequenceGeneratorLimitExceededError():
            return errors.BadRequest("The table has given out the last key that its type has.")
        case asyncpg.ProgramLimitExceededError():
            # Names of indexes are ours, and mean nothing to callers.
            reason = summary(error).partition(" for index ")[0]
            return errors.BadRequest(
                f"A value is too large: {reason}.", hint="Indexed values have at most about 2,700 bytes."
            )
        case asyncpg.InsufficientPrivilegeError() if "row-level security" in str(error):
            return errors.RowRefused()
        case asyncpg.DataError() | asyncpg.IntegrityConstraintViolationError():
            return errors.BadRequest(f"The database refused a value: {summary(error)}.")
        case asyncpg.InsufficientResourcesError():
            return errors.Unavailable("The database is short of resources; try again shortly.")
        case asyncpg.PostgresError() if isinstance(error, _OUTDATED):
            return errors.Outdated()
        case asyncpg.PostgresError() if not isinstance(error, _LOST):
            return errors.Internal()
        case _:
            return errors.Unavailable("The database cannot be reached; try again shortly.")


def summary(error: Exception) -> str:
    """The first line of what the driver says: the lines after it may quote rows."""
    return str(error).partition("\n")[0].rstrip(".")


def connection_lost(error: BaseException) -> bool:
    """True for what a restarted or unreachable server looks like."""
    return isinstance(error, _LOST)


def _compiled(statement: ClauseElement | str, values: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    if isinstance(statement, str):
        return statement, values
    compiled: Any = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    parameters = compiled.construct_params()
    return str(compiled), tuple(parameters[name] for name in compiled.positiontup or ())


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _no_reset(_: Any) -> None:
    return None


async def _use_json(raw: Any) -> None:
    """`jsonb` becomes Python values; `json` stays the text that was sent."""
    await raw.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_json_text,
        decoder=msgspec.json.decode,
    )
