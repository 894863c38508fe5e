"""`penstock records`: the records of a table, one at a time, or as files (in `_transfer`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from cyclopts import App
from rich.text import Text
from rich.tree import Tree

from penstock_sdk._json import encode, to_builtins
from penstock_sdk.cli import _transfer
from penstock_sdk.cli._arguments import (
    AppSlug,
    Data,
    Fields,
    Filters,
    Order,
    Populate,
    Search,
    TableName,
    Types,
    Where,
    names,
    repeated,
)
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import console, emit, emit_one, emit_rows
from penstock_sdk.cli._queries import nearest, read_json, records_of, refined

app = App(name="records", help="The records of a table: read, write, import and export.")
app.command(_transfer.import_records, name="import")
app.command(_transfer.export)
app.command(_transfer.batch)


@app.command(name="list")
def list_records(
    app_slug: AppSlug,
    table: TableName,
    *,
    filters: Filters = (),
    where: Where = None,
    search: Search = None,
    near: str | None = None,
    threshold: float | None = None,
    order: Order = None,
    fields: Fields = None,
    populate: Populate = None,
    limit: int = 20,
    options: Options = DEFAULTS,
) -> None:
    """Print records.

    Parameters
    ----------
    near
        Vector to be near to, such as `embedding=[0.1,0.2]`: the nearest records come first.
    threshold
        Distance beyond which nothing is near.
    limit
        Most records to print.
    """
    with options.client() as client:
        query = refined(
            records_of(client, app_slug, table),
            filters,
            where=where,
            search=search,
            order=order,
            fields=fields,
        )
        query = query.populate(*names(populate))
        if near is not None:
            query = nearest(query, near, limit, threshold)
        elif threshold is not None:
            raise CommandError("--threshold belongs to --near.")
        emit_rows(query.limit(limit).all(), as_json=options.json)


@app.command
def watch(
    app_slug: AppSlug,
    table: TableName,
    *,
    filters: Filters = (),
    where: Where = None,
    since: str | None = None,
    once: bool = False,
    options: Options = DEFAULTS,
) -> None:
    """Print what becomes of the records, as it happens; with --json a line of JSON for each change.

    Parameters
    ----------
    since
        Cursor of a change, or `start` for the oldest one kept; from now on when not given.
    once
        End with the changes there are.
    """
    with options.client() as client:
        query = refined(records_of(client, app_slug, table), filters, where=where)
        for change in query.changes(since, follow=not once):
            text = encode(to_builtins(change)).decode()
            if not options.json:
                record = "" if change.record is None else encode(change.record).decode()
                text = f"{change.op} {encode(change.key).decode()} {record}".rstrip()
            print(text, flush=True)


@app.command
def count(
    app_slug: AppSlug,
    table: TableName,
    *,
    filters: Filters = (),
    where: Where = None,
    search: Search = None,
    options: Options = DEFAULTS,
) -> None:
    """Print how many records match."""
    with options.client() as client:
        found = refined(records_of(client, app_slug, table), filters, where=where, search=search).count()
    emit({"count": found}) if options.json else console().print(found)


@app.command
def aggregate(
    app_slug: AppSlug,
    table: TableName,
    *outputs: str,
    by: Annotated[
        tuple[str, ...],
        repeated("Field to group by, or such as `date_trunc('month', time_hour) as month`; may be repeated."),
    ] = (),
    having: str | None = None,
    filters: Filters = (),
    where: Where = None,
    search: Search = None,
    order: Order = None,
    limit: int = 100,
    options: Options = DEFAULTS,
) -> None:
    """Print what functions make of groups of records.

    Parameters
    ----------
    outputs
        What to compute, such as `count(*)` or `avg(dep_delay) as mean`.
    having
        Condition on groups, such as `count(*) > 5 and mean >= 10`.
    limit
        Most groups to print.
    """
    if not outputs:
        raise CommandError("Say what to compute, such as 'count(*)'.")
    with options.client() as client:
        query = refined(records_of(client, app_slug, table), filters, where=where, search=search, order=order)
        query = query.aggregate(*outputs).group_by(*by)
        if having is not None:
            query = query.having(having)
        emit_rows(query.limit(limit).all(), as_json=options.json)


@app.command
def get(
    app_slug: AppSlug, table: TableName, *key: str, populate: Populate = None, options: Options = DEFAULTS
) -> None:
    """Print one record.

    Parameters
    ----------
    key
        Its key; the values of a composite key one after the other.
    """
    if not key:
        raise CommandError("Say which record: its key is missing.")
    with options.client() as client:
        found = records_of(client, app_slug, table).get(key, populate=names(populate))
        emit_one(found, as_json=options.json)


@app.command
def create(app_slug: AppSlug, table: TableName, data: Data, *, options: Options = DEFAULTS) -> None:
    """Store one record, or several at once.

    Parameters
    ----------
    data
        A JSON object, or an array of objects; `-` reads it from standard input.
    """
    rows = read_json(data, "The record")
    with options.client() as client:
        stored = cast("Any", records_of(client, app_slug, table).create(rows))
        if isinstance(stored, list):
            emit_rows(cast("list[dict[str, Any]]", stored), as_json=options.json)
        else:
            emit_one(stored, as_json=options.json)


@app.command
def tree(
    app_slug: AppSlug,
    table: TableName,
    *,
    filters: Filters = (),
    include: Literal["descendants", "ancestors"] = "descendants",
    depth: int | None = None,
    types: Types = None,
    label: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Draw the hierarchy of a table, from its roots or from the records that conditions pick.

    Parameters
    ----------
    include
        What to draw below a record: those below it, or those above.
    depth
        How many edges to follow, 10 at the most.
    label
        Field to show of each record; all of them when not given.
    """
    with options.client() as client:
        query = refined(records_of(client, app_slug, table), filters, fields=label)
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
