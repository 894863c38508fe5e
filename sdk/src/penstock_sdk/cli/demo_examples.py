"""The five examples that `penstock demo` prints: requests to copy, and their answers."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from shutil import which
from typing import Any
from urllib.parse import urlencode

from penstock_sdk import _json
from penstock_sdk._sync.client import Client
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli.demo_data import APP

_DATA = f"/api/apps/{APP}/datatables/{{table}}/data/"


@dataclass(frozen=True, slots=True)
class Example:
    """A question in words, and the request that answers it."""

    question: str
    table: str
    parameters: tuple[tuple[str, str], ...] = ()
    key: str = ""

    @property
    def path(self) -> str:
        """Path and query of the request."""
        path = _DATA.format(table=self.table) + (f"{self.key}/" if self.key else "")
        return f"{path}?{urlencode(self.parameters, safe=':,-')}" if self.parameters else path

    def command(self, url: str, key: str) -> str:
        """The request as a command to copy."""
        return f"curl -s -H {shlex.quote(f'Authorization: Key {key}')} {shlex.quote(url + self.path)}"


EXAMPLES = (
    Example(
        "The five latest departures of the year",
        "flights",
        (
            ("dep_delay__null", "false"),
            ("ordering", "-dep_delay"),
            ("page_size", "5"),
            ("fields", "dep_delay,origin,dest"),
        ),
    ),
    Example(
        "How many United flights left Newark more than an hour late?",
        "flights",
        (
            ("carrier", "UA"),
            ("origin", "EWR"),
            ("dep_delay__gt", "60"),
            ("page_size", "1"),
            ("fields", "dep_delay"),
        ),
    ),
    Example("One flight, by its key", "flights", key="2013-01-01T10:00:00Z,UA,1545"),
    Example("Search", "airports", (("search", "kennedy"), ("fields", "name,lat,lon"))),
    Example(
        "Either, or: the hottest and the windiest hours",
        "weather",
        (
            ("filters", '{"or": [{"temp__gte": 100}, {"wind_speed__gte": 42}]}'),
            ("ordering", "-temp"),
            ("fields", "temp,wind_speed"),
        ),
    ),
)


def answer(client: Client, example: Example) -> Any:
    """What the server answers, asked through the client."""
    return client.request("GET", example.path)


def answer_of_command(command: str) -> Any:
    """What the printed command itself gives, numbers with all their digits. A CommandError when it fails."""
    words = shlex.split(command)
    done = subprocess.run(words, capture_output=True, check=False, timeout=60)  # noqa: S603 - printed by us
    if done.returncode != 0:
        raise CommandError(f"curl failed with exit code {done.returncode}: {done.stderr.decode().strip()}")
    return _json.decode(done.stdout, decimals=True)


def has_curl() -> bool:
    return which("curl") is not None
