"""What is refused under rules is refused in words that tell nothing of what is kept back."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from tests.tables.changes.reading import listen
from tests.tables.rules.conftest import APP, TASKS, World

pytestmark = pytest.mark.anyio
TABLE = f"{APP}/datatables/tasks"
DATA = f"{TABLE}/data"
SECRET = "sesame"


@pytest.fixture
async def guarded(world: World) -> World:
    """Of four records ann sees three and writes two; the cost, and what is unique with it, is hidden from her."""
    definition = {
        **TASKS,
        "changes": True,
        "indexes": [{"name": "priced", "fields": ["region", "cost"], "unique": True}],
    }
    changed = await world.owner.patch(TABLE, json={"json_schema": definition})
    assert changed.status_code == 200, changed.text
    ann, bob = world.ids["ann"], world.ids["bob"]
    await world.add(
        "tasks",
        {"title": "a", "owner": ann, "region": "US", "code": "x1"},
        {"title": "b", "owner": ann, "region": "CA", "code": "x2", "cost": 11},
        {"title": SECRET, "owner": bob, "region": "EU", "code": f"{SECRET}-3", "cost": 7},
        {"title": "shared", "owner": bob, "region": "all", "code": "x4", "cost": 12},
    )
    await world.rule(
        subjects={"roles": ["operator"]},
        read={"or": [{"owner": "$user.id"}, {"region": "all"}]},
        write={"owner": "$user.id"},
        hidden_fields=["cost"],
    )
    return world


def silent(answer: httpx2.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text
    for word in (SECRET, "cost", "priced", "pst_", "policy", "row-level"):
        assert word not in answer.text, answer.text


async def test_values_that_are_taken(guarded: World) -> None:
    ann, mine = guarded["ann"], {"title": "n", "owner": guarded.ids["ann"]}
    taken = {**mine, "code": f"{SECRET}-3"}
    told = await ann.post(DATA, json=taken)
    assert (told.status_code, told.json()["errors"].keys()) == (409, {"code"})
    assert "7" not in told.json()["detail"] and "EU" not in told.text
    # Unique together with a field that she does not know of: it is said that there is one, and no more.
    for body in ({**mine, "region": "EU"}, [{**mine, "region": "EU"}, {**mine, "region": "FR"}]):
        silent(await ann.post(DATA, json=body), 409)
    silent(await ann.patch(f"{DATA}/1", json={"region": "EU"}), 409)
    silent(await ann.patch(DATA, json=[{"id": 1, "region": "EU"}]), 409)
    step = {"op": "create", "table": "tasks", "data": {**mine, "region": "EU"}}
    silent(await ann.post(f"{APP}/batch", json={"steps": [step]}), 409)
    file = json.dumps({**mine, "region": "EU"})
    silent(await ann.post(f"{DATA}/import", params={"format": "ndjson"}, content=file), 409)
    silent(await ann.post(f"{DATA}/upsert", json={**mine, "id": 3}), 403)
    silent(
        await ann.post(f"{DATA}/upsert", params={"unique_fields": "region"}, json={**mine, "region": "EU"}),
        409,
    )
    silent(
        await ann.post(f"{DATA}/upsert", params={"unique_fields": "region"}, json={**mine, "region": "all"}),
        403,
    )
    refused = await ann.post(
        f"{DATA}/upsert", params={"unique_fields": "region,cost"}, json={**mine, "region": "EU"}
    )
    unknown = await ann.post(
        f"{DATA}/upsert", params={"unique_fields": "region,nope"}, json={**mine, "region": "EU"}
    )
    assert refused.json()["detail"].replace("cost", "nope") == unknown.json()["detail"]
    records = (await guarded.read("adm"))["data"]
    assert [row["title"] for row in records] == ["a", "b", SECRET, "shared"]


async def test_entity_tags(guarded: World) -> None:
    ann = guarded["ann"]
    tags = [(await guarded.owner.get(f"{DATA}/{key}")).headers["etag"] for key in (3, 4)]
    for tag in (*tags, '"1"', "*"):
        for method, body in (("PATCH", {"title": "x"}), ("DELETE", None)):
            hidden = await ann.request(method, f"{DATA}/3", json=body, headers={"If-Match": tag})
            silent(hidden, 404)
            shared = await ann.request(method, f"{DATA}/4", json=body, headers={"If-Match": tag})
            silent(shared, 403)
    assert (await ann.get(f"{DATA}/3", headers={"If-None-Match": tags[0]})).status_code == 404


async def test_answers_that_were_kept(guarded: World) -> None:
    """A key names a request of one caller; what another sent under it is not theirs."""
    key = {"Idempotency-Key": "once"}
    made = await guarded["bob"].post(
        DATA, json={"title": f"{SECRET} 2", "owner": guarded.ids["bob"]}, headers=key
    )
    assert made.status_code == 201, made.text
    sent = await guarded["ann"].post(
        DATA, json={"title": f"{SECRET} 2", "owner": guarded.ids["bob"]}, headers=key
    )
    assert sent.status_code == 403
    again = await guarded["ann"].post(DATA, json={"title": "n", "owner": guarded.ids["ann"]}, headers=key)
    assert again.status_code == 201, again.text
    assert again.json()["data"]["title"] == "n"


async def test_batches_refer_to_what_is_seen(guarded: World) -> None:
    mine = {"title": "n", "owner": guarded.ids["ann"]}

    async def run(reference: Any, **first: Any) -> httpx2.Response:
        steps = [
            {"id": "a", "op": "create", "table": "tasks", "data": mine, **first},
            {"op": "create", "table": "tasks", "data": {**mine, "title": {"$ref": reference}}},
        ]
        return await guarded["ann"].post(f"{APP}/batch", json={"steps": steps})

    unknown, hidden = await run("a.nope"), await run("a.cost")
    assert (hidden.status_code, hidden.json()["detail"].replace("cost", "nope")) == (
        400,
        unknown.json()["detail"],
    )
    silent(await run("a.title", op="update", key=3, data={"title": "x"}), 404)
    silent(await run("a.title", op="update", key=4, data={"title": "x"}), 403)
    done = await run("a.title", op="update", key=1, data={"title": "y"})
    assert done.status_code == 200, done.text
    assert "cost" not in done.text


async def test_cursors_of_somebody_else(guarded: World) -> None:
    ann = guarded["ann"]

    def cursor(*content: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    for ordering, after in (
        ("cost", cursor("cost,id", [1, 1])),
        ("id", cursor("cost,id", [1, 1])),
        ("id", cursor("id", [1, 1])),
        ("id", cursor("cost", [1])),
    ):
        answer = await ann.get(DATA, params={"ordering": ordering, "after": after})
        assert answer.status_code == 400, answer.text
    theirs = (
        await guarded.owner.get(DATA, params={"ordering": "-title", "after": "", "page_size": 1})
    ).json()
    found = await ann.get(DATA, params={"ordering": "-title", "after": theirs["next_cursor"]})
    silent(found, 200)
    assert {row["id"] for row in found.json()["data"]} <= {1, 2, 4}


async def test_what_is_for_admins(guarded: World) -> None:
    ann, rule = guarded["ann"], {"name": "more", "read": {}}
    hook = {"url": "http://127.0.0.1:1/", "events": ["record.created"], "table": "tasks"}
    for method, path, body in (
        ("GET", f"{TABLE}/rules", None),
        ("POST", f"{TABLE}/rules", rule),
        ("DELETE", f"{TABLE}/rules/1", None),
        ("GET", f"{TABLE}/operation-history", None),
        ("GET", f"{TABLE}/access", None),
        ("POST", f"{TABLE}/access", {"user": "ann", "role": "admin"}),
        ("PATCH", f"{TABLE}?dry_run=true", {"json_schema": TASKS}),
        ("POST", f"{TABLE}/rollback?dry_run=true", {"revision_id": 1}),
        ("GET", f"{APP}/webhooks", None),
        ("POST", f"{APP}/webhooks", hook),
        ("GET", "/api/audit", None),
        ("GET", "/api/audit/export", None),
        ("POST", "/api/keys", {"name": "k", "claims": {"region": "EU"}}),
    ):
        silent(await ann.request(method, path, json=body), 403)
    for path in (TABLE, f"{TABLE}/schema", f"{APP}/openapi.json", "/openapi.json", f"{APP}/datatables/stats"):
        told = await ann.get(path)
        assert told.status_code == 200
        assert '"cost"' not in told.text and "priced" not in told.text
    for key, status in ((1, 200), (3, 404)):
        assert (await ann.get(f"{DATA}/{key}/allowed_actions")).status_code == status


async def test_a_stream_follows_the_rules(app: Edge, guarded: World) -> None:
    async with listen(app, guarded["ann"], f"{DATA}/changes/?since=start") as events:
        assert [(await events.next_data())["key"] for _ in range(3)] == [1, 2, 4]
        (rule,) = (await guarded.owner.get(f"{TABLE}/rules")).json()
        changed = await guarded.owner.patch(
            f"{TABLE}/rules/{rule['id']}", json={"read": {"title": "b"}, "hidden_fields": ["cost", "code"]}
        )
        assert changed.status_code == 200, changed.text
        for body in ({"title": "a2"}, {"region": "all"}):
            assert (await guarded.owner.patch(f"{DATA}/1", json=body)).status_code == 200
        assert (await guarded.owner.patch(f"{DATA}/2", json={"region": "CB"})).status_code == 200
        told = await events.next_data()
        assert (told["key"], "code" in told["record"], "cost" in told["record"]) == (2, False, False)
        await guarded.owner.delete(f"{TABLE}/rules/{rule['id']}")
        await asyncio.sleep(0)
