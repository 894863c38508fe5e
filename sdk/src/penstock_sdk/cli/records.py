"""`penstock records`: the records of a table, one at a time or as files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
from cyclopts import App, Parameter
from rich.text import Text
from rich.tree import Tree

from penstock_sdk import _json
from penstock_sdk._errors import PenstockError
from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.records import RecordQuery, Records
from penstock_sdk.cli._columns import Columns
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._formats import Format, format_of, opened, read, writer
from penstock_sdk.cli._importing import ImportResult, load
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import console, emit, emit_one, emit_rows, say
from penstock_sdk.cli._progress import progress

app = App(name="records", help="The records of a table: read, write, import and export.")

Mode = Literal["create", "upsert", "update"]
_PAGE = 1000


def _is_condition(_type: object, values: Sequence[str]) -> None:
    for value in values:
        if not value.partition("=")[1]:
            raise ValueError(f"'{value}' is no condition; write field=value or field__operator=value.")


Filters = Annotated[
    list[str],
    Parameter(
        name="--filter", validator=_is_condition, negative=(), consume_multiple=False, show_default=False
    ),
]

Keys = Annotated[list[str], Parameter(negative=(), consume_multiple=False, show_default=False)]

# `-field` sorts descending, and a lone `-` is standard input or output: neither is an option.
Order = Annotated[str | None, Parameter(allow_leading_hyphen=True)]
File = Annotated[Path, Parameter(allow_leading_hyphen=True)]
Data = Annotated[str, Parameter(allow_leading_hyphen=True)]


@app.command(name="list")
def list_records(
    app_slug: str,
    table: str,
    *,
    filters: Filters = [],  # noqa: B006 - never changed; cyclopts shows it as the default
    where: str | None = None,
    search: str | None = None,
    near: str | None = None,
    threshold: float | None = None,
    order: Order = None,
    fields: str | None = None,
    populate: str | None = None,
    limit: int = 20,
    options: Options = DEFAULTS,
) -> None:
    """Print records.

    Parameters
    ----------
    app_slug
        Slug of the app.
    table
        Name of the table.
    filters
        Condition such as `dep_delay__gt=10`; may be repeated, then all must hold.
    where
        Condition as a JSON tree, such as `{"or": [{"a": 1}, {"b__gt": 2}]}`.
    search
        Text to search for.
    near
        Vector to be near to, such as `embedding=[0.1,0.2]`: the nearest records come first.
    threshold
        Distance beyond which nothing is near.
    order
        Fields to sort by, separated by commas; `-field` is descending.
    fields
        Fields to print, separated by commas; all when not given.
    populate
        Relations whose records to add, separated by commas; `*` for all foreign keys.
    limit
        Most records to print.
    """
    with options.client() as client:
        query = refined(
            _records(client, app_slug, table), filters, where=where, search=search, order=order, fields=fields
        )
        query = query.populate(*names(populate))
        if near is not None:
            query = nearest(query, near, limit, threshold)
        elif threshold is not None:
            raise CommandError("--threshold belongs to --near.")
        emit_rows(query.limit(limit).all(), as_json=options.json)


@app.command
def count(
    app_slug: str,
    table: str,
    *,
    filters: Filters = [],  # noqa: B006
    where: str | None = None,
    search: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Print how many records match.

    Parameters
    ----------
    app_slug
        Slug of the app.
    table
        Name of the table.
    filters
        Condition such as `dep_delay__gt=10`; may be repeated.
    where
        Condition as a JSON tree.
    search
        Text to search for.
    """
    with options.client() as client:
        found = refined(_records(client, app_slug, table), filters, where=where, search=search).count()
    emit({"count": found}) if options.json else console().print(found)


@app.command
def aggregate(
    app_slug: str,
    table: str,
    *outputs: str,
    by: Keys = [],  # noqa: B006
    having: str | None = None,
    filters: Filters = [],  # noqa: B006
    where: str | None = None,
    search: str | None = None,
    order: Order = None,
    limit: int = 100,
    options: Options = DEFAULTS,
) -> None:
    """Print what functions make of groups of records.

    Parameters
    ----------
    app_slug
        Slug of the app.
    table
        Name of the table.
    outputs
        What to compute, such as `count(*)` or `avg(dep_delay) as mean`.
    by
        Field to group by, or such as `date_trunc('month', time_hour) as month`; may be repeated.
    having
        Condition on groups, such as `count(*) > 5 and mean >= 10`.
    filters
        Condition on records, such as `dep_delay__gt=10`; may be repeated.
    where
        Condition on records as a JSON tree.
    search
        Text to search for.
    order
        Outputs to sort by, separated by commas; `-output` is descending.
    limit
        Most groups to print.
    """
    if not outputs:
        raise CommandError("Say what to compute, such as 'count(*)'.")
    with options.client() as client:
        query = refined(_records(client, app_slug, table), filters, where=where, search=search, order=order)
        query = query.aggregate(*outputs).group_by(*by)
        if having is not None:
            query = query.having(having)
        emit_rows(query.limit(limit).all(), as_json=options.json)


