"""Clients that are at a server without pause while a test does something to it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import httpx2

from tests.databases import ADMIN_KEY

CLIENTS = 4
HEADERS = {"Authorization": f"Key {ADMIN_KEY}"}
Work = Callable[[int, httpx2.Client, threading.Event], None]


@contextlib.contextmanager
def busy(url: str, work: Work, *, timeout: float) -> Iterator[None]:
    """Each client works in a thread of its own; `work` gets its number, and is to end when the event is set."""
    stop = threading.Event()

    def begin(number: int) -> None:
        with httpx2.Client(base_url=url, headers=HEADERS, timeout=timeout) as client:
            work(number, client, stop)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
