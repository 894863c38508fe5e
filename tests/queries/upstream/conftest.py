"""A service that answers as it is told, and the application in front of it."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.parquet
import pytest

from penstock.kit.outbound import OutboundSettings
from penstock.queries.settings import QueriesSettings
from penstock.queries.upstream import client as asking
from penstock.server.app import create_app
from penstock.server.settings import Settings
from penstock.server.worker import build_context, close_context, open_context
from tests.conftest import client_of
from tests.databases import TestDatabase

KEY = "key-of-the-service"
PROOF = "SELECT 1 AS one"


@dataclass
class Reply:
    """What is answered to one request."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Service:
    """Takes the key `KEY`; `answer` gives what a question is answered, files are at their paths."""

    url: str = ""
    answer: Callable[[str], Reply] = lambda text: Reply(500)
    files: dict[str, Reply] = field(default_factory=dict[str, Reply])
    asked: list[str] = field(default_factory=list[str])
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])

    def serves(self, *tables: pa.Table) -> Reply:
        """Files with these rows, and the answer that links to them."""
        links: list[str] = []
        for table in tables:
            out = io.BytesIO()
            pyarrow.parquet.write_table(table, out)
            path = f"/files/{len(self.files)}.parquet"
            self.files[path] = Reply(body=out.getvalue())
            links.append(f"{self.url}{path}?token=secret")
        return done(*links)


def done(*links: str) -> Reply:
    return Reply(body={"state": "SUCCEEDED", "presigned_urls": list(links)})


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert (self.path, body["mode"]) == ("/api/v1/sql-query/", "parquet")
            if self.headers["x-api-key"] != KEY:
                self._send(Reply(401, {"detail": "no"}))
                return
            made.asked.append(body["sql"])
            self._send(done() if body["sql"] == PROOF else made.answer(body["sql"]))

        def do_GET(self) -> None:
            made.seen.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
            self._send(made.files.get(self.path.partition("?")[0], Reply(404)))

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.raw)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.raw)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of tests are short."""
    monkeypatch.setattr(asking, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(asking, "_LOOK", 0.01)


@pytest.fixture
def limits() -> OutboundSettings:
    return OutboundSettings()


@pytest.fixture
def seconds() -> float:
    """How long a question may take."""
    return 30.0


@pytest.fixture
async def front(
    database: TestDatabase, service: Service, limits: OutboundSettings, seconds: float, tmp_path: Path
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client, with the service's key, of the application in front of it."""
    own = database.settings.of(QueriesSettings)
    given = replace(
        own,
        explorer_upstream=service.url,
        results_url=str(tmp_path),
        query_timeout=seconds,
        result_bytes=2**20,
    )
    sections = {**database.settings.sections, QueriesSettings: given, OutboundSettings: limits}
    context = build_context(database.logins, database.keys, Settings(sections))
    context.scratch = tmp_path
    await open_context(context)
    edge = create_app(context)
    await edge.start()
    async with client_of(edge, None) as client:
        client.headers["x-api-key"] = KEY
        yield client
    await edge.stop()
    await close_context(context)
