"""`penstock snippets`: pieces of SQL that the people of an org share."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import App, Parameter

from penstock_sdk.cli._arguments import Data
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, emit_one, say

app = App(name="snippets", help="Pieces of SQL that the people of an org share.")
_COLUMNS = ("id", "trigger", "description", "snippet")
Number = Annotated[int, Parameter(help="Number of the snippet.")]


@app.command(name="list")
def list_snippets(*, options: Options = DEFAULTS) -> None:
    """List snippets."""
    with options.client() as client:
        emit_list(client.snippets.list(), _COLUMNS, as_json=options.json)


@app.command
def create(trigger: str, sql: Data, *, description: str = "", options: Options = DEFAULTS) -> None:
    """Make a snippet.

    Parameters
    ----------
    trigger
        What calls it up.
    sql
        Its text; `-` reads it from standard input.
    description
        What it is for.
    """
    text = sys.stdin.read() if sql == "-" else sql
    with options.client() as client:
        emit_one(client.snippets.create(trigger, text, description=description), as_json=options.json)


@app.command
def delete(number: Number, *, options: Options = DEFAULTS) -> None:
    """Delete a snippet."""
    with options.client() as client:
        client.snippets.delete(number)
    say(f"Snippet {number} is deleted.")
