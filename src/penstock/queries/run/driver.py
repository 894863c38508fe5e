"""Connections of the driver that runs queries, which share what it learns of a database when it first comes there.

Learning takes a connection of its own and a look through the catalog: as long as a small query.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any, Final

_KEPT: Final = 64  # databases
_SECONDS: Final = 300.0


class Databases:
    """By address, which has the login. Connections are never shared, nor used again."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def connect(self, address: str) -> Any:
        """A connection (DB-API) on which every statement commits itself."""
        from penstock.queries.run.adbc import adbc_driver_manager, dbapi

        shared = self._shared(address)
        try:
            connection: Any = adbc_driver_manager.AdbcConnection(shared._db)
            try:
                return dbapi.Connection(shared, connection, autocommit=True)
            except BaseException:
                connection.close()
                raise
        finally:
            shared.close()

    def forget(self, address: str) -> None:
        """Learn anew at the next connection: there are types that came later."""
        with self._lock:
            found = self._known.pop(address, None)
        if found is not None:
            found[1].close()

    def _shared(self, address: str) -> Any:
        """A share in the database, to be closed like one of one's own."""
        from penstock.queries.run.adbc import adbc_driver_postgresql, dbapi

        now = time.monotonic()
        with self._lock:
            known = self._known.get(address)
            if known is not None and known[0] > now:
                self._known.move_to_end(address)
                return known[1].clone()
        # The library's own way to share one; it has no public name.
        made: Any = dbapi._SharedDatabase(adbc_driver_postgresql.connect(address))  # pyright: ignore
        with self._lock:
            old = [self._known.pop(address, None)]
            self._known[address] = (now + _SECONDS, made)
            if len(self._known) > _KEPT:
                old.append(self._known.popitem(last=False)[1])
            share = made.clone()
        for one in old:
            if one is not None:
                one[1].close()
        return share


databases: Final = Databases()
