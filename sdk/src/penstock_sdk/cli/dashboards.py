"""`penstock dashboards`: pages of visualizations."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from penstock_sdk._files import writing
from penstock_sdk.cli._answers import Values, parameters_of
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_list, emit_one, print_table, say

app = App(name="dashboards", help="Dashboards: list them, share them, draw what is on them.")
_COLUMNS = ("id", "slug", "name", "tags", "updated_at")
Name = Annotated[str, Parameter(help="Slug or number of the dashboard.")]


@app.command(name="list")
def list_dashboards(*, q: str | None = None, limit: int = 100, options: Options = DEFAULTS) -> None:
    """List dashboards.

    Parameters
    ----------
    q
        Words that the name holds.
    limit
        Most dashboards to list.
    """
    with options.client() as client:
        emit_list(islice(client.dashboards.list(q=q), limit), _COLUMNS, as_json=options.json)


@app.command
def show(dashboard: Name, *, options: Options = DEFAULTS) -> None:
    """Print what is on a dashboard, or with --json all of it."""
    with options.client() as client:
        found = client.dashboards.get(dashboard)
    if options.json:
        emit(found)
        return
    rows = [
        (one.id, (one.visualization or {}).get("id"), (one.visualization or {}).get("name") or one.text)
        for one in found.widgets or ()
    ]
    print_table(("widget", "visualization", "shows"), rows)


@app.command
def picture(
    visualization: int,
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    *,
    param: Values = (),
    width: int | None = None,
    height: int | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Draw a visualization from the newest stored rows.

    Parameters
    ----------
    visualization
        Number of the visualization.
    file
        File to write, `.svg` or `.png`; `-` writes SVG to standard output.
    width
        In pixels.
    height
        In pixels.
    """
    format: Literal["png", "svg"] = "png" if file.suffix.lower() == ".png" else "svg"
    values = parameters_of(param)
    with options.client() as client:
        drawn = client.visualizations.picture(
            visualization, format, parameters=values, width=width, height=height
        )
    with writing(sys.stdout.buffer if str(file) == "-" else file) as target:
        target.write(drawn)


@app.command
def share(dashboard: Name, *, options: Options = DEFAULTS) -> None:
    """Let everybody see a dashboard who has its address, and print that."""
    with options.client() as client:
        found = client.dashboards.share(client.dashboards.get(dashboard).id)
        emit_one(found, as_json=options.json)


@app.command
def unshare(dashboard: Name, *, options: Options = DEFAULTS) -> None:
    """End that at once."""
    with options.client() as client:
        client.dashboards.unshare(client.dashboards.get(dashboard).id)
    say(f"Nobody sees {dashboard} by its address any more.")
