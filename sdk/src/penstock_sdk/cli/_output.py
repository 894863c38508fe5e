"""Printers: tables for people, JSON for programs, errors on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock_sdk import _json
from penstock_sdk._errors import PenstockError
from penstock_sdk._json import to_builtins

# A pipe has no width; tables must not be cut for it.
_PIPE_WIDTH = 10_000


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or as wide as needed when it is none."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream, width=None if stream.isatty() else _PIPE_WIDTH, highlight=False, soft_wrap=False
    )


def emit(value: Any) -> None:
    """Prints a value as JSON, indented."""
    text = msgspec.json.format(_json.encode(to_builtins(value)), indent=2).decode()
    sys.stdout.write(text + "\n")


def emit_list(items: Iterable[Any], columns: Sequence[str], *, as_json: bool) -> None:
    """Prints objects as a table of some of their fields, or all of them as JSON."""
    found = list(items)
    if as_json:
        emit(found)
        return
    print_table(columns, [[getattr(item, column) for column in columns] for item in found])


def emit_one(item: Any, *, as_json: bool) -> None:
    """Prints one object, a field a line, or as JSON."""
    values = to_builtins(item)
    if as_json:
        emit(values)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, cell(value))
    console().print(table)


def emit_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Prints records, their fields as columns."""
    if as_json:
        emit(list(rows))
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    print_table(columns, [[row.get(column) for column in columns] for row in rows])


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints a plain table; numbers to the right."""
    found = list(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = any(is_number(row[index]) for row in found)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in found:
        table.add_row(*(cell(value) for value in row))
    console().print(table)


def say(sentence: str) -> None:
    """Prints a sentence about what was done, on stderr, so that stdout holds data only."""
    console(stderr=True).print(Text(sentence))


def report_error(error: Exception) -> None:
    """Prints an error as one sentence, and the bad rows it names."""
    out = console(stderr=True)
    out.print(Text.assemble(("error: ", "bold red"), str(error) or type(error).__name__))
    if isinstance(error, PenstockError):
        for fault in error.rows:
            for field, messages in fault.errors.items():
                out.print(Text(f"  row {fault.index}, {field}: {' '.join(messages)}"))
        if error.request_id and error.status is not None and error.status >= 500:
            out.print(Text(f"  request {error.request_id}"))


def cell(value: Any) -> Text:
    """A value as it stands in a table; a missing one is dim."""
    if value is None:
        return Text("null", style="dim")
    if isinstance(value, bool):
        return Text("true" if value else "false")
    if isinstance(value, datetime):
        return Text(value.isoformat().replace("+00:00", "Z"))
    if isinstance(value, dict | list | msgspec.Struct):
        return Text(_json.encode(to_builtins(cast("object", value))).decode())
    return Text(str(value))


def is_number(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__round__")
