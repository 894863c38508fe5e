"""Rows that a MySQL or MariaDB has, batch by batch, in a transaction that only reads."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from penstock.connectors import CheckFailed
from penstock.connectors import mysql as system
from penstock.queries.engine.holding import Hold
from penstock.queries.models import Condition, Input
from penstock.queries.results.writing import KIND

_ROWS: Final = 5_000
_INTEGERS: Final = frozenset({1, 2, 3, 8, 9, 13})
_DECIMALS: Final = frozenset({0, 246})
_FLOATS: Final = frozenset({4, 5})
_TEXTS: Final = frozenset({15, 247, 248, 249, 250, 251, 252, 253, 254})
_TIMESTAMP, _DATE, _DATETIME, _BIT, _JSON, _GEOMETRY = 7, 10, 12, 16, 245, 255
_BINARY: Final = 63  # the character set of bytes
_UNSIGNED: Final = 32
_INTERRUPTED: Final = frozenset({1317, 1969, 3024})


class TooLong(Exception):
    """The server gave it up after the time it was given."""


@dataclass(frozen=True, slots=True)
class MySqlRows:
    """The rows of a statement, or of a table the columns and rows that an input asks for."""

    address: system.MySqlAddress
    seconds: float
    statement: str = ""
    parts: tuple[str, ...] = ()
    wanted: Input | None = None

    def batches(self, hold: Hold) -> Iterator[Any]:
        """Raises `CheckFailed`, or `TooLong`."""
        import pymysql

        with self._connected() as connection:
            pid = connection.thread_id()
            try:
                with hold.stopping(lambda: self._kill(pid)):
                    yield from self._rows(connection, hold)
            except pymysql.err.MySQLError as error:
                if error.args and error.args[0] in _INTERRUPTED:
                    raise TooLong from error
                raise CheckFailed(f"{system.reason(error)}.") from error

    @contextmanager
    def _connected(self) -> Generator[Any]:
        from pymysql.converters import encoders

        # Without decoders, values come as they are written.
        with self.address.connected(read_timeout=self.seconds + 5, conv=dict(encoders)) as connection:
            with connection.cursor() as cursor:
                if "mariadb" in connection.get_server_info().lower():
                    cursor.execute(f"SET SESSION max_statement_time = {self.seconds:f}")
                else:
                    cursor.execute(f"SET SESSION max_execution_time = {max(1, int(self.seconds * 1000))}")
            yield connection

    def _kill(self, pid: int) -> None:
        with self.address.connected() as other, other.cursor() as cursor:
            cursor.execute(f"KILL QUERY {int(pid)}")

    def _rows(self, connection: Any, hold: Hold) -> Iterator[Any]:
        import pyarrow as pa
        from pymysql.cursors import SSCursor

        text = self.statement or self._selecting(connection)
        with connection.cursor(SSCursor) as cursor:
            cursor.execute(text)
            columns = [_Column(one) for one in cursor._result.fields]
            schema = pa.schema([one.field for one in columns])
            yield pa.RecordBatch.from_pylist([], schema)
            while rows := cursor.fetchmany(_ROWS):
                hold.check()
                arrays = [
                    one.array(values) for one, values in zip(columns, zip(*rows, strict=True), strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _selecting(self, connection: Any) -> str:
        table = ".".join(_quoted(one) for one in self.parts)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608  (quoted)
            every = [_Column(one) for one in cursor._result.fields]
        wanted = self.wanted
        chosen = [
            one
            for one in every
            if wanted is None or wanted.columns is None or one.name.lower() in wanted.columns
        ] or every[:1]
        names = ", ".join(_quoted(one.name) for one in chosen)
        where = _where(every, () if wanted is None else wanted.conditions)
        return f"SELECT {names} FROM {table}{where}"  # noqa: S608  (quoted)


def _where(every: Sequence[_Column], conditions: Sequence[Condition]) -> str:
    """The conditions on numbers; of texts, more are alike there than here, and those are kept out later."""
    by_name = {one.name: one for one in every}
    found: list[str] = []
    for one in conditions:
        column = by_name.get(one.column)
        if column is not None and column.is_number and isinstance(one.value, Decimal):
            found.append(f"{_quoted(column.name)} {one.operator} {one.value:f}")
    return f" WHERE {' AND '.join(found)}" if found else ""


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


class _Column:
    """A column of an answer, whose values come as the server writes them."""

    def __init__(self, described: Any) -> None:
        import pyarrow as pa

        self.name: str = described.name
        code = described.type_code
        self.is_number = code in _INTEGERS | _DECIMALS | _FLOATS
        self._convert: Callable[[str], Any] | None = None
        self._through: Any = None
        self.kind = b""
        if code in _INTEGERS:
            self.type = pa.uint64() if code == 8 and described.flags & _UNSIGNED else pa.int64()
            self._convert = int
        elif code in _FLOATS:
            self.type, self._convert = pa.float64(), float
        elif code in _DECIMALS:
            self.type, self.kind = pa.string(), b"decimal"
        elif code == _DATE:
            self.type, self._convert, self._through = pa.date32(), _day, pa.string()
        elif code in (_DATETIME, _TIMESTAMP):
            self.type = pa.timestamp("us", "UTC" if code == _TIMESTAMP else None)
            self._convert, self._through = _day, pa.string()
        elif code == _BIT:
            self.type, self._convert = pa.uint64(), _bits
        elif code == _JSON:
            self.type, self.kind = pa.string(), b"json"
        elif code == _GEOMETRY or (code in _TEXTS and described.charsetnr == _BINARY):
            self.type, self._convert = pa.binary(), _bytes
        else:
            self.type = pa.string()

    @property
    def field(self) -> Any:
        import pyarrow as pa

        return pa.field(self.name, self.type, metadata={KIND: self.kind} if self.kind else None)

    def array(self, values: Sequence[Any]) -> Any:
        import pyarrow as pa

        convert = self._convert or _text
        try:
            found = [None if one is None else convert(one) for one in values]
            if self._through is None:
                return pa.array(found, type=self.type)
            made = pa.array(found, type=self._through)
            return (
                made.cast(pa.timestamp("us")).cast(self.type)
                if _has_zone(self.type)
                else made.cast(self.type)
            )
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise CheckFailed(f"A value of column '{self.name[:80]}' cannot be read.") from error


def _has_zone(kind: Any) -> bool:
    return getattr(kind, "tz", None) is not None


def _day(value: Any) -> str | None:
    """Day zero is no day."""
    text = _text(value)
    return None if text.startswith("0000-00-00") else text


def _text(value: Any) -> str:
    return value.decode("utf-8", "strict") if isinstance(value, bytes) else value


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _bits(value: Any) -> int:
    return int.from_bytes(_bytes(value), "big")
