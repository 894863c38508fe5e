"""`penstock query`: asks SQL and prints what it finds."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

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
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._progress import running


def query(
    sql: Annotated[str, Parameter(allow_leading_hyphen=True)],
    *,
    source: Source = None,
    param: Values = (),
    max_age: MaxAge = 0,
    format: Format = None,
    output: Output = None,
    rows: Rows = 100,
    seconds: Seconds = None,
    options: Options = DEFAULTS,
) -> None:
    """Ask SQL and print the rows, or write them to a file. Ctrl-C cancels the query in the database.

    Parameters
    ----------
    sql
        One SELECT; `-` reads it from standard input. `{{ name }}` stands for the value of a parameter.
    """
    text = sys.stdin.read() if sql == "-" else sql
    if not text.strip():
        raise CommandError("The query is empty.")
    values = parameters_of(param)
    with options.client() as client:
        with running() as tell:
            found = client.queries.run_and_wait(
                text,
                source=source_of(source),
                parameters=values,
                max_age=max_age,
                seconds=seconds,
                on_progress=tell,
            )
        answer(found, format, output, rows, as_json=options.json)
