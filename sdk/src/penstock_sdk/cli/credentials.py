"""`penstock credentials`: encrypted access to outside systems."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Any, cast

from cyclopts import App, Parameter

from penstock_sdk._json import decode
from penstock_sdk._models import Credential, CredentialKind
from penstock_sdk._sync.client import Client
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_list, emit_one, say

app = App(name="credentials", help="Encrypted access to outside systems.")
_COLUMNS = ("id", "name", "kind", "check_ok", "checked_at")


@app.command(name="list")
def list_credentials(*, options: Options = DEFAULTS) -> None:
    """List the credentials of the org, without their secrets."""
    with options.client() as client:
        emit_list(client.credentials.list(), _COLUMNS, as_json=options.json)


@app.command
def add(
    name: str,
    kind: str,
    *,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    description: str | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Store a credential.

    Secrets are asked for, or read from standard input: a JSON object, or the value alone where a kind has one secret.
    They are never taken from the command line, which others on the machine can read.

    Parameters
    ----------
    name
        Name of the credential.
    kind
        The kind of system, such as `postgresql`.
    set_
        A setting, such as `host=db.example.com`; repeat it for each.
    description
        What it is for.
    """
    with options.client() as client:
        found = _kind(client, kind)
        settings = dict(_setting(found, item) for item in set_)
        made = client.credentials.create(
            name, kind, settings=settings, secrets=_secrets(found), description=description
        )
        emit_one(made, as_json=options.json)


@app.command
def check(credential: str, *, options: Options = DEFAULTS) -> int:
    """Try to connect; exit with 1 when it fails.

    Parameters
    ----------
    credential
        Id or name of the credential.
    """
    with options.client() as client:
        found = client.credentials.check(_find(client, credential).id)
    if options.json:
        emit(found)
    else:
        say(found.detail)
    return 0 if found.ok else 1


@app.command
def remove(credential: str, *, options: Options = DEFAULTS) -> None:
    """Delete a credential.

    Parameters
    ----------
    credential
        Id or name of the credential.
    """
    with options.client() as client:
        found = _find(client, credential)
        client.credentials.delete(found.id)
        say(f"Deleted the credential '{found.name}'.")


def _find(client: Client, text: str) -> Credential:
    """By name first, since a name may look like an id."""
    known = list(client.credentials.list())
    for found in (
        *(one for one in known if one.name == text),
        *(one for one in known if str(one.id) == text),
    ):
        return found
    raise CommandError(f"There is no credential '{text}'.")


def _kind(client: Client, name: str) -> CredentialKind:
    kinds = client.credentials.kinds()
    for kind in kinds:
        if kind.kind == name:
            return kind
    known = ", ".join(kind.kind for kind in kinds)
    raise CommandError(f"'{name}' is not a kind of credential; kinds are: {known}.")


def _setting(kind: CredentialKind, item: str) -> tuple[str, Any]:
    """`name=value`; a number where the kind wants one."""
    name, equals, text = item.partition("=")
    if not equals:
        raise CommandError(f"A setting is written name=value, and '{item}' is not.")
    wanted: Any = kind.settings.get("properties", {}).get(name, {}).get("type")
    if wanted != "integer":
        return name, text
    try:
        return name, int(text)
    except ValueError:
        raise CommandError(f"{name} is a whole number, and '{text}' is none.") from None


def _secrets(kind: CredentialKind) -> dict[str, Any]:
    names = list(kind.secrets.get("properties", {}))
    if sys.stdin.isatty():
        answers = {name: getpass.getpass(f"{name}: ") for name in names}
        return {name: answer for name, answer in answers.items() if answer}
    text = sys.stdin.read().strip()
    if not text.startswith("{") and len(names) == 1:
        return {names[0]: text} if text else {}
    try:
        found = decode(text.encode())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CommandError(f"Standard input must hold a JSON object with {', '.join(names)}.")
    return cast("dict[str, Any]", found)
