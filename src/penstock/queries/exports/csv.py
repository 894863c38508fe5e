"""CSV as RFC 4180 has it, and the same with tabs: a line of names, CRLF, quotes where they must be."""

from __future__ import annotations

from typing import Any

from penstock.queries.exports.base import Options
from penstock.queries.results.texts import separated, separated_names


class SeparatedWriter:
    """Lines of values with a delimiter between them."""

    def __init__(self, options: Options, delimiter: str) -> None:
        self._options = options
        self._delimiter = delimiter

    def begin(self) -> bytes:
        return separated_names(self._options.columns, self._delimiter) if self._options.header else b""

    def write(self, batch: Any) -> bytes:
        return separated(batch, self._options.columns, self._options.instants, self._delimiter)

    def end(self) -> bytes:
        return b""
