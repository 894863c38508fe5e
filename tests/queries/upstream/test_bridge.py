"""The explorer dialect in front of another service: pages, caching by key, and what becomes of its faults."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pytest

from penstock.kit.context import Context
from penstock.kit.outbound import OutboundSettings
from penstock.queries import HANDLERS
from penstock.queries.jobs import FORGET_RESULTS
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import working
from tests.queries.upstream.conftest import PROOF, Reply, Service, done

pytestmark = pytest.mark.anyio
ALL = "/api/queries"
SQL = "SELECT n FROM somewhere"


def rows(start: int, count: int) -> pa.Table:
    numbers = list(range(start, start + count))
    return pa.table({"n": pa.array(numbers, pa.int64()), "t": [f"row {n}" for n in numbers]})


async def made(client: httpx2.AsyncClient, sql: str = SQL) -> str:
    answer = await client.post(ALL, json={"sql_query": sql})
    assert answer.status_code == 200, answer.text
    assert answer.json()["sql_query"] == sql
    return answer.json()["query_slug"]


async def read(client: httpx2.AsyncClient, slug: str, number: int = 1) -> httpx2.Response:
    return await client.get(f"{ALL}/{slug}/results", params={"page_number": number})


async def test_pages(front: httpx2.AsyncClient, service: Service) -> None:
    service.answer = lambda text: service.serves(rows(0, 150), rows(150, 100))
    created = await front.post(ALL, json={"layer": "a", "table": 'b"c', "limit": 250})
    text = 'SELECT\n\t*\nFROM\n\t"a"."b""c"\nLIMIT 250'
    assert created.json()["sql_query"] == text
    slug = created.json()["query_slug"]
    found: list[int] = []
    for number, size in ((1, 100), (2, 100), (3, 50), (4, 0)):
        answer = await read(front, slug, number)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert list(body) == ["query_slug", "page", "data"]
        assert (body["query_slug"], body["page"], len(body["data"])) == (slug, number, size)
        found += [row["n"] for row in body["data"]]
    assert found == list(range(250))
    # Fetched once, and the key stayed with the service.
    assert service.asked == [PROOF, text]
    assert len(service.seen) == 2 and not any("x-api-key" in headers for _, headers in service.seen)


async def test_the_cache_is_of_one_key_and_question(front: httpx2.AsyncClient, service: Service) -> None:
    service.answer = lambda text: service.serves(rows(0, 1))
    first, again, other = await made(front), await made(front), await made(front, "SELECT 2")
    for slug in (first, again, first, other):
        assert (await read(front, slug)).status_code == 200
    assert service.asked == [PROOF, SQL, "SELECT 2"]
    for key in ("another", "", "ü"):
        theirs = await front.get(f"{ALL}/{first}/results", headers={"x-api-key": key.encode()})
        assert theirs.status_code == (404 if key == "another" else 401), theirs.text
        refused = await front.post(ALL, json={"sql_query": SQL}, headers={"x-api-key": key.encode()})
        assert (refused.status_code, refused.json()["error"]) == (
            401,
            "Invalid API key" if key else "Missing API key. Please provide 'x-api-key' header",
        )
    # What is no key of the service is not shown to it.
    bearer = {"Authorization": "Bearer token", "x-api-key": ""}
    assert (await front.post(ALL, json={"sql_query": SQL}, headers=bearer)).status_code == 401
    assert (await front.post(f"{ALL}/{first}/results", json={})).status_code == 405


async def test_no_rows_at_all(front: httpx2.AsyncClient, service: Service) -> None:
    service.answer = lambda text: done()
    assert (await read(front, await made(front))).json()["data"] == []


async def test_faults_that_pass(front: httpx2.AsyncClient, service: Service) -> None:
    replies = [Reply(503, headers={"Retry-After": "0"}), Reply(502), Reply(body={"state": "RUNNING"})]

    def answer(text: str) -> Reply:
        return replies.pop(0) if replies else service.serves(rows(0, 3))

    service.answer = answer
    assert len((await read(front, await made(front))).json()["data"]) == 3
    assert service.asked == [PROOF, *[SQL] * 4]


FAULTS: list[tuple[Reply, int, str]] = [
    (Reply(400, {"errors": [{"detail": "Table x is missing."}]}), 400, "Table x is missing."),
    (Reply(400, {"detail": "No such column."}), 400, "No such column."),
    (Reply(422, {"message": "Not SQL."}), 400, "Not SQL."),
    (Reply(400, b"<html>"), 400, "The service answered 400."),
    (Reply(body={"state": "FAILED", "state_change_reason": "Too much."}), 400, "Too much."),
    (Reply(body={"state": "CANCELLED"}), 400, "The query has cancelled."),
    (Reply(body={"state": "SLEEPING"}), 502, "The service did not say how the query ended."),
    (Reply(body={"state": "SUCCEEDED"}), 502, "The service did not say where the rows are."),
    (Reply(body={"state": "SUCCEEDED", "presigned_urls": [1]}), 502, "The service did not say where"),
    (Reply(body=b"not JSON"), 502, "no JSON object"),
    (Reply(body=b"[" * 100_000), 502, "no JSON object"),
    (Reply(body=b'{"state": "' + b"x" * 2_000_000), 502, "more than it should"),
    (Reply(404, b""), 502, "The service answered 404."),
    (Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), 502, "The service answered 302."),
    (Reply(500, b""), 502, "The service answered 500."),
    (Reply(503, b""), 503, "The service answered 503."),
    (Reply(401, b""), 401, ""),
    (done("ftp://127.0.0.1/x"), 502, "no address of the web"),
    (done("http://user:pass@127.0.0.1/x"), 502, "no address of the web"),
    (done("http://[::1"), 502, "cannot be read"),
    (done("http://169.254.169.254/latest"), 502, "may not go"),
    (done("http://127.0.0.1:1/x"), 502, "cannot be fetched"),
]  # fmt: skip


async def test_faults(front: httpx2.AsyncClient, service: Service) -> None:
    slug = await made(front)
    for reply, status, details in FAULTS:
        service.answer = lambda text, reply=reply: reply
        answer = await read(front, slug)
        body = answer.json()
        assert answer.status_code == status, (reply, answer.text)
        if status == 401:
            assert body["error"] == "Invalid API key"
            continue
        assert (body["error"], body["query_slug"], body["page_number"]) == ("Query execution failed", slug, 1)
        assert details in body["details"], (reply, body)


def broken(change: Callable[[bytes], bytes]) -> Callable[[Service], Reply]:
    def serve(service: Service) -> Reply:
        reply = service.serves(rows(0, 10))
        (file,) = service.files.values()
        file.body = change(file.body)
        return reply

    return serve


FILES: list[tuple[Callable[[Service], Reply], str]] = [
    (broken(lambda raw: b"no parquet"), "cannot be read"),
    (broken(lambda raw: raw[:-20]), "cannot be read"),
    (broken(lambda raw: raw[:4] + b"\xff" * 40 + raw[44:]), "cannot be read"),
    (broken(lambda raw: b""), "cannot be read"),
    (broken(lambda raw: raw + b"x" * 2**20), "more than this server takes"),
    (lambda service: service.serves(rows(0, 1), pa.table({"n": ["text"]})), "different columns"),
    (lambda service: done(f"{service.url}/files/none"), "answered 404"),
]


async def test_files_that_are_none(front: httpx2.AsyncClient, service: Service, tmp_path: Path) -> None:
    slug = await made(front)
    for serve, details in FILES:
        service.files.clear()
        service.answer = lambda text, serve=serve: serve(service)
        answer = await read(front, slug)
        assert answer.status_code == 502 and details in answer.json()["details"], (details, answer.text)
        assert [one for one in tmp_path.iterdir() if one.is_file()] == []


@pytest.mark.parametrize("limits", [OutboundSettings("forbid")])
async def test_where_links_may_lead(front: httpx2.AsyncClient, service: Service) -> None:
    """To the service itself, as whoever set it up says, and nowhere else that is private."""
    service.answer = lambda text: service.serves(rows(0, 1))
    assert (await read(front, await made(front))).status_code == 200
    elsewhere = service.url.replace("127.0.0.1", "localhost")
    service.answer = lambda text: done(f"{elsewhere}/files/0.parquet")
    answer = await read(front, await made(front, "SELECT 3"))
    assert answer.status_code == 502 and "may not go" in answer.json()["details"]


async def test_a_key_that_is_no_longer_taken(
    front: httpx2.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are here are not given for it, once it has been a while since it was good."""
    service.answer = lambda text: service.serves(rows(0, 1))
    slug = await made(front)
    assert (await read(front, slug)).status_code == 200
    monkeypatch.setattr("tests.queries.upstream.conftest.KEY", "a new one")
    assert (await read(front, slug)).status_code == 200
    real = time.monotonic
    monkeypatch.setattr("penstock.queries.service.upstream.time.monotonic", lambda: real() + 301)
    for number in (1, 2):
        assert (await read(front, slug, number)).status_code == 401


