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
    help="Tables as a REST API and SQL on PostgreSQL: run a server, and work with one.",
    version=__version__,
    version_flags=["--version"],
    help_format="markdown",
)

_COMMANDS = "penstock_sdk.cli"
for _path, _group in (
    ("demo:demo", "Server"),
    ("server:serve", "Server"),
    ("server:worker", "Server"),
    ("server:migrate", "Server"),
    ("server:backup", "Server"),
    ("server:restore", "Server"),
    ("doctor:doctor", "Server"),
    ("login:login", "Data"),
    ("apps:app", "Data"),
    ("sources:app", "Data"),
    ("tables:app", "Data"),
    ("schema:app", "Data"),
    ("records:app", "Data"),
    ("query:query", "Queries"),
    ("queries:app", "Queries"),
    ("data_sources:app", "Queries"),
    ("snippets:app", "Queries"),
    ("dashboards:app", "Queries"),
    ("alerts:app", "Queries"),
    ("scripts:gdpr_scrub", "Queries"),
    ("scripts:find_tables", "Queries"),
    ("scripts:clone_dashboard_and_queries", "Queries"),
    ("scripts:export_queries", "Queries"),
    ("scripts:import_queries", "Queries"),
    ("mcp:mcp", "Queries"),
    ("quarantine:app", "Data"),
    ("edges:app", "Data"),
    ("webhooks:app", "Data"),
    ("credentials:app", "Data"),
    ("users:app", "People"),
    ("teams:app", "People"),
    ("access:app", "People"),
    ("rules:app", "People"),
    ("audit:app", "People"),
    ("gen:app", "Data"),
):
    _module, _, _attribute = _path.partition(":")
    _name = (_module if _attribute == "app" else _attribute).replace("_", "-")
    app.command(f"{_COMMANDS}.{_path}", name=_name, group=_group)


def main() -> None:
    """Runs the command line of this process; exits with 0 when done, 1 on an error, 2 on wrong usage."""
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: Sequence[str], command: App = app) -> int:
    """Runs one command line and gives its exit code; an error is one sentence on stderr."""
    from penstock_sdk._errors import PenstockError
    from penstock_sdk.cli._output import report_error

    if command is app and (not arguments or arguments[0] in app.help_flags):
        load_commands()
    try:
        result = command(list(arguments), result_action="return_value")
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


def load_commands() -> None:
    """Loads the modules of all commands, whose docstrings are the help."""
    for name in list(app):
        app[name]
