"""One DuckDB for one query: tables are put into it, and a statement is run that reaches nothing but them."""

# pyright: basic
# pyarrow and DuckDB are used without their types.

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from penstock.kit import errors, sql
from penstock.queries.engine.holding import Hold
from penstock.queries.results.writing import KIND
from penstock.queries.settings import QueriesSettings

_ROWS: Final = 16_384
_DIGITS: Final = 38
# As PostgreSQL has it.
_SETTINGS: Final = (
    "SET enable_external_access = false",
    "SET TimeZone = 'UTC'",
    "SET integer_division = true",
    "SET default_null_order = 'nulls_last_on_asc_first_on_desc'",
    "SET lock_configuration = true",
)
_CASTS: Final = {b"json": "JSON", b"date": "DATE", b"datetime": "TIMESTAMPTZ", b"time": "TIME"}
# Types that Arrow has no way to say, or another than results have.
_AS_TEXT: Final = re.compile(r"INTERVAL|ENUM|BIT|TIME WITH TIME ZONE|TIMETZ|UHUGEINT|BIGNUM|VARINT")
_WORDS: Final = re.compile(r"^(?:[A-Za-z -]+ (?:Error|Exception)): *")


class Refused(errors.Terminal):
    """DuckDB does not run it; the message is a sentence."""


class Duck:
    """A database in memory, which has no way to a file or address but its own room on disk."""

    def __init__(self, connection: Any, hold: Hold, most_rows: int) -> None:
        self._connection = connection
        self._hold = hold
        self._room = most_rows

    def load(self, name: str, batches: Iterator[Any]) -> None:
        """Make a table of batches, of which there is at least one. Raises `Refused`."""
        import pyarrow as pa

        table, schema, made = sql.identifier(name), None, False
        for batch in batches:
            self._hold.check()
            self._room -= batch.num_rows
            if self._room < 0:
                raise Refused("The query reads more rows from other systems than it may; ask for fewer.")
            schema = batch.schema
            self._connection.register("incoming", pa.Table.from_batches([batch]))
            asked = f"SELECT {_casts(schema)} FROM incoming"  # noqa: S608  (quoted)
            self._do(f"INSERT INTO {table} {asked}" if made else f"CREATE TABLE {table} AS {asked}")
            self._connection.unregister("incoming")
            made = True
        for field in schema or ():
            if (field.metadata or {}).get(KIND) == b"decimal" and _is_text(field):
                self._measure(table, sql.identifier(field.name))

    def _measure(self, table: str, column: str) -> None:
        """Numbers that came as texts get the type that holds all of them."""
        row = self._one(
            "SELECT bool_and(regexp_full_match(c, '-?[0-9]+([.][0-9]+)?')), "  # noqa: S608  (quoted)
            "max(length(ltrim(split_part(ltrim(c, '-'), '.', 1), '0'))), max(length(split_part(c, '.', 2))) "
            f"FROM (SELECT {column} AS c FROM {table}) AS q"
        )
        plain, whole, scale = row[0], row[1] or 0, row[2] or 0
        fits = plain is not False and whole + scale <= _DIGITS
        kind = f"DECIMAL({max(whole + scale, 1, min(_DIGITS, scale + 18))}, {scale})" if fits else "DOUBLE"
        self._do(f"ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE {kind}")

    def run(self, statement: str) -> tuple[Any, Iterator[Any]]:
        """The schema of the answer, with the kinds of its columns, and its batches. Raises `Refused`."""
        import pyarrow as pa

        described = self._all(f"DESCRIBE {statement}")
        kinds = [str(row[1]) for row in described]
        if any(_AS_TEXT.search(one) for one in kinds):
            aliases = ", ".join(f'"c{number}"' for number in range(len(kinds)))
            casts = ", ".join(
                f'CAST("c{number}" AS VARCHAR)' if _AS_TEXT.search(kind) else f'"c{number}"'
                for number, kind in enumerate(kinds)
            )
            statement = f"SELECT {casts} FROM (\n{statement}\n) AS q ({aliases})"  # noqa: S608
        reader = self._reader(statement)
        fields = [
            pa.field(row[0], field.type, metadata={KIND: b"json"} if kind == "JSON" else field.metadata)
            for row, kind, field in zip(described, kinds, reader.schema, strict=True)
        ]
        return pa.schema(fields), self._read(reader)

    def _reader(self, statement: str) -> Any:
        import duckdb

        try:
            relation: Any = self._connection.sql(statement)
            if relation is None:
                raise Refused("It gives no rows.")
            return relation.to_arrow_reader(_ROWS)
        except (duckdb.Error, RuntimeError) as error:
            self._hold.check()
            raise Refused(_sentence(error)) from error

    def _read(self, reader: Any) -> Iterator[Any]:
        import duckdb
        import pyarrow as pa

        try:
            yield from reader
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            self._hold.check()
            raise Refused(_sentence(error)) from error

    def _one(self, statement: str) -> Any:
        return self._all(statement)[0]

    def _all(self, statement: str) -> list[Any]:
        self._do(statement)
        return self._connection.fetchall()

    def _do(self, statement: str) -> None:
        import duckdb

        try:
            self._connection.execute(statement)
        except (duckdb.Error, RuntimeError) as error:
            # Which of them interruption is depends on where it comes.
            self._hold.check()
            raise Refused(_sentence(error)) from error


@contextmanager
def opened(scratch: Path, settings: QueriesSettings, hold: Hold) -> Generator[Duck]:
    """For one query; its room on disk is gone afterwards."""
    import duckdb

    place = scratch / "engine"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = tempfile.mkdtemp(prefix="query-", dir=place)
    try:
        config: dict[str, Any] = {
            "temp_directory": directory,
            "memory_limit": f"{settings.engine_memory}MiB",
            "max_temp_directory_size": f"{settings.engine_disk}MiB",
            "threads": "2",
            "python_enable_replacements": "false",
            "preserve_insertion_order": "true",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        }
        connection: Any = duckdb.connect(":memory:", config=config)
        try:
            for one in _SETTINGS:
                connection.execute(one)
            with hold.stopping(connection.interrupt):
                yield Duck(connection, hold, settings.engine_rows)
        finally:
            connection.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _casts(schema: Any) -> str:
    """The columns, those that came as texts and are none as what they are."""
    found: list[str] = []
    for field in schema:
        name = sql.identifier(field.name)
        kind = _CASTS.get((field.metadata or {}).get(KIND, b""))
        found.append(f"CAST({name} AS {kind}) AS {name}" if kind and _is_text(field) else name)
    return ", ".join(found)


def _is_text(field: Any) -> bool:
    return str(field.type) in ("string", "large_string", "string_view")


def _sentence(error: Exception) -> str:
    """What DuckDB says, without the lines of the statement, which is not the one that the user wrote."""
    text = _WORDS.sub("", str(error)).partition("\n")[0].strip()
    text = text.replace('"memory"."main".', "")
    return f"{text[:1].upper()}{text[1:300]}".rstrip(".") + "."
