"""What a thread that runs a query tells others, and how it is stopped from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress


class Stopped(Exception):
    """Somebody wanted it stopped."""


class Hold:
    """`rows` is how far it is. Stopping calls what was said to be called then, until the thread is gone."""

    def __init__(self) -> None:
        self.rows = 0
        self._stopped = threading.Event()
        self._stops: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def check(self) -> None:
        """Raises `Stopped`."""
        if self._stopped.is_set():
            raise Stopped

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Generator[None]:
        """Have this called, from another thread, when it is to stop within."""
        with self._lock:
            self._stops.append(stop)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)

    def stop(self) -> None:
        """Blocks until everybody has been told."""
        self._stopped.set()
        with self._lock:
            stops = list(self._stops)
        for one in stops:
            # What cannot be told ends with its connection.
            with suppress(Exception):
                one()
