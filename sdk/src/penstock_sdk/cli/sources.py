"""`penstock sources`: the data sources of an app."""

from __future__ import annotations

from cyclopts import App

from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, emit_one

app = App(name="sources", help="The data sources of an app.")
_COLUMNS = ("slug", "name", "provider_type", "table_count", "updated_at")


@app.command(name="list")
def list_sources(app_slug: str, *, options: Options = DEFAULTS) -> None:
    """List the data sources of an app.

    Parameters
    ----------
    app_slug
        Slug of the app.
    """
    with options.client() as client:
        emit_list(client.app(app_slug).sources.list(), _COLUMNS, as_json=options.json)


@app.command
def create(
    app_slug: str,
    name: str,
    *,
    slug: str | None = None,
    description: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Make a data source.

    Parameters
    ----------
    app_slug
        Slug of the app.
    name
        Name for people.
    slug
        Name in addresses; derived from the name when not given.
    description
        What the data source holds.
    """
    with options.client() as client:
        source = client.app(app_slug).sources.create(name, slug=slug, description=description)
        emit_one(source, as_json=options.json)
