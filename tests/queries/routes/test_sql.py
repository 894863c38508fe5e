"""SQL in, links to files out; and what a link may do."""

from __future__ import annotations

import gzip
import io
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec
import pyarrow.parquet
import pytest

from penstock.kit.context import Context
from penstock.queries.service import links
from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.queries.routes.conftest import Asking
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
PATH = "/api/v1/sql-query"
SQL = 'SELECT id, name, seen_at FROM "main"."people" ORDER BY id'


async def asked(client: httpx2.AsyncClient, sql: str = SQL, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{PATH}/", json={"sql": sql, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def linked(client: httpx2.AsyncClient, sql: str = SQL, **body: Any) -> str:
    """The link, as a client has it that has no key."""
    found = await asked(client, sql, **body)
    assert found["state"] == "SUCCEEDED", found
    (link,) = found["presigned_urls"]
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc) == ("http", "testserver")
    return f"{parts.path}?{parts.query}"


async def test_files(asking: Asking, app: Edge) -> None:
    found = await asked(asking.client)
    assert list(found) == [
        *("state", "presigned_urls", "data_scanned_in_bytes", "execution_time_in_millis"),
        "state_change_reason",
    ]
    assert found["state"] == "SUCCEEDED" and found["state_change_reason"] is None
    assert found["data_scanned_in_bytes"] > 1000 and found["execution_time_in_millis"] >= 0
    async with client_of(app, None) as nobody:

        async def read(**body: Any) -> httpx2.Response:
            answer = await nobody.get(await linked(asking.client, **body))
            assert answer.status_code == 200, answer.text
            assert answer.headers["cache-control"] == "private, no-store"
            return answer

        lines = (await read()).text.split("\r\n")
        assert (
            lines[:2] == ["id,name,seen_at", "1,Person 1,2025-02-07T21:26:11.001000Z"] and len(lines) == 252
        )
        plain = await read(mode="csv", mode_options={"delimiter": ";", "header": False})
        assert plain.text.startswith("1;Person 1;2025") and plain.headers["content-type"].startswith(
            "text/csv"
        )
        packed = await read(mode_options={"compression": "GZIP"})
        assert gzip.decompress(packed.content).decode().split("\r\n") == lines
        assert packed.headers["content-type"] == "application/gzip"
        for compression in ("SNAPPY", "gzip", "NONE", "ZSTD", None):
            file = await read(mode="parquet", mode_options={"compression": compression})
            table = pyarrow.parquet.ParquetFile(io.BytesIO(file.content))
            assert table.read().num_rows == 250
            used = table.metadata.row_group(0).column(0).compression
            assert used == {"NONE": "UNCOMPRESSED", None: "SNAPPY"}.get(
                compression, (compression or "").upper()
            )


BODIES: list[tuple[dict[str, Any], str]] = [
        ({}, "sql"),
        ({"sql": " "}, "sql"),
        ({"sql": 7}, "sql"),
        ({"sql": "SELECT 1", "mode": "xlsx"}, "mode"),
        ({"sql": "SELECT 1", "mode": []}, "mode"),
        ({"sql": "SELECT 1", "mode_options": []}, "mode_options"),
        ({"sql": "SELECT 1", "mode_options": {"delimiter": "ab"}}, "mode_options"),
        ({"sql": "SELECT 1", "mode_options": {"delimiter": []}}, "mode_options"),
        ({"sql": "SELECT 1", "mode_options": {"header": "no"}}, "mode_options"),
        ({"sql": "SELECT 1", "mode_options": {"compression": "LZO"}}, "mode_options"),
        ({"sql": "SELECT 1", "mode_options": {"compression": {}}}, "mode_options"),
        ({"sql": "SELECT 1", "mode": "parquet", "mode_options": {"header": True}}, "mode_options"),
    ]  # fmt: skip


async def test_what_is_refused(client: httpx2.AsyncClient) -> None:
    for body, field in BODIES:
        answer = await client.post(PATH, json=body)
        assert answer.status_code == 400 and list(answer.json()["errors"]) == [field], answer.text


async def test_queries_that_fail(asking: Asking) -> None:
    refused = await asking.client.post(PATH, json={"sql": "SELECT * FROM nothing"})
    body = refused.json()
    assert (refused.status_code, body["state"], body["presigned_urls"]) == (400, "FAILED", [])
    assert body["state_change_reason"] == body["error"] and "nothing" in body["error"]
    found = await asked(asking.client, 'SELECT 1 / (id - 1) AS n FROM "main"."people"')
    assert (found["state"], found["presigned_urls"]) == ("FAILED", [])
    assert found["state_change_reason"] == "Division by zero."


async def test_who_may(asking: Asking, callers: Callers) -> None:
    statuses = {
        name: (await client.post(PATH, json={"sql": SQL})).status_code for name, client in callers.items()
    }
    assert statuses == {
        **dict.fromkeys(("owner", "admin", "operator"), 200),
        **{"collaborator": 403, "nobody": 403, "other": 400, "anonymous": 401},
    }
    answer = await callers["anonymous"].post(PATH, json={"sql": SQL})
    assert answer.json()["error"] == "Missing API key. Please provide 'x-api-key' header"


async def test_what_a_link_may_do(asking: Asking, callers: Callers, ctx: Context) -> None:
    reader, nobody = callers["operator"], callers["anonymous"]
    link = await linked(reader)
    assert (await nobody.get(link)).status_code == 200
    assert (await nobody.head(link)).status_code == 200
    path, _, token = link.partition("?token=")
    for refused in (path, f"{path}?token=", f"{path}?token={token[:-1]}x", f"{path}?token=a.b.c"):
        assert (await nobody.get(refused)).status_code == 403
    assert (await nobody.get(link.replace(".csv?", ".parquet?"))).status_code == 404
    # Its name says what it is, and no more: what counts is signed.
    said = links.opened(ctx.keys.signing, token)
    late = links.sealed(ctx.keys.signing, msgspec.structs.replace(said, expires=int(time.time()) - 1))
    expired = await nobody.get(f"{path}?token={late}")
    assert expired.status_code == 403 and "expired" in expired.json()["error"]
    # A rule that keeps rows from its maker keeps them from the link.
    rule = {"name": "few", "read": {"id__lte": 5}}
    made = await asking.client.post("/api/apps/shop/datatables/people/rules", json=rule)
    assert (await nobody.get(link)).status_code == 404
    few = await nobody.get(await linked(reader))
    assert len(few.text.split("\r\n")) == 7
    await asking.client.delete(f"/api/apps/shop/datatables/people/rules/{made.json()['id']}")
    assert (await nobody.get(link)).status_code == 200
    # And so does a user who has gone.
    await asking.client.patch("/api/users/operator-user", json={"is_active": False})
    assert (await nobody.get(link)).status_code == 403


async def test_a_result_that_has_gone(asking: Asking, app: Edge, ctx: Context, second: Edge) -> None:
    """In every process, at once."""
    link = await linked(asking.client)
    async with client_of(app, None) as here, client_of(second, None) as there:
        assert [(await one.get(link)).status_code for one in (here, there)] == [200, 200]
        async with ctx.db.control.transaction() as conn:
            await conn.execute("DELETE FROM penstock.query_results")
        assert [(await one.get(link)).status_code for one in (here, there)] == [404, 404]
