"""Queries by the client: running and waiting, results in every form, saved queries."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from penstock_sdk import (
    AppHandle,
    AsyncClient,
    BadRequestError,
    Client,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    Job,
    NotFoundError,
    QueryCancelledError,
    QueryFailedError,
    QueryTimeoutError,
    RetryPolicy,
)
from tests.conftest import RunningServer

ROWS = 4500
SLOW = "SELECT count(*) AS n FROM generate_series(1, 10000000000) AS g"
ALL = "SELECT id, name, price FROM things ORDER BY id"
SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "price", "type": "number"},
    ],
    "primaryKey": ["id"],
}


@pytest.fixture(scope="module")
def source(client: Client, app: AppHandle) -> str:
    """The data source with the table `things`."""
    app.tables.create("main", "things", SCHEMA, materialize=True)
    rows = ({"id": n, "name": f"n {n}", "price": n / 4} for n in range(1, ROWS + 1))
    assert app.table("things").records.bulk_create(rows) == ROWS
    return f"{app.slug}/main"


def test_sql_and_its_rows(client: Client, source: str) -> None:
    result = client.queries.run_and_wait(ALL, source=source, max_age=0)
    assert (result.count, result.truncated) == (ROWS, False)
    assert [(one.name, one.type) for one in result.columns] == [
        ("id", "integer"), ("name", "string"), ("price", "float"),
    ]  # fmt: skip
    first = {"id": 1, "name": "n 1", "price": 0.25}
    assert result.page(1, 2) == [first, {"id": 2, "name": "n 2", "price": 0.5}]
    assert result.page(99, 100) == []
    assert [len(page) for page in result.pages(2000)] == [2000, 2000, 500]
    assert [len(page) for page in result.pages(1500)] == [1500] * 3
    rows = result.all()
    assert [row["id"] for row in rows] == list(range(1, ROWS + 1))
    assert list(result.stream()) == rows
    assert client.query_results.get(result.id).info == result.info
    assert repr(result).startswith(f"QueryResult(id={result.id}, columns=['id', 'name', 'price'], count=4500")


def test_a_stored_result_is_taken_with_none_of_its_rows(client: Client, source: str) -> None:
    first = client.queries.run_and_wait(ALL, source=source, max_age=0)
    run = client.queries.run(ALL, source=source, max_age=600)
    assert run.job is None and run.result is not None
    assert run.wait().info == first.info
    run.cancel()
    again = client.queries.run(ALL, source=source, max_age=0)
    assert again.job is not None and again.result is None
    assert again.wait(seconds=30).id != first.id
    with pytest.raises(BadRequestError, match="page_size"):
        client.request("POST", "/api/query_results", params=[("page_size", "x")],
                       body={"query": ALL, "data_source_id": client.data_sources.find(source).id})  # fmt: skip


def test_values(client: Client, source: str) -> None:
    sql = (
        "SELECT id FROM things WHERE name BETWEEN {{ r.start }} AND {{ r.end }} OR id = {{ id }} ORDER BY id"
    )
    values = {"id": 3, "r": {"start": "n 7", "end": "n 70"}}
    result = client.queries.run_and_wait(sql, source=source, parameters=values)
    assert [row["id"] for row in result] == [3, 7, 70]
    with pytest.raises(BadRequestError, match="Missing parameter"):
        client.queries.run(sql, source=source, parameters={"id": 1})


def test_tables_of_other_libraries(client: Client, source: str) -> None:
    result = client.queries.run_and_wait(ALL, source=source, max_age=600)
    table = result.to_arrow()
    assert (table.num_rows, table.column_names) == (ROWS, ["id", "name", "price"])
    assert table.column("price")[0].as_py() == "0.25"
    frame = result.to_pandas()
    assert frame["price"].sum() == sum(range(1, ROWS + 1)) / 4
    assert frame.columns.tolist() == ["id", "name", "price"]
    assert result.to_polars()["price"].max() == ROWS / 4


def test_files(client: Client, source: str, tmp_path: Path) -> None:
    result = client.queries.run_and_wait(ALL, source=source, max_age=600)
    told: list[int] = []
    size = result.download(tmp_path / "things.csv", on_bytes=told.append)
    lines = (tmp_path / "things.csv").read_text().splitlines()
    assert (len(lines), lines[1], told[-1]) == (ROWS + 1, "1,n 1,0.25", size)
    result.download(tmp_path / "things.parquet")
    assert pq.read_metadata(tmp_path / "things.parquet").num_rows == ROWS
    opened = io.BytesIO()
    result.download(opened, "ndjson")
    assert opened.getvalue().count(b"\n") == ROWS
    assert b"".join(result.export("tsv")).startswith(b"id\tname\tprice\r\n1\tn 1\t0.25\r\n")
    with pytest.raises(ValueError, match="cannot be told"):
        result.download(tmp_path / "things.txt")
    with pytest.raises(ValueError, match="needs a format"):
        result.download(io.BytesIO())


class Breaking(httpx2.BaseTransport):
    """Breaks the connection in the middle of the first answers that are files."""

    def __init__(self, times: int) -> None:
        self._real = httpx2.HTTPTransport()
        self.left = times
        self.ranges: list[str | None] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._real.handle_request(request)
        if not request.url.path.startswith("/api/query_results/") or "." not in request.url.path:
            return answer
        self.ranges.append(request.headers.get("range"))
        if self.left == 0:
            return answer
        self.left -= 1
        headers = [(k, v) for k, v in answer.headers.raw if k.lower() != b"content-length"]
        return httpx2.Response(answer.status_code, headers=headers, stream=_Half(answer))

    def close(self) -> None:
        self._real.close()


class _Half(httpx2.SyncByteStream):
    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        whole = b"".join(self._answer.iter_raw())
        yield whole[: len(whole) // 2]
        raise httpx2.ReadError("broken")

    def close(self) -> None:
        self._answer.close()


@pytest.mark.parametrize("format", ["arrow", "csv"])
def test_a_download_goes_on_after_a_broken_connection(
    server: RunningServer, client: Client, source: str, format: Any
) -> None:
    number = client.queries.run_and_wait(ALL, source=source, max_age=600).id
    breaking = Breaking(2)
    target = io.BytesIO()
    target.write(b"before")
    with Client(server.url, key=server.key, transport=breaking, retries=RetryPolicy(base=0)) as shaky:
        result = shaky.query_results.get(number)
        size = result.download(target, format)
        assert target.tell() == size + 6
        breaking.left = 9
        with pytest.raises(ConnectionFailedError):
            result.download(io.BytesIO(), format)
    content = target.getvalue()[6:]
    assert content == b"".join(client.query_results.get(number).export(format))
    if format == "arrow":
        assert ipc.open_file(pa.BufferReader(content)).read_all().num_rows == ROWS
        assert breaking.ranges[0] is None and breaking.ranges[1] == f"bytes={size // 2}-"
    else:
        assert set(breaking.ranges) == {None}


def test_how_a_query_fails(client: Client, source: str) -> None:
    with pytest.raises(QueryFailedError, match="Division by zero"):
        client.queries.run_and_wait("SELECT 1 / (id - id) AS n FROM things", source=source)
    with pytest.raises(BadRequestError, match="things"):
        client.queries.run("SELECT * FROM thing", source=source)
    with pytest.raises(ConfigurationError, match=f"called 'nowhere'; there are: {source}"):
        client.queries.run("SELECT 1", source="nowhere")
    with pytest.raises(NotFoundError, match="Job not found"):
        client.jobs.get(999999)


def test_who_stops_waiting_cancels(client: Client, source: str) -> None:
    seen: list[Job] = []
    with pytest.raises(QueryTimeoutError, match=r"after 0\.2 seconds"):
        client.queries.run_and_wait(SLOW, source=source, max_age=0, seconds=0.2, on_progress=seen.append)
    assert {one.state for one in seen} <= {"waiting", "running"}
    assert client.jobs.wait(seen[0].id, seconds=30).state == "cancelled"
    asked = client.queries.run(SLOW, source=source, max_age=0)
    asked.cancel()
    with pytest.raises(QueryCancelledError):
        asked.wait(seconds=30)

    def interrupt(job: Job) -> None:
        seen.append(job)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.queries.run_and_wait(SLOW, source=source, max_age=0, on_progress=interrupt)
    assert client.jobs.wait(seen[-1].id, seconds=30).state == "cancelled"


def test_saved_queries(client: Client, source: str) -> None:
    made = client.queries.create(
        "Things below",
        "SELECT id FROM things WHERE id <= {{ most }} ORDER BY id",
        source=source,
        description="d",
        parameters=[{"name": "most", "type": "number", "value": 3}],
        options={"kept": True},
        tags=["client"],
    )
    assert (made.options["kept"], made.tags, made.is_draft, made.version) == (True, ["client"], True, 1)
    assert client.queries.get(made.id).can_edit is True
    changed = client.queries.update(made.id, name="Things up to", version=1, is_draft=False, schedule=None)
    assert (changed.name, changed.version, changed.query) == ("Things up to", 2, made.query)
    with pytest.raises(ConflictError):
        client.queries.update(made.id, name="x", version=1)
    other = client.queries.update(made.id, parameters=[{"name": "most", "type": "number", "value": 4}])
    assert (other.options["kept"], other.options["parameters"][0]["value"]) == (True, 4)
    result = client.queries.run_and_wait(made.id, parameters={"most": 2})
    assert [row["id"] for row in result] == [1, 2]
    assert client.queries.latest(made.id, {"most": 2}).id == result.id
    with pytest.raises(NotFoundError, match="No cached result"):
        client.queries.latest(made.id, {"most": 1})
    fork = client.queries.fork(made.id)
    assert [one.id for one in client.queries.list(tags=["client"], order="created_at")] == [made.id, fork.id]
    assert client.queries.list(q="Things up", page_size=1).page().has_next
    assert client.queries.tags()["client"] == 2
    client.queries.favorite(fork.id)
    assert [one.id for one in client.queries.list(which="favorites")] == [fork.id]
    client.queries.unfavorite(fork.id)
    assert client.queries.list(which="favorites").all() == []
    client.queries.archive(fork.id)
    assert [one.id for one in client.queries.list(which="archive")] == [fork.id]


def test_data_sources(client: Client, source: str) -> None:
    found = client.data_sources.find(source)
    assert found == client.data_sources.get(found.id)
    assert (found.reference, found.type) == (source, "flat_table")
    assert [
        client.data_sources.number_of(one) for one in (found.id, str(found.id), found.name, source, "main")
    ] == [found.id] * 5
    assert client.data_sources.find() == found
    (table,) = client.data_sources.tables(found.id, refresh=True)
    assert (table.name, list(table.columns)) == ("things", ["id", "name", "price"])


def test_asynchronously(server: RunningServer, source: str) -> None:
    async def run() -> None:
        async with AsyncClient(server.url, key=server.key) as client:
            result = await client.queries.run_and_wait(ALL, source=source, max_age=600)
            assert [row["id"] async for row in result][-1] == ROWS
            assert len([row async for row in result.stream()]) == ROWS
            asked = await client.queries.run(SLOW, source=source, max_age=0)
            waiting = asyncio.ensure_future(asked.wait())
            await asyncio.sleep(0.1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert asked.job is not None
            assert (await client.jobs.wait(asked.job.id, seconds=30)).state == "cancelled"

    asyncio.run(run())
