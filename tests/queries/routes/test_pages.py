"""Dashboards as pages: whole in themselves, everything escaped, errors as pages too."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from penstock.server.paths import addressed, without_token
from tests.conftest import client_of
from tests.queries.routes.conftest import Asking
from tests.queries.routes.test_dashboards import create, place, query_of
from tests.queries.routes.test_visualizations import chart_of

pytestmark = pytest.mark.anyio
HTML = {"Accept": "text/html,application/xhtml+xml"}
BAD = "<script>alert('zq')</script>\"><img src=x>"


async def page(client: httpx2.AsyncClient, path: str, **params: Any) -> httpx2.Response:
    return await client.get(path, headers=HTML, params=params)


async def test_a_page(asking: Asking) -> None:
    client = asking.client
    query = await query_of(
        client,
        name=f"People {BAD}",
        query=f'SELECT \'{BAD.replace(chr(39), chr(39) * 2)}\' AS "a<b", id, score FROM "people" LIMIT 3',
    )
    answer = await client.post(f"/api/queries/{query['id']}/results")
    assert (await asking.end(answer.json()["job"]["id"]))["status"] == 3
    dashboard = await create(client, f"Board {BAD}", tags=[BAD])
    counter = {"type": "COUNTER", "name": BAD, "options": {"counterColName": "score", "counterLabel": BAD}}
    shown = [
        query["visualizations"][0],
        await chart_of(client, query["id"], name=BAD),
        await chart_of(client, query["id"], **counter),
        await chart_of(client, query["id"], type="SANKEY"),
    ]
    for number, one in enumerate(shown):
        where = {"col": 3 * (number % 2), "row": 8 * (number // 2), "sizeX": 3, "sizeY": 8}
        await place(client, dashboard["id"], one["id"], options={"position": where})
    await place(client, dashboard["id"], text=f"# Notes\n\n{BAD}", options={})
    await place(client, dashboard["id"], text="not shown", options={"isHidden": True})
    answer = await page(client, f"/dashboards/{dashboard['id']}")
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script" not in policy and "frame-ancestors 'none'" in policy
    text = answer.text
    assert "<script" not in text and "<img src=x" not in text and "not shown" not in text
    assert text.count("&lt;script&gt;") >= 6
    assert "<h1>Notes</h1>" in text and "a&lt;b" in text and "SANKEY" in text
    assert len(re.findall(r'src="data:image/svg\+xml;base64,', text)) == 1
    assert "<b>0.25</b>" in text
    # Nothing is fetched from anywhere.
    links = re.findall(r'(?:src|href|action)="([^"]*)"', text)
    assert links and all(one.startswith("data:") for one in links) and "@import" not in text
    assert "grid-column:4/span 3;grid-row:1/span 8" in text


async def test_who_asks(asking: Asking, app: Edge) -> None:
    """A browser gets the page, a program the object, at the same address."""
    made = await create(asking.client)
    assert (await asking.client.get("/dashboards/sales")).json()["id"] == made["id"]
    key = asking.client.headers["authorization"].partition(" ")[2]
    async with client_of(app, None) as browser:
        refused = await page(browser, "/dashboards/sales")
        assert refused.status_code == 401 and "<h1>401</h1>" in refused.text
        assert refused.headers["content-type"].startswith("text/html")
        assert (await page(browser, "/dashboards/sales", api_key=key)).status_code == 200
        missing = await page(browser, "/dashboards/other", api_key=key)
        assert missing.status_code == 404 and "<h1>404</h1>" in missing.text
        assert (await page(browser, f"/public/dashboards/{BAD}")).status_code == 404


def test_tokens_are_not_written_down() -> None:
    for path in (
        "/api/dashboards/public/secret",
        "/public/dashboards/secret",
        "/public/dashboards/secret/more",
    ):
        assert "secret" not in without_token(path)
    assert without_token("/api/dashboards/sales") == "/api/dashboards/sales"
    assert addressed("/dashboards", []) == "/api/dashboards"
    assert addressed("/dashboards/x", [(b"accept", b"text/html")]) == "/dashboards/x"
    assert addressed("/public/dashboards/x", []) == "/public/dashboards/x"
