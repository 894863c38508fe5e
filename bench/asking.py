"""A client of queries: runs SQL as a job, and waits for its result."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

from bench.stage import Stage
from bench.tools import BenchError

_LOOK = 0.005  # seconds between two looks at a job
PATIENCE = 900.0
_FINAL = 3


class Asking:
    """One connection that stays open."""

    def __init__(self, stage: Stage, authorization: str | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=PATIENCE)
        self._headers = {
            "Authorization": authorization or f"Key {stage.key}",
            "Content-Type": "application/json",
        }

    def call(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise BenchError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def source(self) -> int:
        return self.call("GET", "/api/data_sources")[0]["id"]

    def start(self, sql: str, source: int) -> str:
        """The id of a job that runs it, whatever is there."""
        body = {"query": sql, "data_source_id": source, "max_age": 0}
        return self.call("POST", "/api/query_results", body)["job"]["id"]

    def end(self, job: str) -> int:
        """The id of its result."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.call("GET", f"/api/jobs/{job}")["job"])["status"] < _FINAL:
            if time.monotonic() > deadline:
                raise BenchError(f"A query has not ended after {PATIENCE:.0f} s.")
            time.sleep(_LOOK)
        if found["status"] != _FINAL:
            raise BenchError(f"A query failed: {found['error']}")
        return found["query_result_id"]

    def run(self, sql: str, source: int) -> int:
        return self.end(self.start(sql, source))

    def close(self) -> None:
        self._connection.close()
