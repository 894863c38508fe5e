"""What becomes of a query's result: a table for people, rows as JSON, or a file in one of the server's formats."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Annotated, Any, Literal, cast

import msgspec
from cyclopts import Parameter

from penstock_sdk import _json
from penstock_sdk._files import writing
from penstock_sdk._results import ResultFormat, result_format_of
from penstock_sdk._sync.resources.results import QueryResult
from penstock_sdk.cli._arguments import repeated
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._output import print_table, say
from penstock_sdk.cli._progress import transfer

AnswerFormat = Literal["table", "json", "csv", "tsv", "ndjson", "xlsx", "parquet", "arrow"]
Values = Annotated[
    tuple[str, ...],
    repeated(
        "Value of a parameter, such as `carrier=UA` or `days=2013-01-01--2013-01-31`; may be repeated. What is "
        'JSON is read as such: `n=5` is a number, `n="5"` a text.',
        name="--param",
    ),
]
Source = Annotated[
    str | None,
    Parameter(help="Data source: `app/source`, its name or number; not needed where there is only one."),
]
MaxAge = Annotated[
    float | None,
    Parameter(help="Seconds that a stored result may be old; 0 runs the query in any case."),
]
Format = Annotated[
    AnswerFormat | None,
    Parameter(
        help="How to print or write the rows: a table, or what the name of the file says, unless told."
    ),
]
Output = Annotated[
    Path | None,
    Parameter(
        name=("--output", "-o"), allow_leading_hyphen=True, help="File to write; `-` is standard output."
    ),
]
Rows = Annotated[int, Parameter(help="Most rows of a table that is printed.")]
Seconds = Annotated[
    float | None, Parameter(name="--timeout", help="Seconds after which the query is cancelled.")
]
_BINARY = ("xlsx", "parquet", "arrow")
_SPAN = re.compile(r"(?P<start>\d{4}-\d\d-\d\d.*?)--(?P<end>\d{4}-\d\d-\d\d.*)")


def parameters_of(texts: Sequence[str]) -> dict[str, Any] | None:
    """Values by name; None when there are none."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise CommandError(f"'{text}' is no value of a parameter; write name=value.")
        found[name] = _value(value)
    return found or None


def _value(text: str) -> Any:
    if span := _SPAN.fullmatch(text):
        return span.groupdict()
    try:
        return _json.decode(text.encode(), decimals=True)
    except msgspec.DecodeError:
        return text


def answer(
    result: QueryResult, format: AnswerFormat | None, output: Path | None, most: int, *, as_json: bool
) -> None:
    """Prints a result, or writes it to a file."""
    kind = _kind(format, output, as_json=as_json)
    if kind == "table":
        if output is not None and str(output) != "-":
            raise CommandError("A table is printed; for a file choose another format, such as csv.")
        _print(result, most)
    elif output is None or str(output) == "-":
        if kind in _BINARY and sys.stdout.isatty():
            raise CommandError(f"{kind} is nothing to read in a terminal; name a file with -o.")
        _write(result, kind, sys.stdout.buffer, "Writing")
        sys.stdout.flush()
    else:
        with writing(str(output)) as target:
            _write(result, kind, target, f"Writing {output.name}")
        say(
            f"{result.count:,} rows written to {output}."
            if result.count is not None
            else f"{output} is written."
        )
    if result.truncated:
        say("The query has more rows than the server keeps of a result: these are the first.")


def _kind(format: AnswerFormat | None, output: Path | None, *, as_json: bool) -> AnswerFormat:
    if format is not None:
        return format
    if as_json:
        return "json"
    if output is None or str(output) == "-":
        return "table" if output is None else "csv"
    try:
        return result_format_of(output, None)
    except ValueError as error:
        raise CommandError(f"{str(error).capitalize()}, with --format.") from error


def _print(result: QueryResult, most: int) -> None:
    names = [one.name for one in result.columns]
    rows = list(itertools.islice(result, most))
    print_table(names, [[row.get(name) for name in names] for row in rows])
    if result.count is not None and result.count > len(rows):
        say(f"{len(rows):,} of {result.count:,} rows; --rows shows more, and -o writes all to a file.")


def _write(result: QueryResult, kind: AnswerFormat, target: IO[bytes], title: str) -> None:
    if kind == "json":
        _write_rows(result.stream(), target)
        return
    with transfer(title, None) as shown:
        result.download(target, cast("ResultFormat", kind), on_bytes=shown.bytes)


def _write_rows(rows: Iterable[dict[str, Any]], target: IO[bytes]) -> None:
    """A JSON array, a row a line."""
    before = b"[\n"
    for row in rows:
        target.write(before + _json.encode(row))
        before = b",\n"
    target.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def source_of(text: str | None) -> int | str | None:
    """A number, or what names a data source."""
    return int(text) if text is not None and text.isdigit() else text
