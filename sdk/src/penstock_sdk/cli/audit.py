"""`penstock audit`: who changed what in the org."""

from __future__ import annotations

import sys
from datetime import datetime
from itertools import islice
from typing import Annotated, Literal

from cyclopts import App, Parameter

from penstock_sdk._files import writing
from penstock_sdk.cli._arguments import File
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list

app = App(name="audit", help="Who changed what in the org.")
_COLUMNS = ("at", "actor", "action", "resource_kind", "resource_name", "detail")
Actor = Annotated[str | None, Parameter(help="Only changes by this user or key.")]
Action = Annotated[str | None, Parameter(help="Only this action, such as `rule.create`.")]
Kind = Annotated[str | None, Parameter(help="Only changes of this kind of thing, such as `data_table`.")]
Ident = Annotated[str | None, Parameter(help="Only changes of the thing with this id.")]
Since = Annotated[datetime | None, Parameter(help="Not before this moment.")]
Until = Annotated[datetime | None, Parameter(help="Before this moment.")]


@app.command(name="list")
def list_entries(
    *,
    actor: Actor = None,
    action: Action = None,
    resource_kind: Kind = None,
    resource_id: Ident = None,
    since: Since = None,
    until: Until = None,
    limit: int = 100,
    options: Options = DEFAULTS,
) -> None:
    """List changes, the newest first.

    Parameters
    ----------
    limit
        The most to show.
    """
    with options.client() as client:
        found = client.audit.list(
            actor=actor,
            action=action,
            resource_kind=resource_kind,
            resource_id=resource_id,
            since=since,
            until=until,
            page_size=min(max(limit, 1), 1000),
        )
        emit_list(islice(found, max(limit, 0)), _COLUMNS, as_json=options.json)


@app.command
def export(
    file: File,
    *,
    format: Literal["ndjson", "csv"] = "ndjson",
    actor: Actor = None,
    action: Action = None,
    resource_kind: Kind = None,
    resource_id: Ident = None,
    since: Since = None,
    until: Until = None,
    options: Options = DEFAULTS,
) -> None:
    """Write all changes to a file, the newest first.

    Parameters
    ----------
    file
        File to write; `-` is standard output.
    format
        What it is written in.
    """
    with (
        options.client() as client,
        writing(sys.stdout.buffer if str(file) == "-" else file) as target,
    ):
        pieces = client.audit.export(
            format,
            actor=actor,
            action=action,
            resource_kind=resource_kind,
            resource_id=resource_id,
            since=since,
            until=until,
        )
        for piece in pieces:
            target.write(piece)
        target.flush()
