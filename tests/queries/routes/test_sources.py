"""Foreign data sources: who may make them, what is shown of them, and what becomes of their queries."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.queries.routes.conftest import Asking
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
OPTIONS = {"host": "db.example.com", "database": "shop", "user": "reader", "password": "s3cret word"}
WANTED: dict[str, Any] = {"name": "Ware House!", "type": "postgresql", "options": OPTIONS}


async def made(client: httpx2.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/api/data_sources", json={**WANTED, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_life_of_one(owner: httpx2.AsyncClient) -> None:
    found = await made(owner)
    path = f"/api/data_sources/{found['id']}"
    assert (found["name"], found["slug"], found["type"]) == ("Ware House!", "ware_house", "postgresql")
    assert found["options"] == {**OPTIONS, "port": 5432, "sslmode": "prefer", "password": "--------"}
    assert (await made(owner, name="Ware House"))["slug"] == "ware_house_2"
    again = await owner.post("/api/data_sources", json=WANTED)
    assert again.status_code == 400
    assert again.json()["message"] == "Data source with the name Ware House! already exists."
    assert [one["name"] for one in (await owner.get("/api/data_sources")).json()] == [
        "Ware House",
        "Ware House!",
    ]
    # A secret of dashes stays, as long as the address does.
    changed = await owner.post(path, json={"name": "House", "options": {**found["options"], "user": "other"}})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["options"]["user"]) == ("House", "other")
    moved = {**found["options"], "host": "evil.example.com"}
    refused = await owner.post(path, json={"options": moved})
    assert refused.status_code == 400 and "give the secrets again" in refused.json()["message"]
    assert (await owner.post(path, json={"options": {**moved, "password": "new"}})).status_code == 200
    assert (await owner.post(path, json={"type": "mysql"})).status_code == 400
    assert (await owner.post(path, json={"name": "Ware House"})).status_code == 400
    paused = await owner.post(f"{path}/pause", json={"reason": "Being moved."})
    assert (paused.json()["paused"], paused.json()["pause_reason"]) == (True, "Being moved.")
    assert (await owner.delete(f"{path}/pause")).json()["paused"] is False
    assert (await owner.delete(path)).status_code == 204
    assert (await owner.get(path)).status_code == 404
    names = [one["name"] for one in (await owner.get("/api/credentials")).json()]
    assert names == ["Ware House"]


@pytest.mark.parametrize("left_out", ["port", "sslmode"])
async def test_what_is_left_out_takes_no_secret_elsewhere(owner: httpx2.AsyncClient, left_out: str) -> None:
    """The port and how careful to be are then those there are by themselves."""
    found = await made(owner, options={**OPTIONS, "port": 6543, "sslmode": "verify-full"})
    path = f"/api/data_sources/{found['id']}"
    less = {name: value for name, value in found["options"].items() if name != left_out}
    refused = await owner.post(path, json={"options": less})
    assert refused.status_code == 400 and "give the secrets again" in refused.json()["message"]
    assert (await owner.get(path)).json()["options"] == found["options"]
    assert (await owner.post(path, json={"options": {**less, "password": "new"}})).status_code == 200


async def test_nothing_shows_a_secret(owner: httpx2.AsyncClient) -> None:
    found = await made(owner)
    path = f"/api/data_sources/{found['id']}"
    tried = await owner.post(f"{path}/test")
    assert tried.status_code == 200 and tried.json()["ok"] is False
    for answer in (
        tried,
        await owner.get(path),
        await owner.get("/api/data_sources"),
        await owner.get("/api/audit"),
    ):
        assert OPTIONS["password"] not in answer.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"type": "oracle"}, "is not a type of data source"),
        ({"type": 3}, "must be a string"),
        ({"name": ""}, "must not be empty"),
        ({"name": "x" * 121}, "at most 120"),
        ({"options": []}, "must be an object"),
        ({"options": {**OPTIONS, "hots": "x"}}, "'hots' is no option"),
        ({"options": {"host": "x"}}, "required"),
        ({"options": {**OPTIONS, "port": "many"}}, "port"),
        ({"options": {"credential": "nothing"}}, "no credential 'nothing'"),
        ({"options": {"credential": "a", "host": "b"}}, "no other options"),
        ({"type": "results"}, "need no options"),
        ({"type": "csv", "options": {}}, "path"),
    ],
)
async def test_what_is_refused(owner: httpx2.AsyncClient, body: dict[str, Any], words: str) -> None:
    answer = await owner.post("/api/data_sources", json={**WANTED, **body})
    assert answer.status_code == 400 and words in answer.text, answer.text
    assert (await owner.get("/api/data_sources")).json() == []
    assert (await owner.get("/api/credentials")).json() == []


async def test_who_may(callers: Callers) -> None:
    one = await made(callers["owner"])
    path = f"/api/data_sources/{one['id']}"
    for who, status in (
        ("anonymous", 401),
        ("nobody", 403),
        ("collaborator", 403),
        ("operator", 403),
        ("other", 404),
    ):
        client = callers[who]
        for method, at, body in (
            ("POST", path, {"name": "x"}),
            ("DELETE", path, None),
            ("POST", f"{path}/test", None),
            ("POST", f"{path}/pause", {}),
            ("DELETE", f"{path}/pause", None),
        ):
            answer = await client.request(method, at, json=body)
            expected = (404,) if who == "nobody" else (status,)
            assert answer.status_code in expected, (who, method, at, answer.text)
        if who not in ("other",):
            answer = await client.post("/api/data_sources", json=WANTED)
            assert answer.status_code == status, (who, answer.text)
            assert (await client.get("/api/data_sources/types")).status_code == status
    assert "options" not in (await callers["operator"].get(path)).json()
    assert (await callers["operator"].get(path)).json()["view_only"] is False
    assert (await callers["collaborator"].get(path)).json()["view_only"] is True
    assert (await callers["nobody"].get(path)).status_code == 404
    assert (await callers["nobody"].get("/api/data_sources")).json() == []
    assert (await callers["other"].get("/api/data_sources")).json() == []
    kinds = (await callers["admin"].get("/api/data_sources/types")).json()
    assert {one["type"] for one in kinds} == {
        "postgresql",
        "mysql",
        "sqlite",
        "duckdb",
        "csv",
        "parquet",
        "results",
    }
    assert next(one for one in kinds if one["type"] == "mysql")["configuration_schema"]["secret"] == [
        "password"
    ]


async def test_those_of_apps_are_left_alone(shop: httpx2.AsyncClient) -> None:
    (source,) = (await shop.get("/api/data_sources")).json()
    path = f"/api/data_sources/{source['id']}"
    assert (await shop.post(path, json={"name": "x"})).status_code == 400
    assert (await shop.delete(path)).status_code == 400
    assert (await shop.post(f"{path}/test")).json() == {"ok": True, "message": "success"}
    schema = (await shop.get(f"{path}/schema")).json()["schema"]
    assert schema[0]["name"] == "people"
    assert {"name": "born", "type": "date"} in schema[0]["columns"]


async def test_a_paused_one_is_not_asked(asking: Asking) -> None:
    path = f"/api/data_sources/{asking.source}"
    body = {"query": "SELECT count(*) AS n FROM people", "data_source_id": asking.source}
    assert await asking.rows(body["query"]) == [{"n": 250}]
    assert (await asking.client.post(f"{path}/pause?reason=Moving")).status_code == 200
    refused = await asking.client.post("/api/query_results", json={**body, "max_age": 0})
    assert refused.status_code == 400 and "is paused: Moving" in refused.json()["message"]
    # What is there already is still shown.
    kept = await asking.client.post("/api/query_results", json={**body, "max_age": -1})
    assert kept.status_code == 200 and "query_result" in kept.json()
    assert (await asking.client.delete(f"{path}/pause")).status_code == 200
    assert await asking.rows(body["query"]) == [{"n": 250}]


async def test_its_queries_outlive_it(owner: httpx2.AsyncClient) -> None:
    source = await made(owner, type="results", options={})
    query = {"name": "One", "query": "SELECT 1 AS one", "data_source_id": source["id"]}
    saved = (await owner.post("/api/queries", json=query)).json()
    assert (await owner.delete(f"/api/data_sources/{source['id']}")).status_code == 204
    assert (await owner.get(f"/api/queries/{saved['id']}")).json()["data_source_id"] is None
