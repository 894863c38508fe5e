"""`penstock demo`: a server with real data after one command, and a check of its answers.

The data are in `demo_data`, the printed examples in `demo_examples`, the comparison in `demo_check`.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn, cast

import msgspec
from cyclopts import Parameter
from rich.text import Text

from penstock_sdk import _json
from penstock_sdk._config import write_private
from penstock_sdk._errors import ConnectionFailedError, PenstockError, UnauthorizedError
from penstock_sdk._sync.client import Client
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._output import cell, console, print_table, say
from penstock_sdk.cli._progress import progress
from penstock_sdk.cli.demo_check import Comparison, compare, difference
from penstock_sdk.cli.demo_dashboard import SLUG, make_dashboard
from penstock_sdk.cli.demo_data import APP, TOTAL, load_all, package_file
from penstock_sdk.cli.demo_examples import EXAMPLES, answer

_KEY_FILE = "demo-key"
_LOG_FILE = "demo-server.log"
# A database that was not shut down properly may take minutes to recover.
_START_SECONDS = 600
_STOP_SECONDS = 40
_SHOWN_ROWS = 5


def demo(
    *,
    data_dir: Path = Path("penstock-data"),
    port: int = 5001,
    check: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Start a server with the flights that left New York City in 2013: five tables, 336,776 flights.

    The data are loaded through the public API the first time; later starts find them. Prints address, key and
    five examples, then serves until Ctrl-C.

    Parameters
    ----------
    data_dir
        Directory of the server's data.
    port
        Port to listen on.
    check
        Compare the API's answers with the source files, print the result and stop.
    """
    package_file("airlines.csv")  # say what is missing before anything is started
    url = f"http://127.0.0.1:{port}"
    try:
        with ExitStack() as until_loaded, ExitStack() as until_stopped:
            until_loaded.enter_context(_turn(data_dir))
            key = _key(data_dir)
            server = until_stopped.enter_context(_running_server(data_dir, port, key))
            client = until_stopped.enter_context(Client(url, key=key, decimals=True))
            _load(client)
            if make_dashboard(client):
                say("A dashboard of the flights was made.")
            until_loaded.close()
            if check:
                return _check(client, url, key)
            _introduce(client, url, key)
            if server is None:
                say(f"The server was running already and goes on; it serves {data_dir}.")
                return 0
            say("Serving until Ctrl-C.")
            return server.wait()
    except KeyboardInterrupt:
        return 0


@contextmanager
def _turn(data_dir: Path) -> Generator[None]:
    """One at a time starts on a directory and fills it; those who come meanwhile wait, and find it filled."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = os.open(data_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another demo that is starting on {data_dir} …")
            fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _key(data_dir: Path) -> str:
    """The key of the demo's administrator: of the environment, or of an earlier run, or a new one."""
    given = os.environ.get("PENSTOCK_ADMIN_KEY") or os.environ.get("PENSTOCK_KEY")
    if given:
        return given
    file = data_dir / _KEY_FILE
    if file.exists():
        return file.read_text().strip()
    if any(data_dir.iterdir()):
        raise CommandError(
            f"{data_dir} was not made by this command; give a key of its administrator by PENSTOCK_KEY, "
            "or choose another directory with --data-dir."
        )
    key = f"demo_{secrets.token_urlsafe(32)}"
    write_private(file, key.encode() + b"\n")
    return key