@pytest.mark.parametrize("seconds", [1.0])
async def test_a_service_that_says_nothing(front: httpx2.AsyncClient, service: Service) -> None:
    slug = await made(front)
    service.answer = lambda text: (time.sleep(1.5), Reply())[1]
    answer = await read(front, slug)
    assert answer.status_code == 504 and "time" in answer.json()["details"], answer.text


async def test_what_is_forgotten(
    front: httpx2.AsyncClient, service: Service, database: TestDatabase, ctx: Context, tmp_path: Path
) -> None:
    service.answer = lambda text: service.serves(rows(0, 1))
    old, new = await made(front), await made(front, "SELECT 4")
    for slug in (old, new):
        assert (await read(front, slug)).status_code == 200
    kept, gone = sorted(one.name for one in tmp_path.glob("*.arrow"))
    for name in (kept, gone):
        os.utime(tmp_path / name, (0, 0))
    async with ctx.db.control.transaction() as conn:
        long_ago = "now() - interval '40 days'"
        await conn.execute(
            f"UPDATE penstock.upstream_results SET retrieved_at = {long_ago} WHERE file = $1", gone
        )
        await conn.execute(f"UPDATE penstock.upstream_queries SET used_at = {long_ago} WHERE slug = $1", old)
    await forgotten(database, ctx, tmp_path)
    assert [one.name for one in tmp_path.glob("*.arrow")] == [kept]
    assert (await read(front, old, 2)).status_code == 404
    assert (await read(front, new, 2)).status_code == 200


async def forgotten(database: TestDatabase, ctx: Context, results: Path) -> None:
    from dataclasses import replace

    from penstock.kit import jobs
    from penstock.kit.jobs import RunState
    from penstock.kit.jobs.cleaning import Nothing
    from penstock.queries.settings import QueriesSettings
    from penstock.server.settings import Settings
    from tests.kit.jobs.conftest import reached

    given = replace(database.settings.of(QueriesSettings), results_url=str(results))
    own = replace(database, settings=Settings({**database.settings.sections, QueriesSettings: given}))
    async with working(own, HANDLERS):
        async with ctx.db.control.transaction() as conn:
            run_id = await jobs.defer(conn, FORGET_RESULTS, Nothing())
        view: Any = await reached(ctx, run_id, RunState.SUCCEEDED, RunState.FAILED)
        assert view.state is RunState.SUCCEEDED, view.error
