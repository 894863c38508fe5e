"""Files of records in and out, and several writes as one: the commands of `records` that move many rows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Annotated, Any, Literal, cast

from penstock_sdk._errors import BadRequestError, ConflictError
from penstock_sdk._files import format_of as format_by_name
from penstock_sdk._files import reading, writing
from penstock_sdk._imports import FileFormat, Imported, ImportProgress
from penstock_sdk.cli._arguments import (
    AppSlug,
    Data,
    Fields,
    File,
    Filters,
    Order,
    Search,
    TableName,
    Where,
    names,
    repeated,
)
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, print_table, say
from penstock_sdk.cli._progress import Transfer, transfer
from penstock_sdk.cli._queries import read_json, records_of, refined

Format = Literal["csv", "tsv", "ndjson", "parquet"]


def import_records(
    app_slug: AppSlug,
    table: TableName,
    file: File,
    *,
    format: Format | None = None,
    on_error: Literal["abort", "skip", "quarantine"] = "abort",
    mode: Literal["insert", "upsert"] = "insert",
    unique_fields: str | None = None,
    null: Annotated[
        tuple[str, ...], repeated("Word that stands for null in CSV, such as `NA`; may be repeated.")
    ] = (),
    delimiter: str | None = None,
    options: Options = DEFAULTS,
) -> int:
    """Store the rows of a file, of any size, in one transaction. The first line of CSV names the fields.

    Exits with 1 when rows were refused, left out or set aside.

    Parameters
    ----------
    file
        File to send; `-` is standard input.
    format
        Told by the name of the file when not given; CSV on standard input.
    on_error
        What becomes of faulty rows: `abort` stores nothing, `skip` leaves them out, `quarantine` sets them aside
        (see `penstock quarantine`).
    mode
        `insert` refuses rows whose key exists, `upsert` changes the records.
    unique_fields
        For `upsert`: fields that find an existing record, separated by commas; the key when not given.
    delimiter
        What is between the values of CSV; a comma when not given.
    """
    kind, between = _format(file, format, delimiter)
    with (
        options.client() as client,
        _opened(file, reading, sys.stdin.buffer) as source,
        transfer(f"Importing {table}", _size(file)) as shown,
    ):
        try:
            done = records_of(client, app_slug, table).import_file(
                source,
                kind,
                on_error=on_error,
                mode=mode,
                unique_fields=names(unique_fields),
                nulls=null,
                delimiter=between,
                on_bytes=shown.bytes,
                on_progress=_telling(shown),
            )
        except (BadRequestError, ConflictError) as error:
            # The file's rows count from 1.
            for row in error.rows:
                row.index += 1
            raise
    _report(done, as_json=options.json)
    return 1 if done.skipped or done.quarantined else 0


def export(
    app_slug: AppSlug,
    table: TableName,
    file: File,
    *,
    format: FileFormat | None = None,
    filters: Filters = (),
    where: Where = None,
    search: Search = None,
    order: Order = None,
    fields: Fields = None,
    limit: int | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Write all matching records to a file, as they are at one moment.

    Parameters
    ----------
    file
        File to write; `-` is standard output. It is replaced when all records have come.
    format
        Told by the name of the file when not given; CSV on standard output.
    limit
        Most records to write.
    """
    kind, _ = _format(file, format, None)
    with options.client() as client:
        query = refined(
            records_of(client, app_slug, table),
            filters,
            where=where,
            search=search,
            order=order,
            fields=fields,
        )
        if limit is not None:
            query = query.limit(limit)
        with (
            _opened(file, writing, sys.stdout.buffer) as target,
            transfer(f"Exporting {table}", None) as shown,
        ):
            done = query.export_file(target, kind, on_bytes=shown.bytes)
            target.flush()
    if options.json and str(file) != "-":
        emit({"file": str(file), "format": kind, "bytes": done})
    else:
        say(f"{done:,} bytes of '{table}' written.")


def batch(app_slug: AppSlug, steps: Data, *, options: Options = DEFAULTS) -> None:
    """Do several writes as one: all of them, or none when one is refused.

    Parameters
    ----------
    steps
        A JSON array such as `[{"op": "create", "table": "orders", "data": {…}}, …]`; `-` reads it from standard input.
    """
    found = read_json(steps, "The batch")
    if not isinstance(found, list):
        raise CommandError("A batch is a JSON array of steps.")
    with options.client() as client:
        answers = client.app(app_slug).batch(cast("list[dict[str, Any]]", found))
    if options.json:
        emit(answers)
        return
    columns = ("id", "op", "table", "status")
    print_table(columns, [[one.get(name) for name in columns] for one in answers])


def _format(file: Path, chosen: Format | None, delimiter: str | None) -> tuple[FileFormat, str | None]:
    """The server's format, and the delimiter that goes with it."""
    if chosen == "tsv" or (chosen is None and file.suffix.lower() == ".tsv"):
        return "csv", delimiter or "tab"
    if chosen is None and str(file) == "-":
        return "csv", delimiter
    try:
        return format_by_name(file, chosen), delimiter
    except ValueError:
        raise CommandError(
            f"The format of '{file}' cannot be told from its name; say --format csv, ndjson or parquet."
        ) from None


def _opened(
    file: Path,
    way: Callable[[str | IO[bytes]], AbstractContextManager[IO[bytes]]],
    standard: IO[bytes],
) -> AbstractContextManager[IO[bytes]]:
    return way(standard if str(file) == "-" else str(file))


def _size(file: Path) -> int | None:
    return file.stat().st_size if file.is_file() else None


def _telling(shown: Transfer) -> Callable[[ImportProgress], Any]:
    return lambda told: shown.rows(told.read)


def _report(done: Imported, *, as_json: bool) -> None:
    if as_json:
        emit(done)
        return
    for fault in done.faults:
        say(f"row {fault.row}: {fault.field}: {fault.reason}")
    parts = [f"{done.created:,} created"]
    parts += [
        f"{number:,} {word}"
        for number, word in (
            (done.updated, "updated"),
            (done.skipped, "left out"),
            (done.quarantined, f"in quarantine as import {done.quarantine}"),
        )
        if number
    ]
    say(f"{done.read:,} rows read in {done.seconds:.1f} s: {', '.join(parts)}.")
