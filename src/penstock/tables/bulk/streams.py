"""How many imports and exports a process runs at once: each holds a connection as long as its data flows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from penstock.kit import errors

_AGAIN = 5  # seconds


class Streams:
    """Room for some streams."""

    def __init__(self, room: int) -> None:
        self._room = room

    @contextmanager
    def one(self) -> Generator[None]:
        """Takes a place. Raises `Unavailable` when there is none."""
        if self._room < 1:
            raise errors.Unavailable(
                "As many imports and exports run as this server allows; try again shortly.",
                retry_after=_AGAIN,
            )
        self._room -= 1
        try:
            yield
        finally:
            self._room += 1
