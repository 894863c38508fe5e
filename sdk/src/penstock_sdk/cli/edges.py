"""`penstock edges`: what leads from record to record of a table."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from penstock_sdk._json import decode
from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.edges import Edges
from penstock_sdk.cli._arguments import AppSlug, TableName, Types, names
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_one, emit_rows, say

app = App(name="edges", help="Edges between the records of a table: its hierarchy or graph.")
_COLUMNS = ("id", "from_id", "to_id", "type", "metadata")


@app.command(name="list")
def list_edges(
    app_slug: AppSlug,
    table: TableName,
    *,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    types: Types = None,
    limit: int = 100,
    options: Options = DEFAULTS,
) -> None:
    """List edges, the oldest first.

    Parameters
    ----------
    from_
        Key of the record that the edges come from.
    to
        Key of the record that the edges lead to.
    limit
        Most edges to print.
    """
    with options.client() as client:
        found = _edges(client, app_slug, table).list(
            from_id=from_, to_id=to, types=names(types), page_size=limit
        )
        rows = found.data if options.json else [{name: one[name] for name in _COLUMNS} for one in found.data]
        emit_rows(rows, as_json=options.json)


@app.command
def add(
    app_slug: AppSlug,
    table: TableName,
    from_: str,
    to: str,
    kind: str,
    *,
    metadata: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Add an edge from one record, the child, to another, the parent.

    Parameters
    ----------
    from_
        Key of the record that the edge comes from.
    to
        Key of the record that it leads to.
    kind
        Type of the edge.
    metadata
        A JSON object to keep with it.
    """
    with options.client() as client:
        edge: dict[str, Any] = {"from": _key(from_), "to": _key(to), "type": kind}
        if metadata is not None:
            edge["metadata"] = _json(metadata)
        emit_one(_edges(client, app_slug, table).create(edge), as_json=options.json)


@app.command
def remove(app_slug: AppSlug, table: TableName, *ids: int, options: Options = DEFAULTS) -> None:
    """Delete edges by their ids; unknown ones are skipped.

    Parameters
    ----------
    ids
        Ids of the edges.
    """
    if not ids:
        raise CommandError("Name the ids of the edges to delete.")
    with options.client() as client:
        deleted = _edges(client, app_slug, table).delete(ids)
        if options.json:
            emit({"deleted": deleted})
        else:
            say(f"{deleted:,} edges deleted.")


@app.command
def path(
    app_slug: AppSlug,
    table: TableName,
    from_: str,
    to: str,
    *,
    types: Types = None,
    direction: Literal["forward", "backward", "any"] = "forward",
    options: Options = DEFAULTS,
) -> None:
    """Print the records of a shortest way from one to another.

    Parameters
    ----------
    from_
        Key of the record to begin at.
    to
        Key of the record to arrive at.
    direction
        Follow edges as they point, against it, or either way.
    """
    with options.client() as client:
        found = _edges(client, app_slug, table).path(from_, to, types=names(types), direction=direction)
        if found is None:
            raise CommandError(f"No way leads from {from_} to {to}.")
        if options.json:
            emit({"nodes": found.nodes, "edges": found.edges})
        else:
            emit_rows(found.nodes, as_json=False)


def _edges(client: Client, app_slug: AppSlug, table: TableName) -> Edges:
    return client.app(app_slug).table(table).edges


def _key(text: str) -> Any:
    """A key as the server takes it in JSON: a whole number, or else text."""
    return int(text) if text.isascii() and text.lstrip("-").isdigit() else text


def _json(text: str) -> Any:
    try:
        return decode(text.encode())
    except ValueError as error:
        raise CommandError(f"--metadata is no JSON object: {error}.") from error
