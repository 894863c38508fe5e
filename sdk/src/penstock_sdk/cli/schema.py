"""`penstock schema`: brings the tables of an app to what Data Package files say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from penstock_sdk._models import SchemaPlan
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_one, print_table, say
from penstock_sdk.cli.tables import read_schema

app = App(name="schema", help="Schemas of an app from Data Package files: plan and apply.")
# What `plan` ends with when there is something to do.
CHANGES = 3


@app.command
def plan(app_slug: str, *files: Path, source: str | None = None, options: Options = DEFAULTS) -> int:
    """Show what `schema apply` would do; ends with 3 when that is anything, and with 0 when it is nothing.

    Parameters
    ----------
    app_slug
        Slug of the app.
    files
        Data Package files in JSON; `-` is standard input.
    source
        Slug of the data source for new tables.
    """
    package = read_package(files)
    with options.client() as client:
        found = client.app(app_slug).tables.plan_package(package, source=source)
    if options.json:
        emit(found)
    else:
        _print(found)
    return 0 if found.is_empty else CHANGES


@app.command
def apply(
    app_slug: str,
    *files: Path,
    source: str | None = None,
    allow_data_loss: Annotated[bool, Parameter(negative=())] = False,
    options: Options = DEFAULTS,
) -> None:
    """Make and change tables until they are as the files say. Doing it again does nothing.

    Parameters
    ----------
    app_slug
        Slug of the app.
    files
        Data Package files in JSON; `-` is standard input.
    source
        Slug of the data source for new tables.
    allow_data_loss
        Also take the steps that `schema plan` marks as destructive.
    """
    package = read_package(files)
    with options.client() as client:
        report = client.app(app_slug).tables.import_package(
            package, source=source, materialize=True, allow_data_loss=allow_data_loss
        )
    emit_one(report, as_json=options.json)


def read_package(files: tuple[Path, ...]) -> dict[str, Any]:
    """The resources of all files as one package."""
    if not files:
        raise CommandError("Name at least one Data Package file.")
    resources: list[Any] = []
    for path in files:
        found = read_schema(path).get("resources")
        if not isinstance(found, list):
            raise CommandError(f"{path} is no Data Package: it has no list 'resources'.")
        resources += found
    return {"resources": resources}


def _print(found: SchemaPlan) -> None:
    if found.is_empty:
        say("Nothing to do.")
        return
    marks = {True: "destructive", False: ""}
    print_table(
        ("table", "what", "does", "needs consent"),
        [(one.table, one.operation_type, one.description, marks[one.destructive]) for one in found.steps],
    )
    if found.destructive:
        say("Some steps lose data: apply them with --allow-data-loss.")
