"""Progress bars on stderr, when that is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from penstock_sdk.cli._output import console


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
