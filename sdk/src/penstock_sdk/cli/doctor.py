"""`penstock doctor`: checks installation, configuration and connection, and says what is wrong."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from penstock_sdk._config import load_profiles, profile_path
from penstock_sdk._errors import PenstockError
from penstock_sdk._version import __version__
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options
from penstock_sdk.cli._output import console, emit, print_table
from penstock_sdk.cli.server import server_commands


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `detail` says what was found, or what to do."""

    name: str
    ok: bool
    detail: str


def doctor(
    *,
    data_dir: Path | None = None,
    database_url: str | None = None,
    config: Path | None = None,
    options: Options = DEFAULTS,
) -> int:
    """Check the installation, the configuration and the connection; exit with 1 when something is wrong.

    Parameters
    ----------
    data_dir
        Data directory of the server on this machine; ./penstock-data unless set.
    database_url
        PostgreSQL that the server on this machine uses instead of the embedded one.
    config
        File of settings of that server.
    """
    checks = [*_installation(), *_profiles(), *_server(data_dir, database_url, config), *_connection(options)]
    if options.json:
        emit([asdict(check) for check in checks])
    else:
        print_table(
            ("", "check", "found"),
            [("ok" if item.ok else "WRONG", item.name, item.detail) for item in checks],
        )
        wrong = sum(not item.ok for item in checks)
        console().print(
            "Everything is in order." if not wrong else f"{wrong} of {len(checks)} checks failed."
        )
    return 0 if all(check.ok for check in checks) else 1


def _installation() -> Iterator[Check]:
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("Python", sys.version_info >= (3, 11), f"{python} (3.11 or later is needed)")
    yield Check("penstock-sdk", True, __version__)
    try:
        server = version("penstock")
    except PackageNotFoundError:
        yield Check("penstock", True, "the server is not installed; this machine is a client only")
    else:
        agree = server == __version__
        yield Check(
            "penstock", agree, server if agree else f"{server} does not match penstock-sdk {__version__}"
        )
    arrow = find_spec("pyarrow") is not None
    yield Check("Parquet", True, "available" if arrow else "not available: pip install 'penstock-sdk[arrow]'")


def _profiles() -> Iterator[Check]:
    path = profile_path()
    try:
        saved = load_profiles(path)
    except PenstockError as error:
        yield Check("profiles", False, str(error))
        return
    if not path.exists():
        yield Check("profiles", True, "none saved (penstock login saves one)")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    private = sys.platform == "win32" or mode & 0o077 == 0
    names = ", ".join(sorted(saved.profiles))
    yield Check("profiles", private, names if private else f"others can read {path}: chmod 600 '{path}'")


def _server(data_dir: Path | None, database_url: str | None, config: Path | None) -> Iterator[Check]:
    try:
        commands = server_commands()
    except CommandError as error:
        if find_spec("penstock") is not None:
            yield Check("server", False, str(error))
        return
    diagnose: Callable[..., list[Check]] = commands.diagnose
    for found in diagnose(data_dir, database_url, config):
        yield Check(found.name, found.ok, found.detail)


def _connection(options: Options) -> Iterator[Check]:
    try:
        with options.client() as client:
            health = client.health()
            agree = health.version in ("", __version__)
            detail = f"{client.base_url} answers, version {health.version or 'unknown'}"
            yield Check("connection", agree, detail if agree else f"{detail}, this client is {__version__}")
            yield Check("caller", True, client.users.me().username)
    except PenstockError as error:
        # A machine without a running server is in order unless somebody asked for that server.
        asked = options.url is not None or options.profile is not None or error.status is not None
        detail = str(error) if asked else f"not checked: {error}"
        yield Check("caller" if error.status else "connection", not asked, detail)
