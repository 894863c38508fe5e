"""Progress bars on stderr, when that is a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock_sdk._query_models import Job
from penstock_sdk.cli._output import console

if TYPE_CHECKING:
    from rich.progress import TaskID

# Seconds that a query may take before anything is said about it.
_PATIENCE = 2.0


@contextmanager
def progress(title: str, total: int | None) -> Generator[Callable[[int], None]]:
    """Gives a function that is told how many rows are done; `total` None means unknown."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda _done: None
        return
    from rich.progress import (  # noqa: PLC0415 - a tenth of a second to load
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,} rows"),
        TimeElapsedColumn(),
        console=out,
    )
    with shown:
        task = shown.add_task(title, total=total)
        yield lambda done: shown.update(task, completed=done)


@dataclass(frozen=True)
class Transfer:
    """What a file on its way is told of: bytes that have gone, and rows that the server has read."""

    bytes: Callable[[int], None]
    rows: Callable[[int], None]


@contextmanager
def transfer(title: str, size: int | None) -> Generator[Transfer]:
    """A bar for a file of `size` bytes; None means unknown."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield Transfer(lambda _: None, lambda _: None)
        return
    from rich.progress import (  # noqa: PLC0415 - a tenth of a second to load
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
        console=out,
    )
    with shown:
        task = shown.add_task(title, total=size, rows="")
        yield Transfer(
            lambda done: shown.update(task, completed=done),
            lambda read: shown.update(task, rows=f"{read:,} rows read"),
        )


@contextmanager
def running() -> Generator[Callable[[Job], None]]:
    """Gives a function that is told how a run of a query stands; after two seconds it shows that."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda _job: None
        return
    began = time.monotonic()
    shown = out.status("")

    def tell(job: Job) -> None:
        passed = time.monotonic() - began
        if passed >= _PATIENCE:
            shown.update(f"{_state(job)}, {passed:.0f} s; Ctrl-C cancels")
            shown.start()

    try:
        yield tell
    finally:
        shown.stop()


def _state(job: Job) -> str:
    if job.state == "waiting":
        return "Waiting" if job.queue_position is None else f"Waiting, {job.queue_position} before it"
    return f"Running, {job.rows:,} rows" if job.rows else "Running"


@contextmanager
def advancing() -> Generator[Callable[[str, int, int], None]]:
    """Gives a function that is told of what how many are done, and of how many."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda _what, _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - slow to load

    shown = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=out)
    bars: dict[str, TaskID] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in bars:
            bars[what] = shown.add_task(what)
        shown.update(bars[what], completed=done, total=total)

    with shown:
        yield tell
