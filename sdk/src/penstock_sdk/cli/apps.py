"""`penstock apps`: the apps of a server."""

from __future__ import annotations

from cyclopts import App

from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, emit_one, say

app = App(name="apps", help="The apps of a server.")
_COLUMNS = ("slug", "name", "datasource_count", "updated_at")


@app.command(name="list")
def list_apps(*, options: Options = DEFAULTS) -> None:
    """List the apps you may see."""
    with options.client() as client:
        emit_list(client.apps.list(), _COLUMNS, as_json=options.json)


@app.command
def get(slug: str, *, options: Options = DEFAULTS) -> None:
    """Show one app.

    Parameters
    ----------
    slug
        Slug of the app.
    """
    with options.client() as client:
        emit_one(client.apps.get(slug), as_json=options.json)


@app.command
def create(
    name: str, *, slug: str | None = None, description: str | None = None, options: Options = DEFAULTS
) -> None:
    """Make an app.

    Parameters
    ----------
    name
        Name for people.
    slug
        Name in addresses; derived from the name when not given.
    description
        What the app is for.
    """
    with options.client() as client:
        emit_one(client.apps.create(name, slug=slug, description=description), as_json=options.json)


@app.command
def delete(slug: str, *, options: Options = DEFAULTS) -> None:
    """Delete an app with its data sources and tables; it can be restored through the API.

    Parameters
    ----------
    slug
        Slug of the app.
    """
    with options.client() as client:
        client.apps.delete(slug)
    say(f"App '{slug}' is deleted.")
