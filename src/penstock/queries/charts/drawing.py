"""Drawing documents in a process of its own, which is ended when it takes too long or too much, or has nothing to do.

What was drawn lately is kept: the same document is the same picture.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.kit import errors
from penstock.kit.logs import structlog

_CHILD: Final = Path(__file__).with_name("child.py")
_MEMORY: Final = 1024 * 1024 * 1024  # bytes
_IDLE: Final = 120.0  # seconds
_WAITING: Final = 32  # pictures
_KEPT: Final = 32 * 1024 * 1024  # bytes
# Nothing that we draw has an address in it; if it ever had, its way would lead to a port that nobody listens on.
_NOWHERE: Final = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:1")
_log = structlog.get_logger()


class NotDrawn(errors.BadRequest):
    """The picture could not be drawn."""


class _Lost(Exception):
    """The process ended before it answered."""


class Drawing:
    """The pictures of a server process; one is drawn at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self._waiting = 0
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0
        self._used = 0.0
        self._idle: asyncio.TimerHandle | None = None

    async def picture(self, document: dict[str, Any], form: str, scale: float = 1.0) -> bytes:
        """As `svg` or `png`. Raises `NotDrawn`, or `Unavailable` when too many wait."""
        asked = msgspec.json.encode({"document": document, "format": form, "scale": scale})
        key = hashlib.sha256(asked).digest()
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        if self._waiting >= _WAITING:
            raise errors.Unavailable("Too many pictures are being drawn; try again shortly.", retry_after=2)
        self._waiting += 1
        loop = asyncio.get_running_loop()
        try:
            drawn = await loop.run_in_executor(self._thread, self._draw, asked)
        finally:
            self._waiting -= 1
            self._used = time.monotonic()
            self._watch(loop)
        self._keep(key, drawn)
        return drawn

    def stop(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._end()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _keep(self, key: bytes, drawn: bytes) -> None:
        if key in self._kept:
            return
        self._kept[key] = drawn
        self._size += len(drawn)
        while self._size > _KEPT:
            self._size -= len(self._kept.popitem(last=False)[1])

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._idle is None:
            self._idle = loop.call_later(_IDLE, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._idle = None
        if self._waiting or time.monotonic() - self._used < _IDLE:
            self._watch(loop)
        else:
            self._thread.submit(self._end)

    def _draw(self, asked: bytes) -> bytes:
        """In the thread."""
        try:
            answer = self._exchange(asked)
        except (_Lost, OSError) as error:
            self._end()
            _log.warning("charts.process_lost", reason=str(error))
            raise NotDrawn(
                "The picture took longer or more memory than is allowed.", hint="Show fewer rows."
            ) from error
        if answer[:1] == b"+":
            return answer[1:]
        _log.warning("charts.not_drawn", reason=answer[1:].decode("utf-8", "replace"))
        raise NotDrawn("The picture could not be drawn with these options.")

    def _exchange(self, asked: bytes) -> bytes:
        child = self._started()
        assert child.stdin is not None and child.stdout is not None
        late = threading.Timer(self._seconds, child.kill)
        late.start()
        try:
            child.stdin.write(struct.pack(">I", len(asked)) + asked)
            child.stdin.flush()
            head = child.stdout.read(4)
            if len(head) < 4:
                raise _Lost(f"it ended with {child.poll()}")
            (length,) = struct.unpack(">I", head)
            answer = child.stdout.read(length)
            if len(answer) < length:
                raise _Lost(f"it ended with {child.poll()}")
            return answer
        finally:
            late.cancel()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._end()
            # Its surroundings are empty: it needs no setting, and is given no secret.
            self._child = subprocess.Popen(  # noqa: S603  (words of our own)
                [sys.executable, "-I", str(_CHILD), str(_MEMORY)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"TZ": "UTC", "LC_ALL": "C.UTF-8", **_NOWHERE},
                close_fds=True,
            )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        child.wait()