@app.command
def get(
    app_slug: str, table: str, *key: str, populate: str | None = None, options: Options = DEFAULTS
) -> None:
    """Print one record.

    Parameters
    ----------
    app_slug
        Slug of the app.
    table
        Name of the table.
    key
        Its key; the values of a composite key one after the other.
    populate
        Relations whose records to add, separated by commas; `*` for all foreign keys.
    """
    if not key:
        raise CommandError("Say which record: its key is missing.")
    with options.client() as client:
        found = _records(client, app_slug, table).get(key, populate=names(populate))
        emit_one(found, as_json=options.json)


@app.command
def create(app_slug: str, table: str, data: Data, *, options: Options = DEFAULTS) -> None:
    """Store one record, or several at once.

    Parameters
    ----------
    app_slug
        Slug of the app.
    table
        Name of the table.
    data
        A JSON object, or an array of objects; `-` reads it from standard input.
    """
    text = sys.stdin.buffer.read() if data == "-" else data.encode()
    try:
        rows = _json.decode(text, decimals=True)
    except msgspec.DecodeError as error:
        raise CommandError(f"The record is not JSON: {error}.") from error
    with options.client() as client:
        stored = cast("Any", _records(client, app_slug, table).create(rows))
        if isinstance(stored, list):
            emit_rows(cast("list[dict[str, Any]]", stored), as_json=options.json)
        else:
            emit_one(stored, as_json=options.json)


@app.command(name="import")
def import_records(
    app_slug: str,
    table: str,
    file: File,
    *,
    format: Format | None = None,
    mode: Mode = "create",
    unique_fields: str | None = None,
    null: Annotated[list[str], Parameter(negative=(), consume_multiple=False, show_default=False)] = [],  # noqa: B006
    chunk: int = 5000,
    skip_bad: Annotated[bool, Parameter(negative=())] = False,
    options: Options = DEFAULTS,
) -> int:
    """Store the rows of a file. CSV must name the fields in its first line; empty values are null.

    Stops at the first chunk that has a bad row, of which nothing is stored then; earlier chunks stay.

    Parameters
    ----------
    app_slug
        Slug of the app.
    table
        Name of the table.
    file
        File to read; `-` is standard input.
    format
        Told by the name of the file when not given; CSV on standard input.
    mode
        `create` refuses rows whose key exists, `upsert` changes them, `update` changes rows that must exist.
    unique_fields
        For `upsert`: fields that find an existing row, separated by commas; the key when not given.
    null
        Word that stands for null in CSV, such as `NA`; may be repeated.
    chunk
        Rows in one request.
    skip_bad
        Leave bad rows out, store the others, and exit with 1 at the end.
    """
    kind = format_of(file, format)
    result = ImportResult()
    with options.client() as client:
        columns = Columns(client.app(app_slug).tables.get(table).json_schema)
        send = _sender(_records(client, app_slug, table), mode, names(unique_fields))
        with opened(file, "rb") as stream, progress(f"Importing {table}", None) as on_progress:
            rows = read(stream, kind, columns, frozenset(null))
            try:
                load(rows, send, result, chunk=chunk, skip_bad=skip_bad, on_progress=on_progress)
            except PenstockError:
                say(f"{result.stored:,} records were stored before this:")
                raise
    _report(result, as_json=options.json)
    return 1 if result.skipped else 0


