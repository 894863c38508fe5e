"""JSON, one object a line, piece by piece."""

from __future__ import annotations

from penstock.kit import errors
from penstock.tables.bulk.rows import MAX_ROW, Block


class NdjsonReader:
    """Splits at line ends; blank lines count for nothing."""

    def __init__(self) -> None:
        self._rest = b""
        self._count = 0

    def feed(self, data: bytes, *, last: bool) -> Block:
        """Raises `BadRequest` for a line without end."""
        data = self._rest + data
        cut = len(data) if last else data.rfind(b"\n") + 1
        self._rest = data[cut:]
        if len(self._rest) > MAX_ROW:
            raise errors.BadRequest(f"Row {self._count + 1} is longer than {MAX_ROW:,} bytes.")
        whole = data[:cut]
        if self._count == 0:
            whole = whole.removeprefix(b"\xef\xbb\xbf")
        documents = [line for line in whole.split(b"\n") if line and not line.isspace()]
        numbers = range(self._count + 1, self._count + 1 + len(documents))
        self._count += len(documents)
        return Block(documents, numbers)
