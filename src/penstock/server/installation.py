"""What a server stands on: its database, embedded or given, its keys, and its port.

Imports little at the top, for the reason that `commands` gives.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from penstock.kit import embedded
from penstock.server.errors import SetupError
from penstock.server.settings import ServerSettings

if TYPE_CHECKING:
    from penstock.kit.crypto import Keys
    from penstock.server.logins import Bootstrap

KEY_FILE = "keys.json"
_DATABASE = "penstock"


@contextmanager
def database(server: ServerSettings) -> Iterator[Bootstrap]:
    """The account to set things up with; the embedded server runs for as long as the block does."""
    if server.database_url:
        from penstock.server.logins import bootstrap_from_settings

        yield bootstrap_from_settings(server)
        return
    with ThreadPoolExecutor(1) as executor:
        # It starts while this thread imports; never the other way round, for half-imported modules see each other.
        starting = executor.submit(embedded.start, server.data_dir, progress=tell, watch=False)
        try:
            from penstock.kit.db import Login
            from penstock.server.logins import Bootstrap, create_database

            import_module("penstock.server.worker")
        finally:
            cluster = starting.result()
    with cluster:
        login = Login(cluster.host, cluster.port, cluster.superuser, cluster.superuser_password, _DATABASE)
        asyncio.run(create_database(login))
        yield Bootstrap(login, login, cluster.ensure)


def keys_of(server: ServerSettings) -> Keys:
    from penstock.kit.crypto import load_keys

    path = server.data_dir / KEY_FILE
    try:
        return load_keys(path, server.signing_keys, server.encryption_keys)
    except (ValueError, KeyError) as error:
        raise SetupError(f"The signing or encryption keys cannot be read: {error}") from error
    except OSError as error:
        raise SetupError(f"The key file {path} cannot be used: {error.strerror}.") from error


def claim_port(host: str, port: int) -> None:
    """Raises `SetupError` when the address is taken or is not ours.

    The workers share the port among each other (SO_REUSEPORT), which would also let a second server take half
    of the requests; so ask first, without that option.
    """
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise SetupError(f"'{host}' is not an address to listen on: {error}.") from error
    with socket.socket(family, kind, protocol) as probe:
        # Connections of a server that just stopped may linger; they are no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except PermissionError as error:
            raise SetupError(
                f"This account may not listen on port {port}; take one of 1024 or more."
            ) from error
        except OSError as error:
            raise SetupError(
                f"Port {port} on {host} cannot be used ({error.strerror}); "
                "stop what listens there, or choose another with --port."
            ) from error


def tell(text: str) -> None:
    """To the operator, apart from what a command answers."""
    print(text, file=sys.stderr, flush=True)