@app.command
def export(
    app_slug: str,
    table: str,
    file: File,
    *,
    format: Format | None = None,
    filters: Filters = [],  # noqa: B006
    where: str | None = None,
    search: str | None = None,
    order: Order = None,
    fields: str | None = None,
    limit: int | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Write records to a file.

    Parameters
    ----------
    app_slug
        Slug of the app.
    table
        Name of the table.
    file
        File to write; `-` is standard output.
    format
        Told by the name of the file when not given; CSV on standard output.
    filters
        Condition such as `dep_delay__gt=10`; may be repeated.
    where
        Condition as a JSON tree.
    search
        Text to search for.
    order
        Fields to sort by, separated by commas; `-field` is descending.
    fields
        Fields to write, separated by commas; all when not given.
    limit
        Most records to write.
    """
    kind = format_of(file, format)
    with options.client() as client:
        columns = Columns(client.app(app_slug).tables.get(table).json_schema)
        wanted = names(fields) or columns.names
        query = refined(
            _records(client, app_slug, table), filters, where=where, search=search, order=order, fields=fields
        )
        total = query.count()
        bounded = query.page_size(_PAGE) if limit is None else query.page_size(_PAGE).limit(limit)
        done = 0
        with (
            opened(file, "wb") as stream,
            progress(f"Exporting {table}", min(total, limit or total)) as on_progress,
        ):
            out = writer(stream, kind, columns, wanted)
            for page in bounded.pages():
                out.write(page.data)
                done += len(page.data)
                on_progress(done)
            out.close()
    say(f"{done:,} records of '{table}' written.")


@app.command
def tree(
    app_slug: str,
    table: str,
    *,
    filters: Filters = [],  # noqa: B006
    include: Literal["descendants", "ancestors"] = "descendants",
    depth: int | None = None,
    types: str | None = None,
    label: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Draw the hierarchy of a table, from its roots or from the records that conditions pick.

    Parameters
    ----------
    app_slug
        Slug of the app.
    table
        Name of the table.
    filters
        Condition on the records to begin at, such as `name=Alice`; may be repeated.
    include
        What to draw below a record: those below it, or those above.
    depth
        How many edges to follow, 10 at the most.
    types
        Edge types to follow, separated by commas.
    label
        Field to show of each record; all of them when not given.
    """
    with options.client() as client:
        query = refined(_records(client, app_slug, table), filters, fields=label)
        roots = query.walk(include, depth=depth, types=names(types)).tree()
        if options.json:
            emit(roots)
            return
        for root in roots:
            console().print(_drawn(root, label))


def _drawn(node: dict[str, Any], label: str | None) -> Tree:
    branch = Tree(_told(node, label))
    for child in node["children"]:
        branch.add(_drawn(child, label))
    return branch


def _told(node: dict[str, Any], label: str | None) -> Text:
    """A record on one line, with the type of the edge that led to it."""
    shown = {
        name: value
        for name, value in node.items()
        if name not in ("children", "_depth", "_relationship_type")
    }
    said = str(node[label]) if label in node else " ".join(f"{name}={value}" for name, value in shown.items())
    kind = node["_relationship_type"]
    return Text.assemble(said, (f"  {kind}", "dim") if kind else "")


def refined(
    query: RecordQuery,
    filters: Sequence[str],
    *,
    where: str | None = None,
    search: str | None = None,
    order: str | None = None,
    fields: str | None = None,
) -> RecordQuery:
    """`query` with what the options ask for."""
    for condition in filters:
        name, _, value = condition.partition("=")
        query = query.filter(**{name: value})
    if where is not None:
        try:
            query = query.where(_json.decode(where.encode(), decimals=True))
        except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:
            raise CommandError(f"--where is no condition in JSON: {error}.") from error
    if search is not None:
        query = query.search(search)
    if order:
        query = query.order_by(*names(order))
    return query.select(*names(fields)) if fields else query


def nearest(query: RecordQuery, near: str, top: int, threshold: float | None) -> RecordQuery:
    """`query` for the records nearest to `field=[…]`."""
    field, _, text = near.partition("=")
    try:
        vector = msgspec.json.decode(text.encode(), type=list[float])
    except msgspec.DecodeError as error:
        raise CommandError(f"--near is field=[0.1,0.2,…], the vector in JSON: {error}.") from error
    return query.near(field, vector, top=top, threshold=threshold)


def names(text: str | None) -> list[str]:
    """The names in a comma list."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _records(client: Client, app_slug: str, table: str) -> Records:
    return client.app(app_slug).table(table).records


def _sender(
    records: Records, mode: Mode, unique_fields: list[str]
) -> Callable[[Sequence[dict[str, Any]]], object]:
    if mode == "upsert":
        return lambda rows: records.bulk_upsert(rows, unique_fields=unique_fields, chunk=len(rows))
    if mode == "update":
        return lambda rows: records.bulk_update(rows, chunk=len(rows))
    return lambda rows: records.bulk_create(rows, chunk=len(rows))


def _report(result: ImportResult, *, as_json: bool) -> None:
    if as_json:
        bad = [{"row": item.row, "field": item.field, "reason": item.reason} for item in result.bad]
        emit({"stored": result.stored, "skipped": result.skipped, "stopped": result.stopped, "bad": bad})
        return
    for item in result.bad:
        say(f"row {item.row}: {item.field + ': ' if item.field else ''}{item.reason}")
    if result.skipped > len({item.row for item in result.bad}):
        say(f"… and more; {result.skipped:,} bad rows in all.")
    if result.stopped:
        say(f"Stopped: {result.stored:,} records were stored before the chunk with these rows, none of it.")
    else:
        say(
            f"{result.stored:,} records stored"
            + (f", {result.skipped:,} left out." if result.skipped else ".")
        )
