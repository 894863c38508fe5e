"""Options that the scripts of the dashboard dialect share, and the server that they are called with."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from penstock_sdk._config import resolve
from penstock_sdk._dialect.server import Dialect
from penstock_sdk._retry import RetryPolicy
from penstock_sdk._sync.client import Client
from penstock_sdk.cli._errors import CommandError

_GROUP = Group("Connection", sort_key=100)
# Servers of the dialect answer 500 where others would say that they are busy.
_PATIENT = RetryPolicy(attempts=5, base=0.5, statuses=frozenset({500, 502, 503, 504}))
Host = Annotated[str, Parameter(help="Address of the server, without `/api`.")]


@Parameter(name="*")
@dataclass(frozen=True)
class ScriptOptions:
    """Whose key, and how to print the answer."""

    api_key: Annotated[str | None, Parameter(group=_GROUP)] = None
    """User API key; TONALYTICA_API_KEY, PENSTOCK_KEY or the saved profile when not given, else it is asked for."""

    verify: Annotated[bool, Parameter(group=_GROUP)] = True
    """Check the certificate of the server."""

    json: Annotated[bool, Parameter(group=_GROUP, negative=())] = False
    """Print JSON."""

    @contextmanager
    def server(self, host: str, key: str | None = None) -> Generator[Dialect]:
        """The server at an address, called with the key of the options, of the command line or of elsewhere."""
        with Client(host, key=self._key(host, key), verify=self.verify, retries=_PATIENT) as client:
            yield Dialect(client)

    def _key(self, host: str, key: str | None) -> str:
        found = self.api_key or key or os.environ.get("TONALYTICA_API_KEY") or resolve(host).key
        if found is None and sys.stdin.isatty():
            found = getpass.getpass("API key: ")
        if not found:
            raise CommandError("There is no API key: give --api-key, or set TONALYTICA_API_KEY.")
        return found


SCRIPT_DEFAULTS = ScriptOptions()
