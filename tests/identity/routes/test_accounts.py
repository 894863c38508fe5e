"""Users and groups in the words of the dashboard dialect."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.tables import conftest as tables
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
callers, owner, shop = tables.callers, tables.owner, tables.shop


async def invited(client: httpx2.AsyncClient, name: str = "Grace Hopper", **more: Any) -> dict[str, Any]:
    body = {"name": name, "email": f"{name.split()[0].lower()}@example.org", **more}
    made = await client.post("/api/users", params={"no_invite": "1"}, json=body)
    assert made.status_code == 200, made.text
    return made.json()


async def test_an_account(owner: httpx2.AsyncClient, app: Edge, callers: Callers) -> None:
    made = await invited(owner, org_id=7)
    assert {name: made[name] for name in ("name", "email", "groups", "is_disabled", "auth_type")} == {
        "name": "Grace Hopper", "email": "grace@example.org", "groups": [2], "is_disabled": False,
        "auth_type": "password",
    }  # fmt: skip
    assert made["is_invitation_pending"] is True and len(made["api_key"]) == 40
    path = f"/api/users/{made['id']}"
    assert made.pop("invite_link")
    assert (await owner.get(path)).json() == made
    async with client_of(app, made["api_key"]) as grace:
        assert (await grace.get(path)).json()["api_key"] == made["api_key"]
        assert (await grace.get("/api/session")).json()["user"]["id"] == made["id"]
        renamed = await grace.post(path, json={"name": "Grace B. Hopper", "id": 1, "surplus": True})
        assert renamed.json()["name"] == "Grace B. Hopper"
        for body, status, message in (
            ({"password": "long enough"}, 403, "Must provide current password to update password."),
            ({"password": "long enough", "old_password": "x"}, 403, "Incorrect current password."),
            ({"group_ids": [1, 2]}, 403, "Must be admin to change groups membership."),
            ({"email": "none"}, 400, "Bad email address."),
            ({"email": "owner@example.org"}, 400, "Email already taken."),
        ):
            refused = await grace.post(path, json=body)
            assert (refused.status_code, refused.json()["message"]) == (status, message), body
        # A key that holds less shows nothing that holds more.
        narrow = (await grace.post("/api/keys", json={"name": "n", "role": "collaborator"})).json()["key"]
        async with client_of(app, narrow) as less:
            assert "api_key" not in (await less.get(path)).json()
            assert (await less.post(f"{path}/regenerate_api_key")).status_code == 403
        renewed = (await grace.post(f"{path}/regenerate_api_key")).json()["api_key"]
        assert renewed != made["api_key"]
        assert (await grace.get(path)).status_code == 401
    assert (await owner.get(path)).json()["api_key"] == renewed
    assert "api_key" not in (await callers["admin"].get(path)).json()
    assert (await callers["admin"].post(f"{path}/regenerate_api_key")).status_code == 403
    disabled = (await callers["admin"].post(f"{path}/disable")).json()
    assert disabled["is_disabled"] is True and disabled["disabled_at"]
    async with client_of(app, renewed) as gone:
        assert (await gone.get(path)).status_code == 401
    assert (await callers["admin"].delete(f"{path}/disable")).json()["is_disabled"] is False
    for name, status in (("operator", 403), ("nobody", 404), ("other", 404), ("anonymous", 401)):
        assert (await callers[name].post(f"{path}/disable")).status_code == status, name
        assert (await callers[name].post(path, json={"name": "x"})).status_code == status, name
    own = (await owner.get("/api/users/owner-user")).json()
    assert (await owner.post(f"/api/users/{own['id']}/disable")).status_code == 403


async def test_lists(owner: httpx2.AsyncClient) -> None:
    made = await invited(owner)
    await owner.post(f"/api/users/{made['id']}/disable")

    async def names(**params: Any) -> list[str]:
        answer = await owner.get("/api/users", params=params)
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["results"]]

    assert await names(disabled="True") == ["Grace Hopper"]
    assert "Grace Hopper" not in await names(disabled="False")
    ordered = await names(order="name")
    assert ordered == sorted(ordered, key=str.lower) and "Grace Hopper" in ordered
    assert (await names(order="-created_at"))[0] == "Grace Hopper"
    assert "Grace Hopper" not in await names(pending="false")
    page = (await owner.get("/api/users", params={"q": "owner-user"})).json()
    assert page["results"][0]["groups"] == [{"id": 1, "name": "admin"}, {"id": 2, "name": "default"}]
    for body, message in (
        ({"name": "x", "email": "none"}, "Bad email address."),
        ({"name": "x", "email": "grace@example.org"}, "Email already taken."),
    ):
        refused = await owner.post("/api/users", json=body)
        assert (refused.status_code, refused.json()["message"]) == (400, message)


async def test_groups(shop: httpx2.AsyncClient, callers: Callers, app: Edge) -> None:
    owner = shop
    listed = (await owner.get("/api/groups")).json()
    assert [(one["id"], one["name"], one["type"]) for one in listed] == [
        (1, "admin", "builtin"),
        (2, "default", "builtin"),
    ]
    made = (await owner.post("/api/groups", json={"name": "Sales & more"})).json()
    assert made["type"] == "regular" and made["id"] > 2
    path = f"/api/groups/{made['id']}"
    assert (await owner.post(path, json={"name": "Sales"})).json()["name"] == "Sales"
    nobody = (await owner.get("/api/users/nobody-user")).json()["id"]
    assert [one["id"] for one in (await callers["nobody"].get("/api/groups")).json()] == []
    taken = await owner.post(f"{path}/members", json={"user_id": nobody})
    assert taken.json()["groups"] == [made["id"]]
    assert [one["id"] for one in (await callers["nobody"].get("/api/groups")).json()] == [made["id"]]
    assert [one["id"] for one in (await callers["nobody"].get(f"{path}/members")).json()] == [nobody]
    # Its data sources are those on which the team has a role.
    assert (await callers["nobody"].get("/api/data_sources")).json() == []
    added = (await owner.post(f"{path}/data_sources", json={"data_source_id": 1})).json()
    assert (added["id"], added["view_only"]) == (1, False)
    assert [one["id"] for one in (await callers["nobody"].get("/api/data_sources")).json()] == [1]
    changed = (await owner.post(f"{path}/data_sources/1", json={"view_only": True})).json()
    assert changed["view_only"] is True
    (seen,) = (await callers["nobody"].get("/api/data_sources")).json()
    assert seen["view_only"] is True
    assert [one["id"] for one in (await owner.get(f"{path}/data_sources")).json()] == [1]
    assert (await owner.delete(f"{path}/data_sources/1")).content == b"null\n"
    assert (await callers["nobody"].get("/api/data_sources")).json() == []
    assert (await owner.delete(f"{path}/members/{nobody}")).content == b"null\n"
    # The built-in ones are roles.
    added = (await owner.post("/api/groups/2/members", json={"user_id": nobody})).json()
    assert added["groups"] == [2]
    assert (await owner.post("/api/groups/1/members", json={"user_id": nobody})).json()["groups"] == [1, 2]
    # An admin may do everything, whether or not they are one of everybody.
    assert (await owner.delete(f"/api/groups/2/members/{nobody}")).content == b"null\n"
    assert (await owner.get(f"/api/users/{nobody}")).json()["groups"] == [1, 2]
    # A role in the org holds on every data source: nothing less, and nothing more.
    for number in (1, 2):
        sources = f"/api/groups/{number}/data_sources"
        assert (await owner.get(sources)).json() == []
        assert (await owner.post(sources, json={"data_source_id": 1})).json()["view_only"] is False
        assert (await owner.post(f"{sources}/1", json={"view_only": False})).json()["id"] == 1
        assert (await owner.post(f"{sources}/1", json={"view_only": True})).status_code == 400
        assert (await owner.delete(f"{sources}/1")).status_code == 400
        assert (await owner.post(sources, json={"data_source_id": 99})).status_code == 404
        assert (await callers["operator"].post(sources, json={"data_source_id": 1})).status_code in (403, 404)
    assert nobody in [one["id"] for one in (await owner.get("/api/groups/1/members")).json()]
    assert (await owner.delete(f"/api/groups/1/members/{nobody}")).status_code == 200
    assert (await owner.get(f"/api/users/{nobody}")).json()["groups"] == [2]
    grouped = await owner.post(f"/api/users/{nobody}", json={"group_ids": [2, made["id"]]})
    assert grouped.json()["groups"] == [2, made["id"]]
    assert (await owner.post(f"/api/users/{nobody}", json={"group_ids": [999]})).json()["message"] == (
        "Group id 999 is invalid."
    )
    assert (await owner.post(f"/api/users/{nobody}", json={"group_ids": []})).json()["groups"] == []
    for method, address in (("POST", "/api/groups/1"), ("DELETE", "/api/groups/2")):
        refused = await owner.request(method, address, json={"name": "x"})
        assert refused.status_code == 400 and "built-in" in refused.json()["message"]
    owned = (await owner.get("/api/users/owner-user")).json()["id"]
    assert (await owner.delete(f"/api/groups/1/members/{owned}")).status_code == 400
    assert (await callers["admin"].delete(f"/api/groups/1/members/{owned}")).status_code in (400, 403)
    for name, statuses in (
        ("operator", (404, 404, 403)),
        ("nobody", (404, 404, 403)),
        ("other", (404, 404, 200)),
        ("anonymous", (401, 401, 401)),
    ):
        answers = [
            await callers[name].get(path),
            await callers[name].post(f"{path}/members", json={"user_id": nobody}),
            await callers[name].post("/api/groups", json={"name": "x"}),
        ]
        assert tuple(one.status_code for one in answers) == statuses, name
    assert (await owner.delete(path)).content == b"null\n"
    assert (await owner.get(path)).status_code == 404
