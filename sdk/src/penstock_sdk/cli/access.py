"""`penstock access`: who holds which role on an app, a data source or a table."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.access import Access
from penstock_sdk.cli._arguments import AppSlug
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, emit_one, say

app = App(name="access", help="Who holds which role on an app, a data source or a table.")
_COLUMNS = ("subject", "id", "name", "role")
Source = Annotated[str | None, Parameter(help="A data source of the app, instead of the whole app.")]
Table = Annotated[str | None, Parameter(help="A table of the app, instead of the whole app.")]
User = Annotated[str | None, Parameter(help="Username or id.")]
Team = Annotated[str | None, Parameter(help="Slug or id of a team.")]
Key = Annotated[int | None, Parameter(help="Id of a service key.")]
Org = Annotated[bool, Parameter(negative=(), help="Every member of the org.")]


@app.command(name="list")
def list_roles(
    app_slug: AppSlug, *, source: Source = None, table: Table = None, options: Options = DEFAULTS
) -> None:
    """List the roles that are held there."""
    with options.client() as client:
        emit_list(_of(client, app_slug, source, table).list(), _COLUMNS, as_json=options.json)


@app.command
def give(
    app_slug: AppSlug,
    role: Literal["collaborator", "operator", "admin", "owner"],
    *,
    user: User = None,
    team: Team = None,
    service_key: Key = None,
    org: Org = False,
    source: Source = None,
    table: Table = None,
    options: Options = DEFAULTS,
) -> None:
    """Give a role to a user, a team, a service key or the org, in the place of the one held before.

    Parameters
    ----------
    role
        What they may do there.
    """
    with options.client() as client:
        place = _of(client, app_slug, source, table)
        emit_one(place.give(role, user=user, team=team, key=service_key, org=org), as_json=options.json)


@app.command
def take(
    app_slug: AppSlug,
    *,
    user: User = None,
    team: Team = None,
    service_key: Key = None,
    org: Org = False,
    source: Source = None,
    table: Table = None,
    options: Options = DEFAULTS,
) -> None:
    """Take the role away that a user, a team, a service key or the org holds there."""
    with options.client() as client:
        _of(client, app_slug, source, table).take(user=user, team=team, key=service_key, org=org)
    say("The role is taken away.")


def _of(client: Client, app_slug: str, source: str | None, table: str | None) -> Access:
    found = client.app(app_slug)
    if source is not None and table is not None:
        raise CommandError("Name a data source or a table, not both.")
    if source is not None:
        return found.sources.access(source)
    return found.access if table is None else found.table(table).access
