"""Visualizations: their definitions, and pictures of stored rows over HTTP."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.queries.routes.conftest import Asking
from tests.queries.routes.test_crossing import found
from tests.queries.routes.test_dashboards import create, place, query_of
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
ALL = "/api/visualizations"
CHART = {"globalSeriesType": "line", "columnMapping": {"id": "x", "score": "y"}}


async def chart_of(client: httpx2.AsyncClient, query: int, **body: Any) -> dict[str, Any]:
    wanted = {
        "query_id": query,
        "type": "CHART",
        "name": "Scores",
        "description": None,
        "options": CHART,
        **body,
    }
    answer = await client.post(ALL, json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_definitions(shop: httpx2.AsyncClient) -> None:
    query = await query_of(shop)
    made = await chart_of(shop, query["id"], options={**CHART, "what": {"ever": [1, None]}})
    assert made["options"] == {**CHART, "what": {"ever": [1, None]}} and made["description"] is None
    path = f"{ALL}/{made['id']}"
    assert (await shop.get(path)).json() == {**made, "query_id": query["id"]}
    changed = await shop.post(path, json={"name": "More", "type": "PIVOT", "options": {"a": 1}, "surplus": 2})
    assert (changed.json()["name"], changed.json()["type"], changed.json()["options"]) == (
        "More",
        "PIVOT",
        {"a": 1},
    )
    assert (await shop.post(path, json={})).json()["name"] == "More"
    read = (await shop.get(f"/api/queries/{query['id']}")).json()
    assert [one["type"] for one in read["visualizations"]] == ["TABLE", "PIVOT"]
    fork = (await shop.post(f"/api/queries/{query['id']}/fork")).json()
    assert [one["options"] for one in fork["visualizations"]] == [{}, {"a": 1}]
    dashboard = await create(shop)
    await place(shop, dashboard["id"], made["id"])
    gone = await shop.delete(path)
    assert (gone.status_code, gone.content) == (200, b"null\n")
    assert (await shop.get(path)).status_code == 404
    assert (await shop.get(f"/api/dashboards/{dashboard['id']}")).json()["widgets"] == []
    for wrong in ({"query_id": 999}, {"type": 5}, {"name": None}, {"options": []}, {"description": 1},
                  {"type": "x" * 61}, {"query_id": "x"}):  # fmt: skip
        body = {"query_id": query["id"], "type": "TABLE", "name": "n", **wrong}
        assert (await shop.post(ALL, json=body)).status_code == 400, wrong
    for address in (f"{ALL}/999", f"{ALL}/x", f"{ALL}/1.gif"):
        assert (await shop.get(address)).status_code == 404


async def test_who_may(shop: httpx2.AsyncClient, callers: Callers) -> None:
    query = await query_of(shop)
    made = await chart_of(shop, query["id"])
    body = {"query_id": query["id"], "type": "TABLE", "name": "n"}
    expected = {"anonymous": (401, 401), "nobody": (404, 400), "other": (404, 400), "collaborator": (403, 403),
                "operator": (403, 403), "admin": (200, 200)}  # fmt: skip
    for name, (change, create_one) in expected.items():
        client = callers[name]
        assert (await client.post(f"{ALL}/{made['id']}", json={"name": "x"})).status_code == change, name
        assert (await client.post(ALL, json=body)).status_code == create_one, name
        if change != 200:
            assert (await client.delete(f"{ALL}/{made['id']}")).status_code == change, name
        read = (await client.get(f"{ALL}/{made['id']}")).status_code
        assert read == (200 if change in (403, 200) else change), name


async def test_pictures(asking: Asking, callers: Callers) -> None:
    client = asking.client
    rule = {"name": "few", "read": {"id__lte": 5}}
    await client.post("/api/apps/shop/datatables/people/rules", json=rule)
    query = await query_of(client)
    made = await chart_of(client, query["id"])
    path = f"{ALL}/{made['id']}"
    none = await client.get(f"{path}.svg")
    assert none.status_code == 404 and "cached result" in none.json()["message"]
    await found(asking, client, f"/api/queries/{query['id']}")
    svg = await client.get(f"{path}.svg")
    assert svg.status_code == 200 and svg.headers["content-type"] == "image/svg+xml"
    assert svg.content.startswith(b"<svg") and "sandbox" in svg.headers["content-security-policy"]
    same = await client.get(f"{path}.svg", headers={"If-None-Match": svg.headers["etag"]})
    assert same.status_code == 304
    png = await client.get(f"{path}.png", params={"width": 300, "height": 200, "scale": 0.5})
    assert png.headers["content-type"] == "image/png" and png.content[16:24] == bytes(
        [0, 0, 0, 150, 0, 0, 0, 100]
    )
    document = (await client.get(f"{path}.json")).json()
    assert len(document["data"]["values"]) == 250 and "vega-lite" in document["$schema"]
    # Somebody else has the rows of theirs, or none.
    reader = callers["collaborator"]
    assert (await reader.get(f"{path}.svg")).status_code == 404
    await found(asking, reader, f"/api/queries/{query['id']}")
    assert len((await reader.get(f"{path}.json")).json()["data"]["values"]) == 5
    assert (await reader.get(f"{path}.svg")).content != svg.content
    for params in ({"width": 79}, {"height": "x"}, {"scale": 5}, {"scale": "nan"}, {"width": 10**9}):
        assert (await client.get(f"{path}.png", params=params)).status_code == 400, params
    for options, words in (
        ({"columnMapping": {"nothing": "x"}}, "nothing"),
        ({"columnMapping": {"id": "x"}}, "'y'"),
    ):
        await client.post(path, json={"options": options})
        wrong = await client.get(f"{path}.svg")
        assert wrong.status_code == 400 and words in wrong.json()["message"]
    await client.post(path, json={"type": "SANKEY"})
    assert "SANKEY" in (await client.get(f"{path}.png")).json()["message"]
    (table, _) = (await client.get(f"/api/queries/{query['id']}")).json()["visualizations"]
    assert (await client.get(f"{ALL}/{table['id']}.svg")).content.startswith(b"<svg")


async def test_values(asking: Asking) -> None:
    """Values of the address, and the saved ones where it says nothing."""
    defined = [{"name": "most", "type": "number", "value": 3}]
    query = await query_of(
        asking.client,
        query='SELECT id, score FROM "people" WHERE id <= {{ most }}',
        options={"parameters": defined},
    )
    made = await chart_of(asking.client, query["id"])
    for most in (3, 7):
        answer = await asking.client.post(
            f"/api/queries/{query['id']}/results", json={"parameters": {"most": most}}
        )
        await asking.end(answer.json()["job"]["id"])

    async def rows(**params: Any) -> int:
        answer = await asking.client.get(f"{ALL}/{made['id']}.json", params=params)
        return len(answer.json()["data"]["values"]) if answer.status_code == 200 else answer.status_code

    assert [await rows(), await rows(p_most=7), await rows(p_most=8), await rows(p_most="x")] == [
        3,
        7,
        404,
        400,
    ]
    # On a dashboard by what its mappings say.
    dashboard = await create(asking.client, "Values", is_draft=False)
    for mapping in (
        {"type": "dashboard-level", "mapTo": "limit"},
        {"type": "static-value", "value": 7},
        {"type": "widget-level", "value": 3},
    ):
        options = {"parameterMappings": {"most": {"name": "most", **mapping}}}
        await place(asking.client, dashboard["id"], query["visualizations"][0]["id"], options=options)

    async def counts(**params: Any) -> list[int]:
        html = {"headers": {"Accept": "text/html"}, "params": params}
        page = (await asking.client.get("/dashboards/values", **html)).text
        return [part.count("<tr>") - 1 for part in page.split("<section")[1:]]

    assert await counts() == [3, 7, 3]
    assert await counts(p_limit=7, p_most=5) == [7, 7, 3]
    widgets = (await asking.client.get(f"/api/dashboards/{dashboard['id']}")).json()["widgets"]
    assert await counts(**{f"p_w{widgets[2]['id']}_most": 7}) == [3, 7, 7]
