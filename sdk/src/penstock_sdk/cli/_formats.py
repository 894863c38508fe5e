"""Files of rows: CSV, newline-delimited JSON and Parquet, read and written as streams.

A reader gives each row with its place in the file (a line number, or a row number in Parquet), so that a bad
row can be found again.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol, cast

import msgspec

from penstock_sdk import _json
from penstock_sdk.cli._columns import Columns, as_text
from penstock_sdk.cli._errors import CommandError

_LONGEST_CELL = 1 << 30
Format = Literal["csv", "tsv", "ndjson", "parquet"]
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a file: where it stands, its values, and why some of its fields cannot be read."""

    place: int
    values: dict[str, Any]
    reasons: Mapping[str, str]


class Writer(Protocol):
    """Takes rows in pieces and writes them."""

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None: ...

    def close(self) -> None: ...


def format_of(path: Path, chosen: Format | None) -> Format:
    """The format chosen, else that of the suffix; CSV for standard input and output."""
    if chosen is not None:
        return chosen
    if is_standard(path):
        return "csv"
    found = _SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise CommandError(
            f"The format of '{path}' cannot be told from its name; say --format csv, tsv, ndjson or parquet."
        )
    return found


def is_standard(path: Path) -> bool:
    return str(path) == "-"


@contextmanager
def opened(path: Path, mode: Literal["rb", "wb"]) -> Generator[IO[bytes]]:
    """The file, or standard input or output for `-`, which stays open."""
    if is_standard(path):
        stream = sys.stdin.buffer if mode == "rb" else sys.stdout.buffer
        yield stream
        if mode == "wb":
            stream.flush()
        return
    with path.open(mode) as file:
        yield file


def read(stream: IO[bytes], kind: Format, columns: Columns, nulls: frozenset[str]) -> Iterator[SourceRow]:
    """The rows of a file, one at a time. A CommandError when it is not of that format."""
    if kind == "parquet":
        from penstock_sdk.cli._parquet import read_parquet  # noqa: PLC0415 - needs the extra `arrow`

        return read_parquet(stream)
    if kind == "ndjson":
        return _read_ndjson(stream)
    return _read_csv(stream, "\t" if kind == "tsv" else ",", columns, nulls)


def writer(stream: IO[bytes], kind: Format, columns: Columns, names: list[str]) -> Writer:
    """A writer of the fields `names` in that order."""
    if kind == "parquet":
        from penstock_sdk.cli._parquet import ParquetWriter  # noqa: PLC0415 - needs the extra `arrow`

        return ParquetWriter(stream, columns, names)
    if kind == "ndjson":
        return _NdjsonWriter(stream)
    return _CsvWriter(stream, "\t" if kind == "tsv" else ",", names)


def _read_csv(
    stream: IO[bytes], delimiter: str, columns: Columns, nulls: frozenset[str]
) -> Iterator[SourceRow]:
    # A cell may be as long as the server takes it; the default is 128 KiB.
    csv.field_size_limit(_LONGEST_CELL)
    lines = csv.reader(_lines(stream), delimiter=delimiter, strict=True)
    try:
        header = next(lines, None)
        if not header:
            raise CommandError("The file is empty; its first line must name the fields.")
        _check_header(header, columns)
        read_row = columns.reader(header, nulls)
        start = lines.line_num + 1
        for cells in lines:
            if len(cells) == len(header):
                yield SourceRow(start, *read_row(cells))
            elif cells:
                reason = f"has {len(cells)} values where the first line names {len(header)}"
                yield SourceRow(start, {}, {"(row)": reason})
            start = lines.line_num + 1
    except csv.Error as error:
        raise CommandError(f"Line {lines.line_num} is not valid CSV: {error}.") from error


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines of UTF-8 text, a byte order mark left out, line ends kept for quoted fields."""
    for number, line in enumerate(stream, 1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise CommandError(f"Line {number} is not UTF-8 text.") from None
        yield text.removeprefix("\ufeff") if number == 1 else text


def _check_header(header: list[str], columns: Columns) -> None:
    if len(set(header)) < len(header):
        raise CommandError("The first line names a field twice.")
    unknown = columns.unknown(header)
    if unknown:
        known = ", ".join(columns.names)
        raise CommandError(f"The table has no field {', '.join(map(repr, unknown))}; its fields are {known}.")


def _read_ndjson(stream: IO[bytes]) -> Iterator[SourceRow]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            value = _json.decode(line, decimals=True)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield SourceRow(number, {}, {"(row)": f"is not JSON: {error}"})
            continue
        if isinstance(value, dict):
            yield SourceRow(number, cast("dict[str, Any]", value), {})
        else:
            yield SourceRow(number, {}, {"(row)": "is not a JSON object"})


class _CsvWriter:
    def __init__(self, stream: IO[bytes], delimiter: str, names: list[str]) -> None:
        self._stream = stream
        self._names = names
        self._csv = csv.writer(_Encoder(stream), delimiter=delimiter, lineterminator="\n")
        self._csv.writerow(names)

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        names = self._names
        self._csv.writerows([as_text(row.get(name)) for name in names] for row in rows)

    def close(self) -> None:
        self._stream.flush()


class _Encoder:
    """Lets `csv` write text to a binary stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.encode())


class _NdjsonWriter:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._stream.writelines(_line(row) for row in rows)

    def close(self) -> None:
        self._stream.flush()


def _line(row: Mapping[str, Any]) -> bytes:
    return _json.encode(dict(row)) + b"\n"


def counted(rows: Iterable[SourceRow], size: int) -> Iterator[list[SourceRow]]:
    """Lists of up to `size` rows."""
    part: list[SourceRow] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
