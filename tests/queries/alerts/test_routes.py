"""Alerts over HTTP: who may do what, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.queries.alerts.conftest import ALERTS, QUERIES, alert_on, read
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
OPTIONS: dict[str, Any] = {"column": "n", "op": ">", "value": 1}


async def watched(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    (source,) = (await client.get("/api/data_sources")).json()
    given = {"data_source_id": source["id"], "query": "SELECT count(*) AS n FROM people", "name": "Watched"}
    answer = await client.post(QUERIES, json={**given, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("method", "path", "body", "least"),
    [
        ("GET", "", None, "collaborator"),
        ("POST", "", {"name": "x", "options": OPTIONS}, "collaborator"),
        ("GET", "/{id}", None, "collaborator"),
        ("POST", "/{id}", {"name": "Renamed"}, "admin"),
        ("POST", "/{id}/mute", None, "admin"),
        ("DELETE", "/{id}/mute", None, "admin"),
        ("POST", "/{id}/eval", None, "admin"),
        ("GET", "/{id}/subscriptions", None, "collaborator"),
        ("POST", "/{id}/subscriptions", {}, "collaborator"),
        ("DELETE", "/{id}/subscriptions/{sub}", None, "admin"),
        ("GET", "/{id}/deliveries", None, "admin"),
        ("DELETE", "/{id}", None, "admin"),
    ],
)
async def test_who_may_do_what(
    shop: httpx2.AsyncClient, callers: Callers, method: str, path: str, body: Any, least: str
) -> None:
    query = await watched(shop)
    made = await alert_on(shop, query)
    sub = (await shop.post(f"{ALERTS}/{made['id']}/subscriptions")).json()
    given = None if body is None else {"query_id": query["id"], **body}
    url = ALERTS + path.format(id=made["id"], sub=sub["id"])
    roles = ["collaborator", "operator", "admin"]
    expected = {role: 200 if roles.index(role) >= roles.index(least) else 403 for role in roles}
    for name, status in {"anonymous": 401, **expected}.items():
        answer = await callers[name].request(method, url, json=given)
        assert answer.status_code == status, (name, answer.text)
    if "{id}" in path:
        again = await alert_on(shop, query)
        for name in ("other", "nobody"):
            url = ALERTS + path.format(id=again["id"], sub=1)
            assert (await callers[name].request(method, url, json=body)).status_code == 404, name
    elif method == "GET":
        for name in ("other", "nobody"):
            assert (await callers[name].get(ALERTS)).json() == []
    else:
        for name in ("other", "nobody"):
            assert (await callers[name].post(ALERTS, json=given)).status_code == 400


async def test_who_made_it_may_change_it(shop: httpx2.AsyncClient, callers: Callers) -> None:
    query = await watched(shop)
    made = await alert_on(callers["collaborator"], query)
    path = f"{ALERTS}/{made['id']}"
    changed = await callers["collaborator"].post(
        path, json={"name": "Mine", "rearm": "60", "id": 5, "state": "ok"}
    )
    assert changed.status_code == 200
    shown = changed.json()
    assert (shown["name"], shown["rearm"], shown["id"], shown["state"]) == ("Mine", 60, made["id"], "unknown")
    # A query that takes text is not for them, and neither is an alert on it.
    text = await watched(
        shop,
        query="SELECT '{{ x }}' AS n",
        options={"parameters": [{"name": "x", "type": "text", "value": "a"}]},
    )
    refused = await callers["collaborator"].post(
        ALERTS, json={"name": "x", "query_id": text["id"], "options": OPTIONS}
    )
    assert refused.status_code == 403
    assert (await callers["collaborator"].delete(path)).content == b"null\n"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": 5}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"query_id": "x"}, "query_id"),
        ({"query_id": 999}, "query_id"),
        ({"query_id": 2**70}, "query_id"),
        ({"options": "x"}, "options"),
        ({"options": {**OPTIONS, "op": "="}}, "options"),
        ({"rearm": -1}, "rearm"),
        ({"rearm": 2**40}, "rearm"),
        ({"rearm": "soon"}, "rearm"),
    ],
)
async def test_what_is_refused(shop: httpx2.AsyncClient, body: dict[str, Any], field: str) -> None:
    query = await watched(shop)
    given = {"name": "x", "query_id": query["id"], "options": OPTIONS}
    answer = await shop.post(ALERTS, json={**given, **body})
    assert answer.status_code == 400 and field in answer.json(), answer.text
    made = await alert_on(shop, query)
    assert (await shop.post(f"{ALERTS}/{made['id']}", json=body)).status_code == 400
    for name in given:
        short = {key: value for key, value in given.items() if key != name}
        answer = await shop.post(ALERTS, json=short)
        assert (answer.status_code, answer.json()[name]) == (400, ["It is missing."])


async def test_values_that_are_missing_are_told_at_once(shop: httpx2.AsyncClient) -> None:
    query = await watched(
        shop, query="SELECT {{ a }} AS n", options={"parameters": [{"name": "a", "type": "number"}]}
    )
    given = {"name": "x", "query_id": query["id"], "options": OPTIONS}
    answer = await shop.post(ALERTS, json=given)
    assert answer.status_code == 400 and answer.json()["message"] == "Missing parameter value for: a"
    given["options"] = {**OPTIONS, "parameters": {"a": 5}}
    assert (await shop.post(ALERTS, json=given)).status_code == 200


async def test_subscriptions(shop: httpx2.AsyncClient, callers: Callers) -> None:
    made = await alert_on(shop, await watched(shop))
    path = f"{ALERTS}/{made['id']}/subscriptions"
    place = (
        await shop.post(
            "/api/destinations",
            json={"name": "Chat", "type": "slack", "options": {"url": "https://example.com/x"}},
        )
    ).json()
    mine = (await shop.post(path, json={"alert_id": 999})).json()
    assert (await shop.post(path)).json() == mine and "destination" not in mine
    sent = (await callers["collaborator"].post(path, json={"destination_id": place["id"]})).json()
    assert sent["destination"] == {"id": place["id"], "name": "Chat", "type": "slack"}
    assert sent["alert_id"] == made["id"] and sent["user"]["email"] == "collaborator@example.org"
    assert [one["id"] for one in (await shop.get(path)).json()] == [mine["id"], sent["id"]]
    for body in ({"destination_id": 999}, {"destination_id": "x"}):
        assert (await shop.post(path, json=body)).status_code == 400
    assert (await callers["collaborator"].delete(f"{path}/{mine['id']}")).status_code == 403
    assert (await callers["collaborator"].delete(f"{path}/{sent['id']}")).content == b"null\n"
    for number in (sent["id"], "x", 2**70):
        assert (await shop.delete(f"{path}/{number}")).status_code == 404
    again = (await shop.post(path, json={"destination_id": place["id"]})).json()
    await shop.delete(f"/api/destinations/{place['id']}")
    assert [one["id"] for one in (await shop.get(path)).json()] == [mine["id"]] != [again["id"]]
    assert (await shop.delete(f"{ALERTS}/{made['id']}")).status_code == 200
    assert (await shop.get(path)).status_code == 404


async def test_a_service_key_has_no_address(shop: httpx2.AsyncClient) -> None:
    key = (await shop.post("/api/keys", json={"name": "k", "kind": "service", "role": "operator"})).json()
    query = await watched(shop)
    headers = {"Authorization": f"Key {key['key']}"}
    given = {"name": "x", "query_id": query["id"], "options": OPTIONS}
    made = await shop.post(ALERTS, json=given, headers=headers)
    assert made.status_code == 200 and made.json()["user"] is None
    refused = await shop.post(f"{ALERTS}/{made.json()['id']}/subscriptions", headers=headers)
    assert refused.status_code == 400 and "e-mail" in refused.json()["message"]
    assert (await read(shop, made.json()))["name"] == "x"
