"""Memory of the process tree: each process' proportional share (PSS), so that shared pages count once."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 1024
_STEP = 0.2  # seconds between two samples


@dataclass(frozen=True)
class Sample:
    """KiB: the server's processes, and PostgreSQL's without and with its shared memory."""

    server: int
    postgres: int
    shared: int

    @property
    def total(self) -> int:
        return self.server + self.postgres + self.shared

    @property
    def private(self) -> int:
        """What requests can make grow: everything but the buffer cache, whose size is a setting."""
        return self.server + self.postgres


def sample(server: int, keeper: int) -> Sample:
    """The trees below these two processes."""
    ours = [_pss(pid) for pid in _tree(server)]
    theirs = [_pss(pid) for pid in _tree(keeper)]
    return Sample(
        sum(total for total, _ in ours),
        sum(total - shared for total, shared in theirs),
        sum(shared for _, shared in theirs),
    )


class Watch:
    """Samples in a thread until left; `peaks` has the highest of each, `total` the highest sum."""

    def __init__(self, server: int, keeper: int) -> None:
        self._pids = (server, keeper)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.is_set():
            self.samples.append(sample(*self._pids))
            self._done.wait(_STEP)

    @property
    def peak(self) -> Sample:
        """The sample with the highest sum."""
        return max(self.samples, key=lambda one: one.total)


def settled(server: int, keeper: int, seconds: float) -> Sample:
    """The lowest sample of a quiet time."""
    deadline = time.monotonic() + seconds
    samples = [sample(server, keeper)]
    while time.monotonic() < deadline:
        time.sleep(_STEP)
        samples.append(sample(server, keeper))
    return min(samples, key=lambda one: one.total)


def _tree(pid: int) -> list[int]:
    with suppress(psutil.NoSuchProcess):
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return []


def _pss(pid: int) -> tuple[int, int]:
    """All of it, and the part that is shared memory; 0 for a process that has just ended."""
    total = shared = 0
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total = int(line.split()[1])
            elif line.startswith("Pss_Shmem:"):
                shared = int(line.split()[1])
    return total, shared
