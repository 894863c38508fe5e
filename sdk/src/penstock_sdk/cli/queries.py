"""`penstock queries`: the saved queries of an org."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
from cyclopts import App, Parameter

from penstock_sdk._query_models import SavedQuery
from penstock_sdk.cli import _documents, _versions
from penstock_sdk.cli._answers import (
    Format,
    MaxAge,
    Output,
    Rows,
    Seconds,
    Source,
    Values,
    answer,
    parameters_of,
    source_of,
)
from penstock_sdk.cli._arguments import Data, repeated
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_list, emit_one, print_table, say
from penstock_sdk.cli._progress import running
from penstock_sdk.cli._queries import read_json

app = App(name="queries", help="Saved queries: list, change and run them, and keep them in git.")
app.command(_documents.pull)
app.command(_documents.apply)
_COLUMNS = ("id", "name", "data_source_id", "tags", "updated_at")
Number = Annotated[int, Parameter(help="Number of the query.")]
Tags = Annotated[tuple[str, ...], repeated("Tag; may be repeated.", name="--tag")]
Definitions = Annotated[
    str | None,
    Parameter(
        help='Parameters as a JSON array, such as `[{"name": "day", "type": "date", "value": "d_now"}]`.'
    ),
]


@app.command(name="list")
def list_queries(
    *,
    q: str | None = None,
    tag: Tags = (),
    order: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    which: Literal["all", "my", "favorites", "archive"] = "all",
    limit: int = 100,
    options: Options = DEFAULTS,
) -> None:
    """List queries.

    Parameters
    ----------
    q
        Words that the query holds.
    order
        `name`, `created_at`, `executed_at`, `runtime` or `created_by`; `-name` is descending.
    which
        All queries, your own, your favorites, or those that are archived.
    limit
        Most queries to list.
    """
    with options.client() as client:
        found = client.queries.list(q=q, tags=tag, order=order, which=which)
        emit_list(map(_shown, islice(found, limit)), _COLUMNS, as_json=options.json)


@app.command
def show(number: Number, *, options: Options = DEFAULTS) -> None:
    """Print a query: its text, or with --json all of it."""
    with options.client() as client:
        found = client.queries.get(number)
    if options.json:
        emit(_shown(found))
    else:
        print(found.query)


@app.command
def run(
    number: Number,
    *,
    param: Values = (),
    max_age: MaxAge = None,
    format: Format = None,
    output: Output = None,
    rows: Rows = 100,
    seconds: Seconds = None,
    options: Options = DEFAULTS,
) -> None:
    """Run a query and print the rows, or write them to a file. Ctrl-C cancels it in the database."""
    values = parameters_of(param)
    with options.client() as client:
        with running() as tell:
            found = client.queries.run_and_wait(
                number, parameters=values, max_age=max_age, seconds=seconds, on_progress=tell
            )
        answer(found, format, output, rows, as_json=options.json)


@app.command
def create(
    name: str,
    sql: Data,
    *,
    source: Source = None,
    description: str | None = None,
    parameters: Definitions = None,
    tag: Tags = (),
    options: Options = DEFAULTS,
) -> None:
    """Save a query.

    Parameters
    ----------
    name
        What it is called.
    sql
        Its text; `-` reads it from standard input, `@file` from a file.
    description
        What it is for.
    """
    with options.client() as client:
        made = client.queries.create(
            name,
            _text(sql),
            source=source_of(source),
            description=description,
            parameters=_definitions(parameters),
            tags=tag or None,
        )
        emit_one(_shown(made), as_json=options.json)


@app.command
def update(
    number: Number,
    *,
    name: str | None = None,
    sql: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    source: Source = None,
    description: str | None = None,
    parameters: Definitions = None,
    tag: Tags = (),
    draft: bool | None = None,
    version: int | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Change what is given.

    Parameters
    ----------
    name
        What it is called.
    sql
        Its text; `-` reads it from standard input, `@file` from a file.
    description
        What it is for.
    draft
        Whether it is a draft.
    version
        The version that is changed; a query that has left it stays as it is, and that is an error.
    """
    with options.client() as client:
        changed = client.queries.update(
            number,
            name=name,
            sql=None if sql is None else _text(sql),
            source=source_of(source),
            description=description,
            parameters=_definitions(parameters),
            tags=tag or None,
            is_draft=draft,
            version=version,
        )
        emit_one(_shown(changed), as_json=options.json)


@app.command
def fork(number: Number, *, options: Options = DEFAULTS) -> None:
    """Make a copy of your own, with its visualizations."""
    with options.client() as client:
        emit_one(_shown(client.queries.fork(number)), as_json=options.json)


@app.command
def archive(number: Number, *, options: Options = DEFAULTS) -> None:
    """Put a query out of the lists; it stays readable by its number."""
    with options.client() as client:
        client.queries.archive(number)
    say(f"Query {number} is archived.")


@app.command
def sources(*, options: Options = DEFAULTS) -> None:
    """List the data sources that queries ask."""
    with options.client() as client:
        found = client.data_sources.list()
    if options.json:
        emit(found)
        return
    print_table(
        ("id", "source", "type", "name"), [(one.id, one.reference, one.type, one.name) for one in found]
    )


@app.command
def jobs(
    job: str, *, cancel: Annotated[bool, Parameter(negative=())] = False, options: Options = DEFAULTS
) -> None:
    """Print how a run of a query stands.

    Parameters
    ----------
    job
        Id of the run.
    cancel
        Cancel it first.
    """
    with options.client() as client:
        if cancel:
            client.jobs.cancel(job)
        found = client.jobs.get(job)
        emit_one(found, as_json=options.json)


def _shown(query: SavedQuery) -> SavedQuery:
    """Without its key, which what is printed would take to logs."""
    return msgspec.structs.replace(query, api_key=None)


def _text(sql: str) -> str:
    if sql == "-":
        return sys.stdin.read()
    return Path(sql[1:]).read_text("utf-8") if sql.startswith("@") else sql


def _definitions(text: str | None) -> list[dict[str, Any]] | None:
    if text is None:
        return None
    found = read_json(text, "--parameters")
    if not isinstance(found, list):
        raise CommandError("--parameters is a JSON array of definitions.")
    return cast("list[dict[str, Any]]", found)


for _command in _versions.COMMANDS:
    app.command(_command)
