"""Rights of single people on queries, snippets, and what data sources have."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

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
