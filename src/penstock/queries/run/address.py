"""Where libpq connects to run a query, and what holds for that session."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

from penstock.kit.db import Login

APPLICATION: Final = "penstock query"
# A server that has lost us would go on computing.
OPTIONS: Final = "-c client_connection_check_interval=2s"


def address(login: Login) -> str:
    """As a URL; the host may be a directory of sockets."""
    given: dict[str, Any] = {
        "host": login.host,
        "port": login.port,
        "connect_timeout": 10,
        "application_name": APPLICATION,
        "options": OPTIONS,
    }
    if login.ssl:
        given["sslmode"] = login.ssl
    who = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}"
    return f"postgresql://{who}@/{quote(login.database, safe='')}?{urlencode(given, quote_via=quote)}"
