"""`penstock gen`: code written from the definitions of an app."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from penstock_sdk._files import writing
from penstock_sdk._typegen import module
from penstock_sdk.cli._arguments import AppSlug
from penstock_sdk.cli._options import DEFAULTS, Options

app = App(name="gen", help="Code written from the definitions of an app.")


@app.command
def types(
    app_slug: AppSlug,
    *,
    out: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="File to write; `-` is standard output.")
    ] = Path("-"),
    options: Options = DEFAULTS,
) -> None:
    """Write the tables of an app as a Python module: a model for each, and clients that know them."""
    with options.client() as client:
        tables = client.app(app_slug).tables
        text = module(app_slug, [tables.get(one.name) for one in tables.list()])
    with writing(sys.stdout.buffer if str(out) == "-" else out) as target:
        target.write(text.encode())
        target.flush()
