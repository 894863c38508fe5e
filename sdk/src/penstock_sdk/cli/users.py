"""`penstock users`: who belongs to the org."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import App, Parameter

from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_list, emit_one, say

app = App(name="users", help="Who belongs to the org: inviting, letting in again, disabling.")
_COLUMNS = ("id", "username", "name", "email", "role", "is_disabled", "is_invitation_pending")
User = Annotated[str, Parameter(help="Username or id.")]


@app.command(name="list")
def list_users(
    q: str | None = None,
    *,
    disabled: bool | None = None,
    pending: bool | None = None,
    options: Options = DEFAULTS,
) -> None:
    """List users.

    Parameters
    ----------
    q
        Part of a name or an address.
    disabled
        Only those who are disabled, or only others.
    pending
        Only those who have not come yet, or only others.
    """
    with options.client() as client:
        found = client.users.list(q=q, disabled=disabled, pending=pending)
        emit_list(found, _COLUMNS, as_json=options.json)


@app.command
def show(user: User, *, options: Options = DEFAULTS) -> None:
    """Print one user."""
    with options.client() as client:
        emit_one(client.users.get(user), as_json=options.json)


@app.command
def invite(
    email: str,
    name: str | None = None,
    *,
    mail: bool = True,
    again: Annotated[bool, Parameter(negative=())] = False,
    options: Options = DEFAULTS,
) -> None:
    """Invite somebody, by mail where the server sends mail; else the link is printed for them.

    Parameters
    ----------
    email
        Their address; with `--again` also the username.
    name
        What they are called; the address when not given.
    mail
        Whether a letter is sent where mail is.
    again
        Invite once more who has not come yet.
    """
    with options.client() as client:
        if again:
            known = next(
                (one.id for one in client.users.list(q=email) if email in (one.email, one.username)), email
            )
            made = client.users.invite(known)
        else:
            made = client.users.create(name or email, email, mail=mail)
    if options.json:
        emit(made)
    elif made.invite_link:
        sys.stdout.write(made.invite_link + "\n")
    else:
        say(f"A letter with an invitation is on its way to {made.email}.")


@app.command
def reset(user: User, *, options: Options = DEFAULTS) -> None:
    """Print a link by which a user sets another password."""
    with options.client() as client:
        link = client.users.reset_link(user)
    if options.json:
        emit({"reset_link": link})
    else:
        sys.stdout.write(link + "\n")


@app.command
def disable(
    user: User, *, off: Annotated[bool, Parameter(negative=())] = False, options: Options = DEFAULTS
) -> None:
    """Let a user in no more.

    Parameters
    ----------
    off
        Let them in again.
    """
    with options.client() as client:
        (client.users.enable if off else client.users.disable)(user)
    say(f"{user} is let in again." if off else f"{user} is disabled.")


@app.command
def remove(user: User, *, options: Options = DEFAULTS) -> None:
    """Take a user out of the org."""
    with options.client() as client:
        client.users.remove(user)
    say(f"{user} belongs to the org no longer.")
