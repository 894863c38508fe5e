"""`penstock quarantine`: rows that imports have set aside."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import App, Parameter

from penstock_sdk._files import writing
from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.quarantine import Quarantine
from penstock_sdk.cli._arguments import AppSlug, File, TableName
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, say

app = App(name="quarantine", help="Rows that imports have set aside.")
_COLUMNS = ("id", "format", "mode", "read", "created", "updated", "quarantined", "created_at")
Number = Annotated[int, Parameter(help="Number of the import.")]


@app.command(name="list")
def list_imports(app_slug: AppSlug, table: TableName, *, options: Options = DEFAULTS) -> None:
    """List the imports that have rows in quarantine, the newest first."""
    with options.client() as client:
        emit_list(_of(client, app_slug, table).list(), _COLUMNS, as_json=options.json)


@app.command
def rows(app_slug: AppSlug, table: TableName, number: Number, *, options: Options = DEFAULTS) -> None:
    """Show the rows that an import has set aside, and what is wrong with them."""
    with options.client() as client:
        emit_list(_of(client, app_slug, table).rows(number), ("row", "errors", "data"), as_json=options.json)


@app.command
def export(
    app_slug: AppSlug, table: TableName, number: Number, file: File, *, options: Options = DEFAULTS
) -> None:
    """Write the rows that an import has set aside as NDJSON: `row`, `data` and `errors` of each.

    Parameters
    ----------
    file
        File to write; `-` is standard output.
    """
    with (
        options.client() as client,
        writing(sys.stdout.buffer if str(file) == "-" else file) as target,
    ):
        for piece in _of(client, app_slug, table).export(number):
            target.write(piece)
        target.flush()


@app.command
def delete(app_slug: AppSlug, table: TableName, number: Number, *, options: Options = DEFAULTS) -> None:
    """Forget the rows that an import has set aside."""
    with options.client() as client:
        _of(client, app_slug, table).delete(number)
    say(f"The rows of import {number} are deleted.")


def _of(client: Client, app_slug: str, table: str) -> Quarantine:
    return client.app(app_slug).table(table).quarantine
