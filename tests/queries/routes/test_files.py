"""Stored results over HTTP: pages, files, parts of files."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack

import pyarrow as pa
import pyarrow.parquet
import pytest

from penstock.kit.context import Context
from penstock.queries.service.reading import Downloads
from tests.queries.routes.conftest import Asking

pytestmark = pytest.mark.anyio
SQL = 'SELECT id, name, seen_at FROM "people" ORDER BY id'


async def test_files(asking: Asking) -> None:
    job = await asking.run(SQL)
    path = f"/api/query_results/{job['query_result_id']}"

    async def get(extension: str, **params: str) -> bytes:
        answer = await asking.client.get(f"{path}.{extension}", params=params)
        assert answer.status_code == 200, answer.text
        name = answer.headers["content-disposition"]
        assert name.startswith('attachment; filename="') and name.endswith(f'.{extension}"')
        return answer.content

    lines = (await get("csv")).decode().split("\r\n")
    assert lines[:2] == ["id,name,seen_at", "1,Person 1,07/02/25 21:26"] and len(lines) == 252
    assert (await get("csv", raw="1")).decode().split("\r\n")[1].endswith("2025-02-07T21:26:11.001000Z")
    assert (await get("tsv")).decode().startswith("id\tname\tseen_at\r\n")
    assert len(json.loads(await get("json"))["query_result"]["data"]["rows"]) == 250
    exact = json.loads(await get("json", raw="1"))["query_result"]["data"]["rows"][0]
    assert exact["seen_at"] == "2025-02-07T21:26:11.001000Z"
    assert len((await get("ndjson")).splitlines()) == 250
    assert pyarrow.parquet.read_table(io.BytesIO(await get("parquet"))).num_rows == 250
    assert (await get("xlsx"))[:2] == b"PK"
    whole = await get("arrow")
    assert pa.ipc.open_file(pa.BufferReader(whole)).read_all().num_rows == 250
    unknown = await asking.client.get(f"{path}.doc")
    assert unknown.status_code == 404 and "csv" in unknown.json()["hint"]
    # A part of it.
    for asked, part in (("bytes=0-9", whole[:10]), ("bytes=-8", whole[-8:]), ("bytes=100-", whole[100:])):
        answer = await asking.client.get(f"{path}.arrow", headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
    for asked in ("bytes=5-2", "lines=1-2", f"bytes={len(whole)}-", "bytes=-"):
        answer = await asking.client.get(f"{path}.arrow", headers={"Range": asked})
        assert (answer.status_code, len(answer.content)) == (200, len(whole))
    head = await asking.client.head(f"{path}.csv")
    assert (head.status_code, head.content) == (200, b"")


async def test_more_downloads_than_there_is_room_for(asking: Asking, ctx: Context) -> None:
    job = await asking.run(SQL)
    path = f"/api/query_results/{job['query_result_id']}.csv"
    with ExitStack() as taken:
        while True:
            taken.enter_context(ctx.get(Downloads).one())
            full = await asking.client.get(path)
            if full.status_code == 503:
                break
    assert (full.headers["retry-after"], full.json()["code"]) == ("5", "UNAVAILABLE")
    assert (await asking.client.get(path)).status_code == 200


async def test_pages(asking: Asking) -> None:
    job = await asking.run(SQL)
    path = f"/api/query_results/{job['query_result_id']}"
    answer = await asking.client.get(path, params={"page": 3, "page_size": 100})
    found = answer.json()["query_result"]
    assert (found["count"], found["page"], found["page_size"]) == (250, 3, 100)
    assert [row["id"] for row in found["data"]["rows"]] == list(range(201, 251))
    assert (await asking.client.get(path, params={"page": "0"})).status_code == 400


async def test_files_of_saved_queries(asking: Asking) -> None:
    body = {"query": SQL, "data_source_id": asking.source, "name": "Größe / a:b"}
    query = (await asking.client.post("/api/queries", json=body)).json()
    path = f"/api/queries/{query['id']}"
    assert (await asking.client.get(f"{path}/results.csv")).status_code == 404
    job = await asking.end((await asking.client.post(f"{path}/results", json={})).json()["job"]["id"])
    latest = await asking.client.get(f"{path}/results.csv")
    assert latest.status_code == 200 and "cache-control" not in latest.headers
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe___a_b_" in latest.headers["content-disposition"]
    same = await asking.client.get(f"{path}/results/{job['query_result_id']}.csv")
    assert same.content == latest.content and "max-age" in same.headers["cache-control"]
    other = await asking.run("SELECT 1 AS one")
    assert (await asking.client.get(f"{path}/results/{other['query_result_id']}.json")).status_code == 404
    assert (await asking.client.get(f"{path}/nothing")).status_code == 404
