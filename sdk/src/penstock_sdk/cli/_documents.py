"""`penstock queries pull` and `apply`: queries, dashboards and alerts as files for git, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from penstock_sdk._dialect import applying, yaml_files
from penstock_sdk._dialect.server import Dialect
from penstock_sdk._dialect.state import state_of
from penstock_sdk._dialect.wanted import WrongDocumentError, completed
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import emit, say

# What `apply --dry-run` ends with when there is something to do.
CHANGES = 3


def pull(directory: Path, *, options: Options = DEFAULTS) -> None:
    """Write queries, dashboards and alerts to YAML files, one for each, and remove the files of those that are gone.

    The files hold no number of the server and no secret. Nothing has changed when nothing has changed.

    Parameters
    ----------
    directory
        Where the folders `queries`, `dashboards` and `alerts` are.
    """
    with options.client() as client:
        documents = state_of(Dialect(client)).documents()
    changed = yaml_files.write(directory, documents)
    if options.json:
        emit([str(path) for path in changed])
    say(
        f"{sum(map(len, documents.values())):,} files in {directory}, {len(changed):,} of them changed or removed."
    )


def apply(
    directory: Path,
    *,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    prune: Annotated[bool, Parameter(negative=())] = False,
    options: Options = DEFAULTS,
) -> int:
    """Bring queries, dashboards and alerts to what the files say. Doing it again does nothing.

    Parameters
    ----------
    directory
        Where the folders `queries`, `dashboards` and `alerts` are.
    dry_run
        Only print what would be done; ends with 3 when that is anything.
    prune
        Also archive what has no file.
    """
    try:
        wanted = completed(yaml_files.read(directory))
        if not any(wanted.values()):
            raise CommandError(
                f"{directory} has no folder 'queries', 'dashboards' or 'alerts' with YAML files."
            )
        with options.client() as client:
            server = Dialect(client)
            state = state_of(server)
            steps = applying.plan(state, wanted, prune=prune)
            if not dry_run and steps:
                applying.apply(server, state, wanted, steps)
    except (yaml_files.UnreadableDocumentError, WrongDocumentError) as error:
        raise CommandError(str(error)) from error
    if options.json:
        emit(
            [
                {"action": one.action, "kind": one.kind, "key": one.key, "fields": list(one.fields)}
                for one in steps
            ]
        )
    else:
        for step in steps:
            print(step)
    if not steps:
        say("Nothing to do.")
    return CHANGES if dry_run and steps else 0
