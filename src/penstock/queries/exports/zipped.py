"""Another format, packed by gzip on its way."""

from __future__ import annotations

import zlib
from typing import Any, Final

from penstock.queries.exports.base import Writer

_WITH_HEADER: Final = 31  # the window's size, and 16 for the frame of gzip around it
_LEVEL: Final = 3


class Zipped:
    """Gives what the packer has at the moment, which is nothing for a while."""

    def __init__(self, inner: Writer) -> None:
        self._inner = inner
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WITH_HEADER)

    def begin(self) -> bytes:
        return self._packer.compress(self._inner.begin())

    def write(self, batch: Any) -> bytes:
        return self._packer.compress(self._inner.write(batch))

    def end(self) -> bytes:
        return self._packer.compress(self._inner.end()) + self._packer.flush()
