"""What a token of a dashboard opens, in whose name, and for how long."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.queries.settings import QueriesSettings
from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.queries.routes.conftest import Asking
from tests.queries.routes.test_crossing import found
from tests.queries.routes.test_dashboards import create, place, query_of
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio


async def shared(client: httpx2.AsyncClient, **query: Any) -> tuple[dict[str, Any], dict[str, Any], str]:
    """A dashboard with a query and a text; the dashboard, the query, and the token."""
    made = await query_of(client, **query)
    dashboard = await create(client, "Public one", is_draft=False)
    await place(client, dashboard["id"], made["visualizations"][0]["id"])
    await place(client, dashboard["id"], text="Hello")
    answer = (await client.post(f"/api/dashboards/{dashboard['id']}/share")).json()
    assert answer["public_url"] == f"http://testserver/public/dashboards/{answer['api_key']}"
    assert len(answer["api_key"]) == 40
    return dashboard, made, answer["api_key"]


async def test_a_token(asking: Asking, app: Edge) -> None:
    dashboard, query, token = await shared(asking.client)
    path = f"/api/dashboards/{dashboard['id']}"
    public = f"/api/dashboards/public/{token}"
    again = (await asking.client.post(f"{path}/share")).json()
    assert again["api_key"] == token
    assert (await asking.client.get(path)).json()["public_url"].endswith(token)
    async with client_of(app, None) as anybody:
        shown = await anybody.get(public)
        assert shown.status_code == 200 and "frame-ancestors *" in shown.headers["content-security-policy"]
        assert set(shown.json()) == {
            "name", "layout", "dashboard_filters_enabled", "updated_at", "created_at", "options", "widgets",
        }  # fmt: skip
        first, second = shown.json()["widgets"]
        assert set(first["visualization"]["query"]) == {"id", "name", "description", "options"}
        assert second["text"] == "Hello" and "visualization" not in second
        assert "SELECT" not in shown.text and "@" not in shown.text
        page = await anybody.get(f"/public/dashboards/{token}")
        assert page.status_code == 200 and "Hello" in page.text and "No rows are stored" in page.text
        # Data are asked for with the token as a key, for the queries of this dashboard and no other.
        key = {"api_key": token}
        told = (await anybody.get(f"/api/queries/{query['id']}", params=key)).json()
        assert told["name"] == query["name"] and "SELECT" not in str(told).upper()
        assert not {"query", "query_hash", "data_source_id", "schedule"} & set(told)
        ran = await anybody.post(f"/api/queries/{query['id']}/results", params=key, json={})
        assert ran.status_code == 200, ran.text
        job = ran.json()["job"]
        while job["status"] < 3:
            await asyncio.sleep(0.02)
            answer = await anybody.get(f"/api/queries/{query['id']}/jobs/{job['id']}", params=key)
            job = answer.json()["job"]
        rows = await anybody.post(f"/api/queries/{query['id']}/results", params=key, json={})
        assert set(rows.json()["query_result"]) == {"data", "retrieved_at"}
        assert len(rows.json()["query_result"]["data"]["rows"]) == 250
        assert "of 250 rows" in (await anybody.get(f"/public/dashboards/{token}")).text
        other = await query_of(asking.client, name="Other")
        for address in (f"/api/queries/{other['id']}", f"/api/queries/{other['id']}/results", path, "/api/queries",
                        "/api/dashboards", "/api/data_sources", "/api/visualizations/1"):  # fmt: skip
            assert (await anybody.get(address, params=key)).status_code == 404, address
        for address in (path, f"{path}/share", "/api/widgets", "/api/dashboards"):
            refused = await anybody.post(address, headers={"x-api-key": token}, json={})
            assert refused.status_code == 404, address
        assert (await anybody.get("/api/dashboards/public/nothing")).status_code == 404
        assert (await anybody.get("/public/dashboards/nothing")).status_code == 404
        user_key = asking.client.headers["authorization"].partition(" ")[2]
        assert (await anybody.get(f"/api/dashboards/public/{user_key}")).status_code == 404
        assert (await asking.client.delete(f"{path}/share")).content == b"null\n"
        assert (await asking.client.delete(f"{path}/share")).status_code == 200
        for address in (public, f"/public/dashboards/{token}"):
            assert (await anybody.get(address)).status_code == 404
        gone = await anybody.post(f"/api/queries/{query['id']}/results", params=key, json={})
        assert gone.status_code == 401
        assert "public_url" not in (await asking.client.get(path)).json()
        new = (await asking.client.post(f"{path}/share")).json()["api_key"]
        assert new != token
        assert (await asking.client.delete(path)).status_code == 200
        assert (await anybody.get(f"/api/dashboards/public/{new}")).status_code == 404
        late = await anybody.get(f"/api/queries/{query['id']}/results", params={"api_key": new})
        assert late.status_code == 404


async def test_in_whose_name(asking: Asking, callers: Callers, app: Edge) -> None:
    """A token shows the rows of who shared, and nothing that somebody with other rows put there."""
    rule = {"name": "few", "read": {"id__lte": 5}}
    made = await asking.client.post("/api/apps/shop/datatables/people/rules", json=rule)
    assert made.status_code == 201, made.text
    operator = callers["operator"]
    dashboard, query, token = await shared(operator)
    path, page = f"/api/queries/{query['id']}", f"/public/dashboards/{token}"
    await found(asking, asking.client, path)
    async with client_of(app, None) as anybody:
        assert "No rows are stored" in (await anybody.get(page)).text
        await found(asking, operator, path)
        text = (await anybody.get(page)).text
        assert '<td class="right">5</td>' in text and '<td class="right">6</td>' not in text
        # The owner shares in their own name, and the operator, who made it, puts a query of theirs there.
        share = f"/api/dashboards/{dashboard['id']}/share"
        await operator.delete(share)
        token = (await asking.client.post(share)).json()["api_key"]
        text = (await anybody.get(f"/public/dashboards/{token}")).text
        assert "There is nothing to show here" in text and "<td" not in text
        ran = await anybody.post(f"{path}/results", params={"api_key": token}, json={})
        assert ran.status_code == 403, ran.text
        # Once the owner has written the query and placed the widget, it is theirs.
        await asking.client.post(path, json={"query": 'SELECT id, score FROM "people" ORDER BY 1'})
        refused = await anybody.post(f"{path}/results", params={"api_key": token}, json={})
        assert refused.status_code == 403 and "widget" in refused.json()["message"]
        (widget, _) = (await asking.client.get(f"/api/dashboards/{dashboard['id']}")).json()["widgets"]
        await asking.client.post(f"/api/widgets/{widget['id']}", json={"options": widget["options"]})
        await found(asking, asking.client, path)
        assert "of 250 rows" in (await anybody.get(f"/public/dashboards/{token}")).text


async def test_a_query_that_reads_from_another(asking: Asking, app: Edge) -> None:
    """It is not shown, and what is beside it is."""
    inner = await query_of(asking.client, name="Inner")
    text = f"SELECT count(*) AS many FROM query_{inner['id']}"
    dashboard, outer, token = await shared(asking.client, query=text)
    await place(asking.client, dashboard["id"], inner["visualizations"][0]["id"])
    for query in (inner, outer):
        await found(asking, asking.client, f"/api/queries/{query['id']}")
    async with client_of(app, None) as anybody:
        path = f"/api/queries/{outer['id']}/results"
        refused = await anybody.post(path, params={"api_key": token}, json={})
        assert refused.status_code == 400 and "read no other queries" in refused.json()["message"]
        page = await anybody.get(f"/public/dashboards/{token}")
        assert page.status_code == 200 and "of 250 rows" in page.text and "many" not in page.text


async def test_it_ends_with_its_sharer(asking: Asking, callers: Callers, app: Edge) -> None:
    _, query, token = await shared(callers["operator"])
    await found(asking, callers["operator"], f"/api/queries/{query['id']}")
    async with client_of(app, None) as anybody:
        assert "of 250 rows" in (await anybody.get(f"/public/dashboards/{token}")).text
        gone = await asking.client.delete("/api/orgs/main/members/operator-user")
        assert gone.status_code in (200, 204), gone.text
        for _ in range(100):
            answer = await anybody.get(f"/public/dashboards/{token}")
            if answer.status_code == 404:
                break
            await asyncio.sleep(0.02)
        assert answer.status_code == 404


async def test_unsafe_queries(asking: Asking, app: Edge) -> None:
    """Nobody unknown writes text into a query: its saved value counts, whatever the address says."""
    text = {
        "query": "SELECT {{ word }} AS word",
        "options": {"parameters": [{"name": "word", "type": "text", "value": "saved"}]},
    }
    _, query, token = await shared(asking.client, **text)
    for word in ("saved", "given"):
        job = (await asking.client.post(
            f"/api/queries/{query['id']}/results", json={"parameters": {"word": word}}
        )).json()["job"]  # fmt: skip
        await asking.end(job["id"])
    async with client_of(app, None) as anybody:
        page = (await anybody.get(f"/public/dashboards/{token}", params={"p_word": "given"})).text
        assert "<td>saved</td>" in page and "given" not in page and "<form" not in page
        ran = await anybody.post(
            f"/api/queries/{query['id']}/results",
            params={"api_key": token},
            json={"parameters": {"word": "given"}},
        )
        assert ran.status_code == 403 and "unsafe" in ran.json()["job"]["error"]
    own = (await asking.client.get(
        "/dashboards/public-one", params={"p_word": "given"}, headers={"Accept": "text/html"}
    )).text  # fmt: skip
    assert "<td>given</td>" in own and 'value="given"' in own


async def test_where_none_are_public(asking: Asking, ctx: Context, app: Edge) -> None:
    dashboard, query, token = await shared(asking.client)
    ctx.sections[QueriesSettings] = replace(ctx.settings(QueriesSettings), public_dashboards=False)
    async with client_of(app, None) as anybody:
        for method, address in (
            ("GET", f"/api/dashboards/public/{token}"),
            ("GET", f"/public/dashboards/{token}"),
            ("POST", f"/api/queries/{query['id']}/results?api_key={token}"),
        ):
            answer = await anybody.request(method, address)
            assert answer.status_code == 400 and "Public URLs are disabled." in answer.text
    refused = await asking.client.post(f"/api/dashboards/{dashboard['id']}/share")
    assert refused.status_code == 400
    assert (await asking.client.get("/api/config")).json()["client_config"]["disablePublicUrls"] is True


async def test_a_narrow_key_shares_nothing(asking: Asking, app: Edge) -> None:
    dashboard = await create(asking.client)
    key = await asking.client.post("/api/keys", json={"name": "k", "kind": "user", "role": "admin"})
    assert key.status_code == 201, key.text
    async with client_of(app, key.json()["key"]) as narrow:
        refused = await narrow.post(f"/api/dashboards/{dashboard['id']}/share")
        assert refused.status_code == 403, refused.text
