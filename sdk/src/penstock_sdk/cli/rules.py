"""`penstock rules`: which records and fields of a table whom reads and writes."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter
from msgspec import UNSET

from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.rules import Rules
from penstock_sdk.cli._arguments import AppSlug, TableName, names, repeated
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit_list, emit_one, say
from penstock_sdk.cli._queries import read_json

app = App(name="rules", help="Which records and fields of a table whom reads and writes.")
_COLUMNS = ("id", "name", "subjects", "read", "write", "hidden_fields", "read_only_fields")
Number = Annotated[int, Parameter(help="Id of the rule.")]
Roles = Annotated[
    tuple[str, ...], repeated("Role on the table that it names; may be repeated.", name="--role")
]
Teams = Annotated[tuple[str, ...], repeated("Team that it names; may be repeated.", name="--team")]
Users = Annotated[tuple[str, ...], repeated("User that it names; may be repeated.", name="--user")]
Keys = Annotated[
    tuple[int, ...], repeated("Id of a service key that it names; may be repeated.", name="--service-key")
]
Read = Annotated[
    str | None,
    Parameter(help='What they read, as JSON such as `{"owner": "$user.id"}`; `{}` is all, `null` nothing.'),
]
Write = Annotated[str | None, Parameter(help="What they write, as JSON; when not given, what they read.")]
Hidden = Annotated[str | None, Parameter(help="Fields they do not know of, separated by commas.")]
ReadOnly = Annotated[str | None, Parameter(help="Fields they read and do not write, separated by commas.")]


@app.command(name="list")
def list_rules(app_slug: AppSlug, table: TableName, *, options: Options = DEFAULTS) -> None:
    """List the rules of a table."""
    with options.client() as client:
        emit_list(_of(client, app_slug, table).list(), _COLUMNS, as_json=options.json)


@app.command
def get(app_slug: AppSlug, table: TableName, number: Number, *, options: Options = DEFAULTS) -> None:
    """Show one rule."""
    with options.client() as client:
        emit_one(_of(client, app_slug, table).get(number), as_json=options.json)


@app.command
def create(
    app_slug: AppSlug,
    table: TableName,
    name: str,
    *,
    role: Roles = (),
    team: Teams = (),
    user: Users = (),
    service_key: Keys = (),
    read: Read = None,
    write: Write = None,
    hide: Hidden = None,
    read_only: ReadOnly = None,
    options: Options = DEFAULTS,
) -> None:
    """Make a rule; one that names nobody is for everyone.

    From the first rule of a table on, whoever is no admin of it reads and writes what rules let them.

    Parameters
    ----------
    name
        What the rule is called.
    """
    with options.client() as client:
        made = _of(client, app_slug, table).create(
            name,
            subjects=_subjects(role, team, user, service_key),
            read=_filter(read, "--read"),
            write=_filter(write, "--write"),
            hidden_fields=names(hide),
            read_only_fields=names(read_only),
        )
        emit_one(made, as_json=options.json)


@app.command
def update(
    app_slug: AppSlug,
    table: TableName,
    number: Number,
    *,
    name: str | None = None,
    role: Roles = (),
    team: Teams = (),
    user: Users = (),
    service_key: Keys = (),
    everyone: Annotated[bool, Parameter(negative=())] = False,
    read: Read = None,
    write: Write = None,
    hide: Hidden = None,
    read_only: ReadOnly = None,
    options: Options = DEFAULTS,
) -> None:
    """Change what is given; whom a rule names is given whole.

    Parameters
    ----------
    name
        What the rule is called.
    everyone
        Let it name everyone.
    """
    named = _subjects(role, team, user, service_key)
    if everyone and named is not None:
        raise CommandError("A rule is for everyone or for those it names, not for both.")
    with options.client() as client:
        changed = _of(client, app_slug, table).update(
            number,
            name=UNSET if name is None else name,
            subjects=UNSET if named is None and not everyone else named,
            read=_filter(read, "--read"),
            write=_filter(write, "--write"),
            hidden_fields=UNSET if hide is None else names(hide),
            read_only_fields=UNSET if read_only is None else names(read_only),
        )
        emit_one(changed, as_json=options.json)


@app.command
def delete(app_slug: AppSlug, table: TableName, number: Number, *, options: Options = DEFAULTS) -> None:
    """Delete a rule; a table without rules is open to every role."""
    with options.client() as client:
        _of(client, app_slug, table).delete(number)
    say(f"Rule {number} is deleted.")


def _subjects(
    roles: tuple[str, ...], teams: tuple[str, ...], users: tuple[str, ...], keys: tuple[int, ...]
) -> dict[str, list[Any]] | None:
    found: dict[str, list[Any]] = {
        "roles": [*roles],
        "teams": [*teams],
        "users": [*users],
        "keys": [*keys],
    }
    return found if any(found.values()) else None


def _filter(text: str | None, option: str) -> Any:
    return UNSET if text is None else read_json(text, option)


def _of(client: Client, app_slug: str, table: str) -> Rules:
    return client.app(app_slug).table(table).rules
