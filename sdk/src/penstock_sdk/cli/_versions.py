"""The commands of `penstock queries` about what queries were, and who may do what with them."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, emit_list, emit_one, print_table, say

_COLUMNS = ("version", "created_at", "user", "changed")
Number = Annotated[int, Parameter(help="Number of the query.")]
Version = Annotated[int, Parameter(help="Number of the version.")]
Right = Literal["view", "modify", "delete"]


def versions(number: Number, *, options: Options = DEFAULTS) -> None:
    """List what a query was, the newest first."""
    with options.client() as client:
        found = client.queries.versions(number)
        if options.json:
            emit_list(found, _COLUMNS, as_json=True)
            return
        rows = [
            [one.version, one.created_at, one.user and one.user.name, ", ".join(one.changed or ())]
            for one in found
        ]
    print_table(_COLUMNS, rows)


def diff(
    number: Number,
    version: Version,
    *,
    with_: Annotated[int | None, Parameter(name="--with")] = None,
    options: Options = DEFAULTS,
) -> None:
    """Print what a version changed.

    Parameters
    ----------
    with_
        Since this version; since the one before when not given.
    """  # fmt: skip
    with options.client() as client:
        found = client.queries.diff(number, version, with_)
    if options.json:
        emit(found)
        return
    rows = [[name, change] for name, change in found.changes.items() if name != "query"]
    if rows:
        print_table(("field", "change"), rows)
    sys.stdout.write(found.diff + ("\n" if found.diff and not found.diff.endswith("\n") else ""))


def restore(number: Number, version: Version, *, options: Options = DEFAULTS) -> None:
    """Make a query what it was, which is another version."""
    with options.client() as client:
        emit_one(client.queries.restore(number, version), as_json=options.json)


def rights(number: Number, *, options: Options = DEFAULTS) -> None:
    """List who may do what with a query whatever their role."""
    with options.client() as client:
        found = client.queries.rights(number)
    if options.json:
        emit(found)
        return
    print_table(
        ("right", "id", "name"), [[kind, one.id, one.name] for kind, who in found.items() for one in who]
    )


def allow(
    number: Number,
    user: int,
    right: Right = "modify",
    *,
    off: Annotated[bool, Parameter(negative=())] = False,
    options: Options = DEFAULTS,
) -> None:
    """Let somebody see, change or archive a query whatever their role.

    Parameters
    ----------
    user
        Number of the user.
    right
        What they may do.
    off
        Take the right.
    """  # fmt: skip
    with options.client() as client:
        (client.queries.disallow if off else client.queries.allow)(number, user, right)
    say(
        f"User {user} has no right to {right} query {number} of their own."
        if off
        else f"User {user} may {right} query {number}."
    )


COMMANDS = (versions, diff, restore, rights, allow)
