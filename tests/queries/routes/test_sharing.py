"""Rights of single people on queries and dashboards, snippets, and what data sources have."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
ALL = "/api/queries"
SNIPPETS = "/api/query_snippets"


async def user_id(client: httpx2.AsyncClient, name: str) -> int:
    return (await client.get(f"/api/users/{name}")).json()["id"]


async def query(client: httpx2.AsyncClient) -> str:
    body = {"data_source_id": 1, "query": "SELECT 1", "name": "One"}
    return f"{ALL}/{(await client.post(ALL, json=body)).json()['id']}"


async def test_rights(shop: httpx2.AsyncClient, callers: Callers) -> None:
    path, operator, nobody = await query(shop), callers["operator"], callers["nobody"]
    ids = {name: await user_id(shop, f"{name}-user") for name in ("operator", "nobody", "owner")}
    assert (await shop.get(f"{path}/acl")).json() == {}
    assert (await operator.get(f"{path}/acl/modify")).json() == {"response": False}
    given = await shop.post(f"{path}/acl", json={"user_id": ids["operator"], "access_type": "modify"})
    assert given.status_code == 200, given.text
    assert (given.json()["object_type"], given.json()["grantee"]["id"]) == ("Query", ids["operator"])
    assert given.json()["grantor"]["id"] == ids["owner"]
    listed = (await shop.get(f"{path}/acl")).json()
    assert [one["id"] for one in listed["modify"]] == [ids["operator"]]
    assert (await operator.get(f"{path}/acl/modify")).json() == {"response": True}
    assert (await operator.get(f"{path}/acl/delete")).json() == {"response": False}
    assert (await operator.post(path, json={"name": "Theirs"})).status_code == 200
    assert (await operator.delete(path)).status_code == 403
    assert (await operator.get(f"{path}/acl")).status_code == 403
    assert (await callers["collaborator"].post(path, json={"name": "x"})).status_code == 403
    # Who sees nothing of the data source sees the query, and none of its rows.
    assert (await nobody.get(path)).status_code == 404
    for kind in ("view", "delete"):
        body = {"user_id": ids["nobody"], "access_type": kind}
        assert (await shop.post(f"{path}/acl", json=body)).status_code == 200
    assert (await nobody.get(path)).status_code == 200
    assert (await nobody.get(ALL)).json()["count"] == 1
    assert (await nobody.post(f"{path}/results", json={})).status_code in (403, 404)
    assert (await nobody.post(path, json={"name": "x"})).status_code == 403
    # A key that holds less than its user has not what the user was given.
    assert (await nobody.delete(path)).status_code == 200
    for _ in range(2):
        gone = await shop.request(
            "DELETE", f"{path}/acl", json={"user_id": ids["operator"], "access_type": "modify"}
        )
        assert (gone.status_code, gone.content) == (200, b"null\n")
    assert (await operator.post(path, json={"name": "x"})).status_code == 403
    for body, message in (
        ({"user_id": ids["operator"], "access_type": "own"}, "Unknown access type."),
        ({"user_id": 99999, "access_type": "view"}, "User not found."),
    ):
        refused = await shop.post(f"{path}/acl", json=body)
        assert (refused.status_code, refused.json()["message"]) == (400, message)
    body = {"user_id": ids["operator"], "access_type": "view"}
    for name, status in (("operator", 403), ("other", 404), ("anonymous", 401)):
        assert (await callers[name].post(f"{path}/acl", json=body)).status_code == status
    left = await shop.delete("/api/users/nobody-user")
    assert left.status_code in (200, 204)
    assert "view" not in (await shop.get(f"{path}/acl")).json()


async def test_rights_on_a_dashboard(shop: httpx2.AsyncClient, callers: Callers, app: Edge) -> None:
    operator, nobody = callers["operator"], callers["nobody"]
    ids = {name: await user_id(shop, f"{name}-user") for name in ("operator", "nobody")}
    number = (await shop.post("/api/dashboards", json={"name": "Sales"})).json()["id"]
    path = f"/api/dashboards/{number}"
    (picture,) = (await shop.get(await query(shop))).json()["visualizations"]
    placed = {"dashboard_id": number, "visualization_id": picture["id"], "text": "", "options": {}}
    assert (await shop.post("/api/widgets", json=placed)).status_code == 200
    # A draft is nobody else's.
    assert (await operator.get(path)).status_code == 404
    for name, kind in (("operator", "modify"), ("nobody", "view")):
        given = await shop.post(f"{path}/acl", json={"user_id": ids[name], "access_type": kind})
        assert (given.status_code, given.json()["object_type"]) == (200, "Dashboard"), given.text
    listed = (await shop.get("/api/dashboards/sales/acl")).json()
    assert {kind: [one["id"] for one in people] for kind, people in listed.items()} == {
        "modify": [ids["operator"]],
        "view": [ids["nobody"]],
    }
    seen = (await nobody.get(path)).json()
    assert (seen["can_edit"], [one.get("restricted") for one in seen["widgets"]]) == (False, [True])
    assert (await nobody.get("/api/dashboards")).json()["count"] == 1
    assert (await nobody.post(path, json={"name": "x"})).status_code == 403
    # Who may change it changes what is on it, archives it, and shares it with nobody.
    assert (await operator.get(path)).json()["can_edit"] is True
    assert (await operator.post(path, json={"name": "Theirs"})).json()["name"] == "Theirs"
    text = {"dashboard_id": number, "text": "Hello", "options": {}}
    made = await operator.post("/api/widgets", json=text)
    assert made.status_code == 200, made.text
    assert (await operator.delete(f"/api/widgets/{made.json()['id']}")).status_code == 200
    shared = (await shop.post(f"{path}/share")).json()["api_key"]
    assert "api_key" in (await shop.get(path)).json() and shared not in (await operator.get(path)).text
    for method, tail in (("POST", "/share"), ("DELETE", "/share"), ("GET", "/acl"), ("POST", "/acl")):
        assert (await operator.request(method, path + tail, json={})).status_code == 403, (method, tail)
    may = {kind: (await operator.get(f"{path}/acl/{kind}")).json()["response"] for kind in ("view", "modify")}
    assert may == {"view": True, "modify": True}
    assert (await nobody.get(f"{path}/acl/modify")).json() == {"response": False}
    key = await shop.post("/api/keys", json={"name": "less", "kind": "user", "role": "operator"})
    async with client_of(app, key.json()["key"]) as less:
        body = {"user_id": ids["nobody"], "access_type": "modify"}
        for shared_thing in (path, await query(shop)):
            refused = await less.post(f"{shared_thing}/acl", json=body)
            assert refused.status_code == 403 and "holds less" in refused.text, refused.text
    # As long as it is given.
    for name, kind in (("operator", "modify"), ("nobody", "view")):
        body = {"user_id": ids[name], "access_type": kind}
        assert (await shop.request("DELETE", f"{path}/acl", json=body)).content == b"null\n"
        assert (await callers[name].get(path)).status_code == 404
    body = {"user_id": ids["nobody"], "access_type": "delete"}
    assert (await shop.post(f"{path}/acl", json=body)).status_code == 200
    assert (await nobody.delete(path)).status_code == 200
    for name, status in (("other", 404), ("anonymous", 401), ("operator", 404)):
        assert (await callers[name].post(f"{path}/acl", json=body)).status_code == status


async def test_snippets(shop: httpx2.AsyncClient, callers: Callers) -> None:
    body = {"trigger": "week", "description": "", "snippet": "day > now() - interval '7 days'"}
    operator = callers["operator"]
    made = (await operator.post(SNIPPETS, json=body)).json()
    path = f"{SNIPPETS}/{made['id']}"
    assert {name: made[name] for name in body} == body
    assert made["user"]["email"] == "operator@example.org"
    assert (await callers["collaborator"].get(path)).json() == made
    assert (await callers["collaborator"].get(SNIPPETS)).json() == [made]
    taken = await shop.post(SNIPPETS, json=body)
    assert (taken.status_code, "exists already" in taken.json()["message"]) == (400, True)
    changed = (await operator.post(path, json={"description": "Days"})).json()
    assert (changed["description"], changed["trigger"]) == ("Days", "week")
    second = (await shop.post(SNIPPETS, json={**body, "trigger": "month"})).json()
    assert (await shop.post(path, json={"trigger": "month"})).status_code == 400
    for wrong in ({}, {**body, "trigger": ""}, {**body, "snippet": 1}, {**body, "trigger": "x" * 300}):
        assert (await shop.post(SNIPPETS, json=wrong)).status_code == 400, wrong
    statuses: dict[str, list[int]] = {}
    theirs = f"{SNIPPETS}/{second['id']}"
    for name, client in callers.items():
        answers = [
            await client.get(SNIPPETS),
            await client.get(theirs),
            await client.post(SNIPPETS, json={**body, "trigger": name}),
            await client.post(theirs, json={"description": name}),
        ]
        statuses[name] = [one.status_code for one in answers]
    assert statuses == {
        "owner": [200, 200, 200, 200],
        "admin": [200, 200, 200, 200],
        "operator": [200, 200, 200, 403],
        "collaborator": [200, 200, 403, 403],
        "nobody": [403, 403, 403, 403],
        "other": [200, 404, 200, 404],
        "anonymous": [401, 401, 401, 401],
    }
    assert (await operator.delete(theirs)).status_code == 403
    assert (await shop.delete(theirs)).content == b"null\n"
    assert (await shop.get(theirs)).status_code == 404


async def test_what_a_source_has(shop: httpx2.AsyncClient, callers: Callers) -> None:
    hidden: dict[str, Any] = {"name": "few", "read": {"id__lte": 5}, "hidden_fields": ["born"]}
    made = await shop.post("/api/apps/shop/datatables/people/rules", json=hidden)
    assert made.status_code == 201, made.text
    path = "/api/data_sources/1/schema"
    (table,) = (await shop.get(path, params={"refresh": "true"})).json()["schema"]
    assert table["name"] == "people"
    assert table["columns"][:3] == [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "born", "type": "date"},
    ]
    (seen,) = (await callers["operator"].get(path)).json()["schema"]
    assert [one["name"] for one in seen["columns"]] == ["id", "name", "seen_at", "score"]
    for name, status in (("nobody", 404), ("other", 404), ("anonymous", 401)):
        assert (await callers[name].get(path)).status_code == status
