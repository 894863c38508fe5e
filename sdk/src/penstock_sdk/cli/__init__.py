"""The `penstock` command: its commands and how they end.

A command is arguments, one call of the client and one printer. The modules of commands are loaded when used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App

from penstock_sdk._version import __version__

app = App(
    name="penstock",
    help="Tables as a REST API on PostgreSQL: run a server, and work with one.",
    version=__version__,
    version_flags=["--version"],
    help_format="markdown",
)

_COMMANDS = "penstock_sdk.cli"
for _path, _name, _group, _help in (
    ("demo:demo", "demo", "Server", "Start a server with real data to play with."),
    ("server:serve", "serve", "Server", "Run a server."),
    ("server:migrate", "migrate", "Server", "Bring the database to this version."),
    ("server:backup", "backup", "Server", "Write a backup of everything."),
    ("server:restore", "restore", "Server", "Put a backup back."),
    ("doctor:doctor", "doctor", "Server", "Check the installation and say what is wrong."),
    ("login:login", "login", "Data", "Save a server and a key for it."),
    ("apps:app", "apps", "Data", "The apps of a server."),
    ("sources:app", "sources", "Data", "The data sources of an app."),
    ("tables:app", "tables", "Data", "The table definitions of an app."),
    ("records:app", "records", "Data", "The records of a table."),
):
    app.command(f"{_COMMANDS}.{_path}", name=_name, group=_group, help=_help)


def main() -> None:
    """Runs the command line of this process; exits with 0 when done, 1 on an error, 2 on wrong usage."""
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and gives its exit code; an error is one sentence on stderr."""
    from penstock_sdk._errors import PenstockError  # noqa: PLC0415
    from penstock_sdk.cli._output import report_error  # noqa: PLC0415

    try:
        result = app(list(arguments), result_action="return_value")
    except PenstockError as error:
        report_error(error)
        return 1
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough; stdout must not complain when it is closed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        report_error(error)
        return 1
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0