@contextmanager
def _running_server(data_dir: Path, port: int, key: str) -> Generator[subprocess.Popen[bytes] | None]:
    """A server on the port; None when one that knows the key is there already. Stops what it started."""
    url = f"http://127.0.0.1:{port}"
    if _answers(url, key):
        yield None
        return
    say(f"Starting a server on {data_dir} …")
    log = data_dir / _LOG_FILE
    # The log of the first start shows the administrator's password.
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        server = subprocess.Popen(  # noqa: S603 - our own command
            [
                sys.executable,
                "-m",
                "penstock_sdk.cli",
                "serve",
                "--data-dir",
                str(data_dir),
                "--port",
                str(port),
            ],
            env=os.environ | {"PENSTOCK_ADMIN_KEY": key},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread
        )
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        _await(server, url, key, log)
        yield server
    finally:
        _stop(server)
        signal.signal(signal.SIGTERM, previous)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """In the new process: be told to stop when the demo is killed (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _answers(url: str, key: str) -> bool:
    """Whether a server that knows the key is at the address. A CommandError when another program is."""
    port = url.rpartition(":")[2]
    with Client(url, key=key, retries=0, timeout=5) as client:
        try:
            client.users.me()
        except ConnectionFailedError:
            return False
        except UnauthorizedError as error:
            raise CommandError(
                f"Port {port} serves another data directory; choose another port with --port."
            ) from error
        except (PenstockError, msgspec.MsgspecError, AttributeError) as error:
            raise CommandError(f"Port {port} is taken by another program; choose one with --port.") from error
    return True


def _await(server: subprocess.Popen[bytes], url: str, key: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with Client(url, key=key, retries=0, timeout=5) as client:
        while time.monotonic() < deadline:
            if server.poll() is not None:
                raise CommandError(f"The server did not start; the end of {log} says:\n{_end_of(log)}")
            try:
                client.users.me()
            except UnauthorizedError as error:
                raise CommandError(
                    f"The server on this data directory does not know the key in {_KEY_FILE}; "
                    "give one of its administrator by PENSTOCK_KEY."
                ) from error
            except PenstockError:
                time.sleep(0.1)
            else:
                return
    raise CommandError(f"The server is not ready after {_START_SECONDS} seconds; see {log}.")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Stops the server and waits; a Ctrl-C of the terminal has reached it too."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _load(client: Client) -> None:
    started = time.monotonic()
    with progress("Loading", TOTAL) as on_progress:
        stored = load_all(client, on_progress)
    if stored:
        say(f"{stored:,} rows loaded through the API in {time.monotonic() - started:.1f} s.")
    else:
        say("The data are loaded already.")


def _introduce(client: Client, url: str, key: str) -> None:
    out = console()
    out.print(Text.assemble("\nAddress  ", (url, "bold"), "\nKey      ", (key, "bold")))
    out.print(Text(f"Docs     {url}/docs\nRecords  {url}/api/apps/{APP}/datatables/flights/data/"))
    out.print(Text(f"Page     {url}/dashboards/{SLUG}?api_key={key}"), soft_wrap=True)
    for number, example in enumerate(EXAMPLES, 1):
        out.print(Text(f"\n{number}. {example.question}", style="bold"))
        out.print(Text(f"$ {example.command(url, key)}"), soft_wrap=True)
        out.print(Text(_shown(answer(client, example)), style="dim"), soft_wrap=True)
    out.print()


def _shown(body: dict[str, Any]) -> str:
    """An answer, one record a line, cut after a few."""
    data = body["data"]
    if isinstance(data, dict):
        return _json.encode(body).decode()
    lines = [_json.encode(row).decode() for row in data[:_SHOWN_ROWS]]
    if len(data) > _SHOWN_ROWS:
        lines.append(f"… {len(data) - _SHOWN_ROWS} more")
    rest = _json.encode({name: value for name, value in body.items() if name != "data"}).decode()
    return '{"data": [\n  ' + ",\n  ".join(lines) + f"],\n {rest[1:]}"


def _check(client: Client, url: str, key: str) -> int:
    results: list[Comparison] = []
    for result in compare(client, url, key, lambda name: say(f"Checking {name} …")):
        results.append(result)
    rows = [
        (
            "ok" if item.ok else "WRONG",
            item.name,
            _brief(item.expected),
            "the same" if item.ok else _brief(difference(item.expected, item.found)),
        )
        for item in results
    ]
    print_table(("", "check", "from the files", "from the API"), rows)
    wrong = sum(not item.ok for item in results)
    console().print(f"{len(results)} checks, {wrong} wrong.")
    return 1 if wrong else 0


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(cast('list[Any]', value)):,} rows"
    if isinstance(value, tuple):
        total, rows = cast("tuple[Any, Any]", value)
        return f"{total:,} in all; {_brief(rows)}"
    text = f"{value:,}" if isinstance(value, int) else cell(value).plain
    return text if len(text) <= 60 else text[:59] + "…"
