"""`penstock tables`: the table definitions of an app."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from penstock_sdk._sync.client import Client
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_list, emit_one, say

app = App(name="tables", help="The table definitions of an app.")
_COLUMNS = ("name", "datasource_slug", "field_count", "is_materialized", "updated_at")


@app.command(name="list")
def list_tables(app_slug: str, *, source: str | None = None, options: Options = DEFAULTS) -> None:
    """List the tables of an app.

    Parameters
    ----------
    app_slug
        Slug of the app.
    source
        Only the tables of this data source.
    """
    with options.client() as client:
        emit_list(client.app(app_slug).tables.list(source=source), _COLUMNS, as_json=options.json)


@app.command
def get(app_slug: str, name: str, *, options: Options = DEFAULTS) -> None:
    """Show one table.

    Parameters
    ----------
    app_slug
        Slug of the app.
    name
        Name of the table.
    """
    with options.client() as client:
        emit_one(client.app(app_slug).tables.get(name), as_json=options.json)


@app.command
def schema(app_slug: str, name: str, *, options: Options = DEFAULTS) -> None:
    """Print the schema of a table as JSON, ready for `tables create`.

    Parameters
    ----------
    app_slug
        Slug of the app.
    name
        Name of the table.
    """
    with options.client() as client:
        emit(client.app(app_slug).tables.schema(name).schema)


@app.command
def create(
    app_slug: str,
    name: str,
    schema_file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    *,
    source: str | None = None,
    description: str | None = None,
    materialize: Annotated[bool, Parameter(negative=())] = False,
    options: Options = DEFAULTS,
) -> None:
    """Make a table from a schema.

    Parameters
    ----------
    app_slug
        Slug of the app.
    name
        Name of the table.
    schema_file
        File with a Frictionless Table Schema in JSON; `-` is standard input.
    source
        Slug of the data source; may be left out when the app has only one.
    description
        What the table holds.
    materialize
        Build it in the database now, not at the first use of its records.
    """
    json_schema = read_schema(schema_file)
    with options.client() as client:
        table = client.app(app_slug).tables.create(
            source or only_source(client, app_slug),
            name,
            json_schema,
            description=description,
            materialize=materialize,
        )
        emit_one(table, as_json=options.json)


@app.command
def delete(
    app_slug: str,
    name: str,
    *,
    force: Annotated[bool, Parameter(negative=())] = False,
    options: Options = DEFAULTS,
) -> None:
    """Delete a table.

    Parameters
    ----------
    app_slug
        Slug of the app.
    name
        Name of the table.
    force
        Delete it although other tables refer to it.
    """
    with options.client() as client:
        client.app(app_slug).tables.delete(name, force=force)
    say(f"Table '{name}' is deleted.")


def read_schema(path: Path) -> dict[str, Any]:
    """The JSON object in a file, or on standard input."""
    content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise CommandError(f"{path} does not hold a schema in JSON: {error}.") from error


def only_source(client: Client, app_slug: str) -> str:
    """The slug of the app's data source when it has exactly one."""
    slugs = [source.slug for source in client.app(app_slug).sources.list()]
    if len(slugs) == 1:
        return slugs[0]
    known = f"it has {', '.join(slugs)}" if slugs else "it has none; make one with `penstock sources create`"
    raise CommandError(f"Say with --source which data source of '{app_slug}' to use: {known}.")
