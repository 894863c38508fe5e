"""Files on their way in and out: their format by name, their bytes in pieces, and no half file left behind.

Generated code uses the names without `async_`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from penstock_sdk._imports import FileFormat

PathOrFile = str | os.PathLike[str] | IO[bytes]
OnBytes = Callable[[int], None]
_PIECE = 256 * 1024
_FORMATS: dict[str, FileFormat] = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def format_of(place: PathOrFile, chosen: FileFormat | None) -> FileFormat:
    """The format chosen, else that of the file's suffix. A ValueError when neither tells."""
    if chosen is not None:
        return chosen
    if isinstance(place, str | os.PathLike):
        found = _FORMATS.get(Path(place).suffix.lower())
        if found is not None:
            return found
        raise ValueError(f"the format of '{place}' cannot be told from its name: give csv, ndjson or parquet")
    raise ValueError("an open file needs a format: csv, ndjson or parquet")


@contextmanager
def reading(place: PathOrFile) -> Generator[IO[bytes]]:
    """The file, opened when it is a path."""
    if isinstance(place, str | os.PathLike):
        with Path(place).open("rb") as file:
            yield file
    else:
        yield place


@contextmanager
def writing(place: PathOrFile) -> Generator[IO[bytes]]:
    """A file to fill. A path has it when all went well; what was there before stays otherwise."""
    if not isinstance(place, str | os.PathLike):
        yield place
        return
    target = Path(place)
    if target.exists() and not target.is_file():
        # Devices and pipes are written as they are.
        with target.open("wb") as file:
            yield file
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    filling = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        filling.chmod(_mode_of(target))
        filling.replace(target)
    except BaseException:
        with suppress(OSError):
            filling.unlink()
        raise


def _mode_of(target: Path) -> int:
    """The mode of the file that is replaced, or of one that is simply opened."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def pieces(file: IO[bytes], on_bytes: OnBytes | None) -> Iterator[bytes]:
    """The content, telling after each piece how much of it was taken."""
    read = getattr(file, "read1", file.read)  # a pipe's bytes as they come
    done = 0
    while piece := read(_PIECE):
        yield piece
        done += len(piece)
        if on_bytes is not None:
            on_bytes(done)


async def async_pieces(file: IO[bytes], on_bytes: OnBytes | None) -> AsyncIterator[bytes]:
    """As `pieces`; reading does not hold up others."""
    source = pieces(file, on_bytes)
    while (piece := await asyncio.to_thread(next, source, None)) is not None:
        yield piece


def save(file: IO[bytes], piece: bytes) -> None:
    file.write(piece)


async def async_save(file: IO[bytes], piece: bytes) -> None:
    """Writing does not hold up others."""
    await asyncio.to_thread(file.write, piece)
