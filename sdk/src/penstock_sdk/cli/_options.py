"""Options that every command on a server has: which server, whose key, and how to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from penstock_sdk._sync.client import Client

_GROUP = Group("Connection", sort_key=100)


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """Which server to call, and how to print the answer."""

    url: Annotated[str | None, Parameter(group=_GROUP)] = None
    """Address of the server; PENSTOCK_URL or the saved profile when not given."""

    key: Annotated[str | None, Parameter(group=_GROUP)] = None
    """API key; PENSTOCK_KEY or the saved profile when not given."""

    profile: Annotated[str | None, Parameter(group=_GROUP)] = None
    """Saved profile to use (see `penstock login`)."""

    json: Annotated[bool, Parameter(group=_GROUP, negative=())] = False
    """Print JSON instead of a table."""

    def client(self) -> Client:
        """The client these options describe; decimals keep all their digits."""
        return Client(self.url, key=self.key, profile=self.profile, decimals=True)


DEFAULTS = Options()
