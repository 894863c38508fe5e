"""`penstock data-sources`: the data sources of queries, those of apps and foreign ones."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Any, cast

from cyclopts import App, Parameter

from penstock_sdk._sync.client import Client
from penstock_sdk.cli._arguments import Data, repeated
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_list, emit_one, print_table, say
from penstock_sdk.cli._queries import read_json

app = App(
    name="data-sources", help="What queries ask: data sources of apps, and foreign databases and files."
)
_COLUMNS = ("id", "name", "type", "slug", "paused", "view_only")
Number = Annotated[int, Parameter(help="Number of the data source.")]
Settings = Annotated[
    tuple[str, ...], repeated("An option that is no secret, such as `host=db.example.com`.", name="--set")
]
Secrets = Annotated[
    str | None,
    Parameter(help="Secrets as a JSON object; `-` reads it from standard input. Asked for when not given."),
]


@app.command(name="list")
def list_sources(*, options: Options = DEFAULTS) -> None:
    """List the data sources that one may ask."""
    with options.client() as client:
        emit_list(client.data_sources.list(), _COLUMNS, as_json=options.json)


@app.command
def show(number: Number, *, options: Options = DEFAULTS) -> None:
    """Print one data source; for admins with its options, secrets hidden."""
    with options.client() as client:
        emit_one(client.data_sources.get(number), as_json=options.json)


@app.command
def types(*, options: Options = DEFAULTS) -> None:
    """List the types of foreign data sources with their options."""
    with options.client() as client:
        found = client.data_sources.kinds()
    if options.json:
        emit(found)
        return
    rows = [[one.type, one.name, ", ".join(one.configuration_schema.get("properties", {}))] for one in found]
    print_table(("type", "name", "options"), rows)


@app.command
def create(
    name: str,
    type: str,
    *,
    settings: Settings = (),
    secrets: Secrets = None,
    credential: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Connect a foreign database, or files. Secrets are never words of the command line, which others can read.

    Parameters
    ----------
    name
        What it is called.
    type
        Such as `postgresql`; `penstock data-sources types` lists them.
    credential
        Name of a credential that is there, in place of options.
    """
    with options.client() as client:
        wanted: dict[str, Any] = {"credential": credential} if credential else _given(settings)
        if not credential:
            wanted |= _asked(client, type) if secrets is None else _object(secrets)
        emit_one(client.data_sources.create(name, type, wanted), as_json=options.json)


@app.command
def update(
    number: Number,
    *,
    name: str | None = None,
    settings: Settings = (),
    secrets: Annotated[
        str | None, Parameter(help="Secrets as a JSON object; `-` reads it from standard input.")
    ] = None,
    options: Options = DEFAULTS,
) -> None:
    """Change what is given; options that are not named stay, secrets as long as host, port and TLS do.

    Parameters
    ----------
    name
        What it is called from now on.
    """
    with options.client() as client:
        wanted = None
        if settings or secrets is not None:
            present = client.data_sources.get(number).options or {}
            wanted = {**present, **_given(settings), **({} if secrets is None else _object(secrets))}
        emit_one(client.data_sources.update(number, name=name, options=wanted), as_json=options.json)


@app.command
def test(number: Number, *, options: Options = DEFAULTS) -> int:
    """Try to connect; exit with 1 when it fails."""
    with options.client() as client:
        found = client.data_sources.test(number)
    if options.json:
        emit(found)
    else:
        say(found.message)
    return 0 if found.ok else 1


@app.command
def tables(
    number: Number, *, refresh: Annotated[bool, Parameter(negative=())] = False, options: Options = DEFAULTS
) -> None:
    """List its tables and columns.

    Parameters
    ----------
    refresh
        Have the server look them up anew.
    """
    with options.client() as client:
        found = client.data_sources.tables(number, refresh=refresh)
    if options.json:
        emit(found)
        return
    rows = [[one.name, name, kind] for one in found for name, kind in one.columns.items()]
    print_table(("table", "column", "type"), rows)


@app.command
def pause(number: Number, *, reason: str | None = None, options: Options = DEFAULTS) -> None:
    """Have nobody ask it for a while.

    Parameters
    ----------
    reason
        What those are told who ask.
    """
    with options.client() as client:
        client.data_sources.pause(number, reason)
    say(f"Data source {number} is paused.")


@app.command
def resume(number: Number, *, options: Options = DEFAULTS) -> None:
    """Let it be asked again."""
    with options.client() as client:
        client.data_sources.resume(number)
    say(f"Data source {number} is asked again.")


@app.command
def delete(number: Number, *, options: Options = DEFAULTS) -> None:
    """Disconnect it: its results go, its queries stay without a data source."""
    with options.client() as client:
        client.data_sources.delete(number)
    say(f"Data source {number} is deleted.")


def _given(settings: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in settings:
        name, sign, value = item.partition("=")
        if not name or not sign:
            raise CommandError(f"'{item}' is no option; write name=value.")
        # What a schema calls a number or a truth value is one; any other text is as it is.
        found[name] = {"true": True, "false": False}.get(value, int(value) if value.isdecimal() else value)
    return found


def _object(text: Data) -> dict[str, Any]:
    found = read_json(text, "--secrets")
    if not isinstance(found, dict):
        raise CommandError("--secrets is a JSON object.")
    return cast("dict[str, Any]", found)


def _asked(client: Client, type: str) -> dict[str, Any]:
    """The secrets that a type asks for, from whoever sits at the terminal."""
    kind = next((one for one in client.data_sources.kinds() if one.type == type), None)
    if kind is None or not sys.stdin.isatty():
        return {}
    needed, required = (
        cast("list[str]", kind.configuration_schema.get(name, [])) for name in ("secret", "required")
    )
    entered = {name: getpass.getpass(f"{name}: ") for name in needed if name in required}
    return {name: value for name, value in entered.items() if value}
