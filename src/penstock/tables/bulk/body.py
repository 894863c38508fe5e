"""The body of an import as it arrives: with patience for a slow sender, but not without end."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO

from litestar.exceptions import HTTPException

from penstock.kit import errors, http
from penstock.tables.bulk.rows import Block, Reader

# Read and written together: large enough to be quick, small enough to be many.
_PIECE = 1 << 20
# A slow sender's rows are written as they come, so that the transaction is never idle for long.
_GATHER = 5.0  # seconds


async def pieces(request: http.AnyRequest, wait: float) -> AsyncGenerator[bytes]:
    """The body as it is sent. Raises `BadRequest` when nothing comes for `wait` seconds, or the sender is gone."""
    stream = http.stream(request)
    while True:
        try:
            async with asyncio.timeout(wait):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise errors.BadRequest(
                f"Nothing of the body came for {wait:g} seconds; nothing was written."
            ) from None
        except HTTPException:
            raise errors.BadRequest("The sender went away before the end of the body.") from None
        yield piece


async def reading(file: IO[bytes]) -> AsyncGenerator[bytes]:
    """A file from its beginning, as a body comes."""
    await asyncio.to_thread(file.seek, 0)
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece


async def blocks(body: AsyncGenerator[bytes], reader: Reader) -> AsyncGenerator[Block]:
    """The rows of a body, read in a thread; a block may be empty when rows come slowly."""
    gathered: list[bytes] = []
    size, since = 0, time.monotonic()
    async for piece in body:
        gathered.append(piece)
        size += len(piece)
        if size >= _PIECE or time.monotonic() - since > _GATHER:
            yield await asyncio.to_thread(reader.feed, b"".join(gathered), last=False)
            gathered, size, since = [], 0, time.monotonic()
    yield await asyncio.to_thread(reader.feed, b"".join(gathered), last=True)


async def spool(
    body: AsyncGenerator[bytes], directory: Path | None, limit: int, kind: str, hint: str
) -> IO[bytes]:
    """The whole body in a file without a name, which is gone when closed, or when the process is.

    Raises `TooLarge` beyond `limit` bytes; `kind` says what such a body is, `hint` what to do instead.
    """
    file = await asyncio.to_thread(_temporary, directory)
    try:
        size = 0
        async for piece in body:
            size += len(piece)
            if size > limit:
                raise errors.TooLarge(
                    f"The file is larger than {limit:,} bytes, which is the most {kind} may have.", hint=hint
                )
            await asyncio.to_thread(file.write, piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _temporary(directory: Path | None) -> IO[bytes]:
    usable = directory if directory is not None and directory.is_dir() else None
    return tempfile.TemporaryFile(dir=usable)
