"""One more process beside the workers that answer requests: started when they are ready, replaced when it dies."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import time
from collections.abc import Callable
from typing import Any

from penstock.kit.logs import structlog

_PR_SET_NAME = 15
_SHORT_LIFE = 10.0  # seconds
_LONGEST_PAUSE = 30.0
_ASK_AGAIN = 1.0
_log = structlog.get_logger()


class Companion:
    """A child process that does `work`. Owned by a parent without threads, which forks it and looks after it."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._name = name
        self._work = work
        self._process: Any = None
        self._born = 0.0
        self._short_lives = 0

    def keep(self) -> None:
        """Start it, or start it anew when it died; less and less often when it never lives long."""
        now = time.monotonic()
        if self._process is None:
            self._start(now)
        elif not self._process.is_alive():
            brief = now - self._born < _SHORT_LIFE
            pause = min(2.0**self._short_lives, _LONGEST_PAUSE) if brief else 0.0
            if now - self._born < pause:
                return
            self._short_lives = self._short_lives + 1 if brief else 0
            _log.error("companion.died", name=self._name, exit_code=self._process.exitcode)
            self._start(now)

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.terminate()

    def stop(self, seconds: float) -> None:
        """Ask until it has gone: one that is just starting may not have heard. Kill it when it takes longer."""
        deadline = time.monotonic() + seconds
        while self._process is not None and self._process.is_alive():
            if time.monotonic() > deadline:
                self._process.kill()
            else:
                self._process.terminate()
            self._process.join(_ASK_AGAIN)

    def _start(self, now: float) -> None:
        self._born = now
        self._process = multiprocessing.get_context("fork").Process(target=self._run)
        self._process.start()

    def _run(self) -> None:
        # The parent's handler would take the signal and do nothing here, until the work has one of its own.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NAME, self._name.encode()[:15], 0, 0, 0)
        self._work()
