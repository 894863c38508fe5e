"""Dashboards and widgets: addresses, lists, changes and their conflicts, copies, and who sees what on them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.queries.service.dashboards import MOST_WIDGETS
from tests.queries.routes.conftest import Asking
from tests.queries.routes.test_crossing import found
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
ALL = "/api/dashboards"
POSITION = {"col": 0, "row": 0, "sizeX": 3, "sizeY": 8, "autoHeight": False}


async def create(client: httpx2.AsyncClient, name: str = "Sales", **changes: Any) -> dict[str, Any]:
    answer = await client.post(ALL, json={"name": name})
    assert answer.status_code == 200, answer.text
    if changes:
        answer = await client.post(f"{ALL}/{answer.json()['id']}", json=changes)
        assert answer.status_code == 200, answer.text
    return answer.json()


async def query_of(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    wanted = {
        "data_source_id": 1,
        "query": 'SELECT id, score FROM "people" ORDER BY id',
        "name": "People",
        **body,
    }
    answer = await client.post("/api/queries", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def place(
    client: httpx2.AsyncClient, dashboard: int, shown: int | None = None, **body: Any
) -> dict[str, Any]:
    wanted = {"dashboard_id": dashboard, "visualization_id": shown, "text": "", "width": 1, **body}
    answer = await client.post("/api/widgets", json={"options": {"position": POSITION}, **wanted})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(client: httpx2.AsyncClient, path: str = "", **params: Any) -> list[str]:
    answer = await client.get(f"{ALL}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["results"]]


async def test_a_dashboard(shop: httpx2.AsyncClient) -> None:
    made = await create(shop, "Sales Report!")
    assert (made["slug"], made["layout"], made["is_draft"], made["version"]) == ("sales-report-", [], True, 1)
    assert made["widgets"] == [] and made["options"] == {} and made["user"]["email"] == "owner@example.org"
    text = await place(shop, made["id"], text="**Hello**")
    assert (
        "visualization" not in text
        and text["text"] == "**Hello**"
        and text["options"]["position"] == POSITION
    )
    query = await query_of(shop)
    (shown,) = query["visualizations"]
    widget = await place(shop, made["id"], shown["id"])
    assert widget["visualization"]["query"]["id"] == query["id"]
    assert {**widget["visualization"], "query": 0} == {**shown, "query": 0}
    read = (await shop.get(f"{ALL}/sales-report-")).json()
    assert read["can_edit"] is True and [one["id"] for one in read["widgets"]] == [text["id"], widget["id"]]
    assert read["widgets"][1]["visualization"]["query"]["name"] == "People"
    assert (await shop.get("/dashboards")).json()["results"][0]["widgets"] is None
    changed = await shop.post(f"/api/widgets/{text['id']}", json={"text": "x", "options": {"isHidden": True}})
    assert (changed.json()["text"], changed.json()["options"]) == ("x", {"isHidden": True})
    gone = await shop.delete(f"/api/widgets/{text['id']}")
    assert (gone.status_code, gone.content) == (200, b"null\n")
    # What shows a query that is archived goes with it.
    assert (await shop.delete(f"/api/queries/{query['id']}")).status_code == 200
    assert (await shop.get(f"{ALL}/{made['id']}")).json()["widgets"] == []


async def test_changes(shop: httpx2.AsyncClient) -> None:
    made = await create(shop)
    path = f"{ALL}/{made['id']}"
    # One published client sends nothing at all.
    assert (await shop.post(path, json={})).json()["version"] == 1
    body = {"name": "More", "version": 1, "tags": ["a", "a", ""], "layout": [{"x": 1}], "options": {"y": 2},
            "dashboard_filters_enabled": True, "is_draft": False, "surplus": 1}  # fmt: skip
    changed = (await shop.post(path, json=body)).json()
    assert (changed["name"], changed["version"], changed["tags"], changed["layout"]) == (
        "More",
        2,
        ["a"],
        [{"x": 1}],
    )
    assert (changed["options"], changed["dashboard_filters_enabled"], changed["is_draft"]) == (
        {"y": 2},
        True,
        False,
    )
    assert (await shop.post(path, json={"name": "Late", "version": 1})).status_code == 409
    for wrong in ({"name": 1}, {"name": " "}, {"tags": "a"}, {"layout": {}}, {"options": []}, {"is_draft": "x"},
                  {"version": "x"}, {"layout": [0] * 1001}, {"name": "x" * 256}):  # fmt: skip
        assert (await shop.post(path, json=wrong)).status_code == 400, wrong
    assert (await shop.post(ALL, json={})).status_code == 400
    gone = await shop.delete(path)
    assert gone.status_code == 200 and gone.json()["is_archived"] is True
    assert await names(shop) == []
    assert (await shop.get(path)).json()["is_archived"] is True


async def test_addresses(shop: httpx2.AsyncClient) -> None:
    """Every way in which generations of clients name a dashboard."""
    first, second, year = [await create(shop, name) for name in ("Sales", "Sales", "2024")]
    reserved = await create(shop, "My")
    assert (first["slug"], second["slug"]) == ("sales", "sales_1")
    assert (year["slug"], reserved["slug"]) == ("dashboard-2024", "my_1")
    await shop.post(f"{ALL}/{second['id']}", json={"name": "New Name"})

    async def at(name: str) -> int | None:
        answer = await shop.get(f"{ALL}/{name}")
        return answer.json()["id"] if answer.status_code == 200 else None

    assert [await at(str(one["id"])) for one in (first, second)] == [first["id"], second["id"]]
    assert [await at(one) for one in ("sales", "sales_1", "new-name", "2024")] == [
        first["id"], second["id"], second["id"], year["id"],
    ]  # fmt: skip
    assert await at(f"{second['id']}-anything") == second["id"]
    assert await at(f"sales?legacy={first['id']}") == first["id"]
    assert await at("None") is None and await at("999") is None
    assert (await shop.get(f"{ALL}/my")).json()["count"] == 4
    odd = await create(shop, "Продажи")
    assert await at(odd["slug"]) == odd["id"]


async def test_lists(shop: httpx2.AsyncClient) -> None:
    made = [await create(shop, f"Board {n}", tags=["odd"] if n % 2 else ["even", "all"]) for n in range(1, 6)]
    assert await names(shop) == [f"Board {n}" for n in (5, 4, 3, 2, 1)]
    assert await names(shop, order="name", page=2, page_size=2) == ["Board 3", "Board 4"]
    assert await names(shop, q="BOARD 3") == ["Board 3"] and await names(shop, q="100%") == []
    assert await names(shop, tags=["even", "all"]) == ["Board 4", "Board 2"]
    assert (await shop.get(f"{ALL}/tags")).json()["tags"][0] == {"name": "all", "count": 2}
    for number in (1, 0):
        starred = await shop.post(f"{ALL}/{made[number]['id']}/favorite", json={})
        assert starred.content == b"null\n"
    assert await names(shop, "/favorites", order="starred_at") == ["Board 2", "Board 1"]
    (_, listed) = (await shop.get(f"{ALL}/favorites")).json()["results"]
    assert listed["is_favorite"] is True and listed["starred_at"]
    assert (await shop.delete(f"{ALL}/{made[0]['id']}/favorite")).status_code == 200
    assert await names(shop, "/favorites") == ["Board 2"]
    for params in ({"page": 0}, {"page": 9}, {"page_size": 251}, {"q": "\0"}):
        assert (await shop.get(ALL, params=params)).status_code == 400, params


async def test_copies(shop: httpx2.AsyncClient) -> None:
    made = await create(shop, tags=["a"], options={"x": 1})
    (shown,) = (await query_of(shop))["visualizations"]
    options = {"position": POSITION, "parameterMappings": {"p": {"type": "static-value", "value": 1}}}
    await place(shop, made["id"], shown["id"], options=options)
    copy = (await shop.post(f"{ALL}/{made['id']}/fork")).json()
    assert copy["name"] == f"Copy of (#{made['id']}) Sales" and copy["is_draft"] is True
    assert (copy["tags"], copy["options"]) == (["a"], {"x": 1})
    (widget,) = copy["widgets"]
    assert widget["options"] == options and widget["visualization"]["id"] == shown["id"]


async def test_who_may(shop: httpx2.AsyncClient, callers: Callers) -> None:
    """Who made one and admins of the org change it; others see what is published and has something for them."""
    operator, other = callers["operator"], callers["other"]
    made = await create(operator, "Mine")
    path = f"{ALL}/{made['id']}"
    query = await query_of(shop)
    (shown,) = query["visualizations"]
    await place(operator, made["id"], shown["id"])
    for name, status in {
        "collaborator": 404,
        "admin": 200,
        "owner": 200,
        "other": 404,
        "nobody": 404,
    }.items():
        assert (await callers[name].get(path)).status_code == status, name
    assert (await callers["anonymous"].get(path)).status_code == 401
    assert await names(callers["collaborator"]) == []
    assert (await operator.post(path, json={"is_draft": False})).status_code == 200
    assert await names(callers["collaborator"]) == ["Mine"] and await names(callers["nobody"]) == []
    assert await names(callers["collaborator"], "/my") == []
    reader = callers["collaborator"]
    read = (await reader.get(path)).json()
    assert read["can_edit"] is False and "visualization" in read["widgets"][0]
    widget = f"/api/widgets/{read['widgets'][0]['id']}"
    for method, address in (
        ("POST", path), ("DELETE", path), ("POST", f"{path}/share"), ("DELETE", f"{path}/share"),
        ("POST", widget), ("DELETE", widget), ("POST", ALL), ("POST", f"{path}/fork"),
    ):  # fmt: skip
        body = {"json": {"name": "x", "text": "y"}} if method == "POST" else {}
        assert (await reader.request(method, address, **body)).status_code == 403, (method, address)
        refused = await other.request(method, address, **body)
        assert refused.status_code == (200 if address == ALL else 404), (method, address)
    onto = {"dashboard_id": made["id"], "visualization_id": None, "text": "x"}
    assert (await reader.post("/api/widgets", json=onto)).status_code == 403
    assert (await other.post("/api/widgets", json=onto)).status_code == 400
    assert (await callers["admin"].post(widget, json={"text": "z"})).status_code == 200


async def test_restricted(shop: httpx2.AsyncClient, callers: Callers, app: Any) -> None:
    """A reader who sees nothing of a query sees that something is there, and neither its name nor its text."""
    made = await create(shop, is_draft=False)
    await place(shop, made["id"], text="For all")
    (shown,) = (await query_of(shop, name="zq-secret"))["visualizations"]
    await place(shop, made["id"], shown["id"], text="zq-secret")
    nobody = callers["nobody"]
    assert (await nobody.get(f"{ALL}/{made['id']}")).status_code == 404
    # With a role somewhere else in the org a text is something to see.
    assert (await shop.post("/api/apps", json={"name": "Else"})).status_code == 201
    given = await shop.post("/api/apps/else/access", json={"user": "nobody-user", "role": "collaborator"})
    assert given.status_code in (200, 201), given.text
    answer = await nobody.get(f"{ALL}/{made['id']}")
    assert answer.status_code == 200 and "zq-secret" not in answer.text
    text, hidden = answer.json()["widgets"]
    assert text["text"] == "For all" and "restricted" not in text
    assert (hidden["restricted"], hidden["text"]) == (True, "") and "visualization" not in hidden
    assert hidden["options"] == {"position": POSITION}
    own = await create(callers["operator"])
    onto = {"dashboard_id": own["id"], "visualization_id": shown["id"]}
    assert (await callers["operator"].post("/api/widgets", json=onto)).status_code == 200


async def test_widgets_that_cannot_be(shop: httpx2.AsyncClient, ctx: Context) -> None:
    made = await create(shop)
    for wrong in ({}, {"dashboard_id": "x"}, {"dashboard_id": -5}, {"visualization_id": 999}, {"visualization_id": "x"},
                  {"options": []}, {"text": 1}, {"width": 101}, {"width": "x"}, {"text": "x" * 100_001}):  # fmt: skip
        body = {"dashboard_id": made["id"], **wrong} if wrong else {}
        assert (await shop.post("/api/widgets", json=body)).status_code == 400, wrong
    for address in ("/api/widgets/999", "/api/widgets/x"):
        assert (await shop.post(address, json={})).status_code == 404
        assert (await shop.delete(address)).status_code == 404
    async with ctx.db.control.transaction() as conn:
        await conn.execute(
            "INSERT INTO penstock.widgets (dashboard_id) SELECT $1 FROM generate_series(1, $2)",
            made["id"],
            MOST_WIDGETS,
        )
    full = await shop.post("/api/widgets", json={"dashboard_id": made["id"], "text": "x"})
    assert full.status_code == 400 and str(MOST_WIDGETS) in full.json()["message"]


async def test_two_readers(asking: Asking, callers: Callers) -> None:
    """The same dashboard shows each what their rules leave, and neither ever what the other has."""
    rule = {"name": "few", "read": {"id__lte": 5}}
    made = await asking.client.post("/api/apps/shop/datatables/people/rules", json=rule)
    assert made.status_code == 201, made.text
    query = await query_of(asking.client)
    path = f"/api/queries/{query['id']}"
    dashboard = await create(asking.client, is_draft=False)
    await place(asking.client, dashboard["id"], query["visualizations"][0]["id"])
    reader = callers["collaborator"]

    async def shown(client: httpx2.AsyncClient) -> tuple[int | None, int]:
        """The result that the dashboard links, and the rows in the picture of it."""
        (widget,) = (await client.get(f"{ALL}/{dashboard['id']}")).json()["widgets"]
        result = widget["visualization"]["query"]["latest_query_data_id"]
        if result is None:
            return None, 0
        rows = (await client.get(f"/api/query_results/{result}")).json()["query_result"]["data"]["rows"]
        return result, len(rows)

    whole = await found(asking, asking.client, path)
    assert await shown(asking.client) == (whole["id"], 250)
    assert await shown(reader) == (None, 0)
    page = {"headers": {"Accept": "text/html"}}
    assert "250" not in (await reader.get(f"/dashboards/{dashboard['id']}", **page)).text
    few = await found(asking, reader, path)
    # Whoever ran it last, each has their own.
    for _ in range(2):
        assert await shown(reader) == (few["id"], 5)
        assert await shown(asking.client) == (whole["id"], 250)
        assert '<td class="right">5</td>' in (await reader.get("/dashboards/sales", **page)).text
        assert '<td class="right">6</td>' not in (await reader.get("/dashboards/sales", **page)).text
        assert "of 250 rows" in (await asking.client.get("/dashboards/sales", **page)).text
        whole = await found(asking, asking.client, path)
