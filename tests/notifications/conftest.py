"""A real receiver of webhooks, and a worker that delivers without long pauses."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from penstock.kit.jobs import Handler, Worker
from penstock.notifications.jobs import deliver
from penstock.notifications.service import DELIVER
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import working
from tests.tables.conftest import callers, owner

__all__ = ["callers", "owner"]
APP = "/api/apps/shop"
URL = f"{APP}/webhooks"
SCHEMA: dict[str, Any] = {"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"]}
DELIVERING = Handler(replace(DELIVER, first_delay=0.05, longest_delay=0.1), deliver)


@dataclass
class Receiver:
    """What arrived, and how to answer it: the statuses in turn, the last one for good."""

    statuses: list[int] = field(default_factory=lambda: [204])
    pause: float = 0.0
    location: str | None = None
    got: list[tuple[dict[str, str], bytes, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook?a=b"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handle(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body, self.path))
            time.sleep(made.pause)
            status = made.statuses.pop(0) if len(made.statuses) > 1 else made.statuses[0]
            self.send_response(status)
            if made.location:
                self.send_header("Location", made.location)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handle) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
async def shop(owner: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """The owner, of an app `shop` with a data source `main`."""
    for path, name in (("/api/apps", "Shop"), (f"{APP}/datasources", "Main")):
        assert (await owner.post(path, json={"name": name})).status_code == 201
    yield owner


async def table(client: httpx2.AsyncClient, name: str, **query: str) -> httpx2.Response:
    body = {"name": name, "json_schema": SCHEMA}
    return await client.post(f"{APP}/datasources/main/datatables", json=body, params=query)


async def subscribe(client: httpx2.AsyncClient, url: str, *events: str) -> dict[str, Any]:
    wanted = {"url": url, "events": events or ["table.created"]}
    answer = await client.post(URL, json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def delivering(
    database: TestDatabase, handlers: Sequence[Handler[Any]] = (DELIVERING,), **options: Any
) -> AbstractAsyncContextManager[Worker]:
    return working(database, handlers, **options)


async def deliveries(
    client: httpx2.AsyncClient, webhook: dict[str, Any], **query: str
) -> list[dict[str, Any]]:
    answer = await client.get(f"{URL}/{webhook['id']}/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]
