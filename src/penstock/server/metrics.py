"""Counts of requests in Prometheus' text format, summed over the worker processes.

The hot path adds to plain lists. Workers leave a snapshot in a shared directory once a second, and whichever is
asked for `/metrics` sums them; a worker that died keeps counting for what it did.
"""

from __future__ import annotations

import contextlib
import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from penstock import __version__

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_Key = tuple[str, str, int]


class Metrics:
    """What one worker counted. `directory` is shared by all workers of a server; None when there is one only."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        # By method, route and status: how many, how long in all, and one count per bucket (the last is the rest).
        self._requests: dict[_Key, list[float]] = {}
        self.in_flight = 0
        self._started = time.time()

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        # Anybody can make methods up, and each would be kept for good.
        key = (method if method in _METHODS else "other", route, status)
        row = self._requests.get(key)
        if row is None:
            row = self._requests[key] = [0.0] * (len(BUCKETS) + 3)
        row[0] += 1
        row[1] += seconds
        row[2 + bisect_left(BUCKETS, seconds)] += 1

    def save(self) -> None:
        """Leave a snapshot for the other workers."""
        if self._directory is None:
            return
        path = self._directory / f"{os.getpid()}.json"
        draft = path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode([(list(key), row) for key, row in self._requests.items()]))
        draft.replace(path)

    def render(self, jobs: Mapping[tuple[str, str], int] | None = None) -> bytes:
        """Prometheus text format 0.0.4; `jobs` are the runs by job and state, when they are known."""
        totals = {key: list(row) for key, row in self._requests.items()}
        for key, row in self._others():
            mine = totals.setdefault(key, [0.0] * len(row))
            totals[key] = [left + right for left, right in zip(mine, row, strict=True)]
        lines = [
            "# HELP penstock_info The running release.",
            "# TYPE penstock_info gauge",
            f'penstock_info{{version="{__version__}"}} 1',
            "# HELP penstock_requests_in_flight Requests this worker is answering.",
            "# TYPE penstock_requests_in_flight gauge",
            f"penstock_requests_in_flight {self.in_flight}",
            "# HELP penstock_worker_start_time_seconds When this worker started.",
            "# TYPE penstock_worker_start_time_seconds gauge",
            f"penstock_worker_start_time_seconds {self._started:.3f}",
            "# HELP penstock_worker_memory_bytes Resident memory of this worker.",
            "# TYPE penstock_worker_memory_bytes gauge",
            f"penstock_worker_memory_bytes {_resident()}",
            "# HELP penstock_request_duration_seconds Time to answer, by method, route and status.",
            "# TYPE penstock_request_duration_seconds histogram",
        ]
        for key in sorted(totals):
            lines += _histogram(key, totals[key])
        lines += _jobs(jobs or {})
        return ("\n".join(lines) + "\n").encode()

    def _others(self) -> Iterable[tuple[_Key, list[float]]]:
        if self._directory is None:
            return
        for path in self._directory.glob("*.json"):
            if path.stem == str(os.getpid()):
                continue
            with contextlib.suppress(OSError, msgspec.DecodeError):
                yield from msgspec.json.decode(path.read_bytes(), type=list[tuple[_Key, list[float]]])


def _histogram(key: _Key, row: list[float]) -> list[str]:
    method, route, status = key
    labels = f'method="{method}",route="{_escape(route)}",status="{status}"'
    lines: list[str] = []
    reached = 0.0
    for bound, count in zip((*BUCKETS, float("inf")), row[2:], strict=True):
        reached += count
        shown = "+Inf" if bound == float("inf") else f"{bound:g}"
        lines.append(f'penstock_request_duration_seconds_bucket{{{labels},le="{shown}"}} {reached:.0f}')
    lines.append(f"penstock_request_duration_seconds_sum{{{labels}}} {row[1]:.6f}")
    lines.append(f"penstock_request_duration_seconds_count{{{labels}}} {row[0]:.0f}")
    return lines


def _jobs(counts: Mapping[tuple[str, str], int]) -> list[str]:
    lines = [
        "# HELP penstock_jobs Background jobs that wait or run, by job and state.",
        "# TYPE penstock_jobs gauge",
    ]
    ends = [
        "# HELP penstock_jobs_ended_total Background jobs that have ended, by job and state.",
        "# TYPE penstock_jobs_ended_total counter",
    ]
    for (job, state), number in sorted(counts.items()):
        labels = f'job="{_escape(job)}",state="{state}"'
        if state in ("todo", "doing"):
            lines.append(f"penstock_jobs{{{labels}}} {number}")
        else:
            ends.append(f"penstock_jobs_ended_total{{{labels}}} {number}")
    return lines + ends


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _resident() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0
