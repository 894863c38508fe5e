"""The result object of the dashboard dialect, its rows written as they are read."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.queries.exports.base import Options
from penstock.queries.results.instants import Instants
from penstock.queries.results.texts import json_list


class JsonWriter:
    """`{"query_result": {…, "data": {"columns": […], "rows": […]}}}`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._instants = Instants.EXACT if options.raw else Instants.DASHBOARD
        self._begun = False

    def begin(self) -> bytes:
        columns = msgspec.json.encode([one.shown for one in self._options.columns])
        head = self._options.head[:-1]
        more = b"," if len(head) > 1 else b""
        cut = b'"truncated":true,' if self._options.truncated else b""
        return b'{"query_result":' + head + more + b'"data":{"columns":' + columns + b"," + cut + b'"rows":['

    def write(self, batch: Any) -> bytes:
        rows = json_list(batch, self._options.columns, self._instants)
        if not rows:
            return b""
        before, self._begun = (b"," if self._begun else b""), True
        return before + rows

    def end(self) -> bytes:
        return b"]}}}"
