"""A JSON object a line; instants exact."""

from __future__ import annotations

from typing import Any

from penstock.queries.exports.base import Options
from penstock.queries.results.instants import Instants
from penstock.queries.results.texts import json_lines


class NdjsonWriter:
    """Lines, and nothing around them."""

    def __init__(self, options: Options) -> None:
        self._columns = options.columns

    def begin(self) -> bytes:
        return b""

    def write(self, batch: Any) -> bytes:
        return json_lines(batch, self._columns, Instants.EXACT)

    def end(self) -> bytes:
        return b""
