"""How long and how often a run measures."""

from __future__ import annotations

from dataclasses import dataclass

CONTESTS = ("list", "insert", "bulk", "files", "start", "memory", "graph", "query", "jobs")


@dataclass(frozen=True)
class Options:
    """Times are in seconds."""

    rows: int
    only: tuple[str, ...]
    clients: int
    rounds: int
    seconds: float
    warm_up: float
    batches: int
    settle: float
    is_quick: bool

    @property
    def is_full(self) -> bool:
        """True when the results are worth keeping."""
        return not self.is_quick and self.only == CONTESTS and self.rows >= 1_000_000


def options(rows: int, only: tuple[str, ...], clients: int, *, is_quick: bool) -> Options:
    if is_quick:
        return Options(
            rows, only, clients, rounds=2, seconds=2, warm_up=1, batches=2, settle=3, is_quick=True
        )
    return Options(rows, only, clients, rounds=5, seconds=7, warm_up=3, batches=5, settle=10, is_quick=False)
