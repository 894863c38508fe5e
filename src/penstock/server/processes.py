"""The parent of the worker processes: starts them, replaces those that die, stops them all in order.

It forks, so it must not have threads that could hold a lock at that moment: whatever has to be done now and then
is done by its one loop.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess

from penstock.kit.logs import structlog
from penstock.server.companion import Companion
from penstock.server.settings import ServerSettings
from penstock.server.worker import ENDING

_HOPELESS = 3  # workers that die before any of them ever answered
_SHORT_LIFE = 5.0  # seconds
_TICK, _QUICK_TICK = 1.0, 0.02
_LONGEST_PAUSE = 5.0
_ASK_AGAIN = 1.0
_LETTING_GO = 10.0  # seconds that the companion gets beyond its own patience
_log = structlog.get_logger()


class _Worker(WorkerProcess):
    """Is told that it will end before it is: granian waits for open answers first, and streams have no end."""

    def terminate(self) -> None:
        pid = self.inner.pid
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, ENDING)
        super().terminate()


class Server(MPServer):
    """granian's server, replacing dead workers for as long as it takes: a crash must never need a manual step."""

    def __init__(
        self,
        settings: ServerSettings,
        ensure: Callable[[], object],
        announce: Callable[[], None],
        companion: Companion | None = None,
    ) -> None:
        """`ensure` is called every second, `announce` once, when a worker answers; then the companion starts."""
        super().__init__(
            "penstock",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            workers=settings.workers,
            loop=Loops.uvloop,
            websockets=False,
            log_enabled=False,
            log_level=LogLevels.critical,
        )
        self._patience = settings.shutdown_timeout
        self._ensure = ensure
        self._announce = announce
        self._companion = companion
        self._answered = False
        self._short_lives = 0

    def run(self, build: Callable[[], Any]) -> bool:
        """Serve until told to stop; `build` makes the application inside each worker.

        False when no worker would start.
        """
        # Workers inherit the open file that keeps the embedded PostgreSQL alive, and share the parent's memory.
        multiprocessing.set_start_method("fork", force=True)
        self.serve(target_loader=build, wrap_loader=False)
        return self._answered or self.interrupt_signal

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> WorkerProcess:
        worker = super()._spawn_worker(idx, target, callback_loader)
        worker.__class__ = _Worker
        return worker

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        ensured = time.monotonic()
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(_TICK if self._answered else _QUICK_TICK)
            if self.interrupt_signal:
                break
            self.main_loop_interrupt.clear()
            if time.monotonic() - ensured >= _TICK:
                self._keep_database()
                if self._companion and self._answered:
                    self._companion.keep()
                ensured = time.monotonic()
            if not self._answered and self._answers():
                self._answered = True
                self._announce()
            if self.reload_signal:
                self._reload(spawn_target, target_loader)
            dead = sorted(set(self.interrupt_children))
            del self.interrupt_children[:]
            if dead and not self._replace(dead, spawn_target, target_loader):
                break
        # Workers that went down with the same Ctrl-C are no failure.
        del self.interrupt_children[:]

    def _keep_database(self) -> None:
        try:
            self._ensure()
        except Exception as error:  # whatever it is, the workers go on and answer 503
            _log.error("database.lost", reason=str(error))

    def _answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.bind_addr, self.bind_addr)  # noqa: S104  (where a check connects to)
        with suppress(OSError), socket.create_connection((host, self.bind_port), timeout=0.5) as probe:
            probe.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return probe.recv(16).startswith(b"HTTP/1.1 200")
        return False

    def _stop_workers(self) -> None:
        """Ask until they have gone: a worker that is just starting may not have heard the first time."""
        deadline = time.monotonic() + self._patience
        if self._companion:
            self._companion.ask_to_stop()
        while any(worker.is_alive() for worker in self.wrks):
            overdue = time.monotonic() > deadline
            for worker in self.wrks:
                if worker.is_alive():
                    worker.kill() if overdue else worker.terminate()
            for worker in self.wrks:
                worker.join(_ASK_AGAIN / len(self.wrks))
        self.wrks.clear()
        if self._companion:
            self._companion.stop(deadline + _LETTING_GO - time.monotonic())

    def _replace(self, dead: list[int], spawn_target: Any, target_loader: Any) -> bool:
        for index in dead:
            worker = self.wrks[index]
            _log.error("worker.died", worker=index + 1, exit_code=worker.inner.exitcode)
            brief = time.monotonic() - worker.birth < _SHORT_LIFE
            self._short_lives = self._short_lives + 1 if brief else 0
        if self._short_lives >= _HOPELESS and not self._answered:
            return False
        if self._short_lives > 1:
            self.main_loop_interrupt.wait(min(0.1 * 2**self._short_lives, _LONGEST_PAUSE))
        if not self.interrupt_signal:
            self._respawn_workers(dead, spawn_target, target_loader)
        return True
