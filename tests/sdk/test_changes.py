"""Following a table from the client: to the end, for ever, and over broken connections."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_sdk import (
    AppHandle,
    AsyncClient,
    BadRequestError,
    Change,
    Client,
    ConflictError,
    Records,
    RetryPolicy,
)
from penstock_sdk._changes import Events
from penstock_sdk.cli import run
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA


@pytest.fixture
def watched(app: AppHandle) -> Records:
    name = f"watched_{len(list(app.tables.list()))}"
    app.tables.create("main", name, {**SCHEMA, "changes": True}, materialize=True)
    return app.table(name).records


def test_what_there_is(watched: Records) -> None:
    cursors: list[str] = []
    assert list(watched.changes(follow=False, on_cursor=cursors.append)) == []
    watched.create([{"name": f"n{n}"} for n in range(2500)])
    watched.delete(1)
    changes = list(watched.changes("start", follow=False))
    assert len(changes) == 2501
    assert (changes[0].op, changes[0].key, changes[-1].op, changes[-1].record) == (
        "insert",
        1,
        "delete",
        None,
    )
    assert isinstance(changes[0].at, datetime)
    later = list(watched.changes(cursors[0], follow=False))
    assert [(one.op, one.key) for one in later] == [(one.op, one.key) for one in changes]
    assert [one.key for one in watched.filter(name="n7").changes("start", follow=False)] == [8]
    with pytest.raises(BadRequestError, match="cursor"):
        next(iter(watched.changes("nonsense")))


def test_what_happens(watched: Records) -> None:
    watched.create({"name": "first"})
    feed = watched.changes("start")
    assert next(feed).record == watched.first()
    timer = threading.Timer(0.3, lambda: watched.update(1, {"name": "second"}))
    timer.start()
    change = next(feed)
    assert (change.op, change.record and change.record["name"]) == ("update", "second")
    feed.close()  # pyright: ignore[reportAttributeAccessIssue] - an iterator that is a generator
    timer.join()


@pytest.mark.anyio
async def test_what_happens_asynchronously(server: RunningServer, watched: Records) -> None:
    watched.create({"name": "first"})
    path = watched._path.split("/")
    async with AsyncClient(server.url, key=server.key) as client:
        records = client.app(path[3]).table(path[5]).records
        found = [change.op async for change in records.changes("start", follow=False)]
        assert found == ["insert"]
        async for change in records.changes("start"):
            assert change.key == 1
            break


def test_a_table_without_changes(people: Records) -> None:
    with pytest.raises(BadRequestError, match="keeps no changes"):
        next(iter(people.changes()))


def test_a_feed_that_began_anew(app: AppHandle, watched: Records) -> None:
    cursors: list[str] = []
    list(watched.changes(follow=False, on_cursor=cursors.append))
    name = watched._path.split("/")[-3]
    for definition in (SCHEMA, {**SCHEMA, "changes": True}):
        app.tables.update(name, json_schema=definition)
    with pytest.raises(ConflictError) as refused:
        next(iter(watched.changes(cursors[0])))
    assert refused.value.code == "CURSOR_EXPIRED"


def event(number: int, **record: Any) -> bytes:
    change = {
        "cursor": f"c{number}",
        "op": "insert",
        "key": number,
        "record": record,
        "at": "2026-01-01T00:00:00Z",
    }
    return f"id: c{number}\ndata: {json.dumps(change, ensure_ascii=False)}\n\n".encode()


class Broken(httpx2.SyncByteStream):
    """An answer that breaks off in the middle."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        raise httpx2.ReadError("broken")


def test_a_connection_that_breaks() -> None:
    asked: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.params.get("since"))
        assert request.headers["accept"] == "text/event-stream"
        match len(asked):
            case 1:
                return httpx2.Response(200, stream=Broken(event(1), event(2)[:40]))
            case 2:
                return httpx2.Response(503, json={"message": "later"})
            case 3:
                return httpx2.Response(200, stream=Broken(b": heartbeat\nid: c1b\n\n"))
            case 4:
                body = b'event: error\ndata: {"code": "UNAVAILABLE"}\n\n'
                return httpx2.Response(200, content=event(2) + body)
            case _:
                return httpx2.Response(404, json={"message": "gone"})

    client = Client(
        "http://server",
        key="k",
        transport=httpx2.MockTransport(answer),
        retries=RetryPolicy(attempts=3, base=0.001),
    )
    with client, pytest.raises(Exception, match="gone"):
        found: list[Any] = []
        for change in client.app("a").table("t").records.changes("c0"):
            found.append(change.key)
    assert found == [1, 2]
    assert asked == ["c0", "c1", "c1", "c1b", "c2"]


@given(st.lists(st.integers(1, 30), max_size=20), st.text(max_size=20))
def test_events_in_any_pieces(sizes: list[int], text: str) -> None:
    whole = b"retry: 1000\nid: c0\n\n" + event(1, name=text) + b": heartbeat\nid: x\n\n" + event(2)
    events, found = Events(None, decimals=False), list[Change]()
    for size in [*sizes, len(whole)]:
        found += events.read(whole[:size])
        whole = whole[size:]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert found == [Change("c1", "insert", 1, {"name": text}, at), Change("c2", "insert", 2, {}, at)]
    assert events.cursor == "c2"


def test_on_the_command_line(
    server: RunningServer,
    app: AppHandle,
    watched: Records,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)
    watched.create([{"name": "a"}, {"name": "b"}])
    table = watched._path.split("/")[-3]
    assert run(["records", "watch", app.slug, table, "--since", "start", "--once", "--filter", "name=b"]) == 0
    assert capfd.readouterr().out.startswith('insert 2 {"id":2,"name":"b"')
    assert run(["records", "watch", app.slug, table, "--since", "start", "--once", "--json"]) == 0
    first = json.loads(capfd.readouterr().out.splitlines()[0])
    assert base64.urlsafe_b64decode(first["cursor"] + "==")
    assert first["record"]["name"] == "a"
