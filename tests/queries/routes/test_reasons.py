"""Why a run failed may quote rows: who would not get the same ones is not told."""

from __future__ import annotations

import pytest

from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.queries.routes.conftest import Asking
from tests.queries.routes.test_dashboards import create, place, query_of
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
PEOPLE = "/api/apps/shop/datatables/people"
# The error says the name of somebody.
TEXT = "SELECT sum(CASE WHEN id = 200 THEN name::integer ELSE 0 END) AS n FROM people"


async def test_words_of_the_database(asking: Asking, callers: Callers) -> None:
    rule = {"name": "own", "read": {"id__lte": 5}, "subjects": {"roles": ["operator"]}}
    assert (await asking.client.post(f"{PEOPLE}/rules", json=rule)).status_code == 201
    job = await asking.run(TEXT)
    assert job["status"] == 4 and "Person 200" in job["error"]
    for name, sees in (("owner", True), ("admin", True), ("operator", False)):
        answer = await callers[name].get(f"/api/jobs/{job['id']}")
        assert answer.status_code == 200, (name, answer.text)
        assert ("Person 200" in answer.json()["job"]["error"]) is sees, (name, answer.text)
    assert answer.json()["job"]["error"] == "It failed; who asked for it sees why."
    wanted = {"name": "n", "query": TEXT, "data_source_id": asking.source, "schedule": {"interval": 3600}}
    query = (await asking.client.post("/api/queries", json=wanted)).json()
    path = f"/api/queries/{query['id']}/schedule"
    while (plan := (await asking.client.get(path)).json())["failures"] == 0:
        pass
    assert "Person 200" in plan["error"]
    shown = {name: (await callers[name].get(path)).json()["error"] for name in ("admin", "operator")}
    assert "Person 200" in shown["admin"] and "Person" not in shown["operator"]


async def test_by_keys_that_hold_less(asking: Asking, app: Edge, callers: Callers) -> None:
    """What the user was told is not for a key that holds less than they do, nor for a token of their dashboard."""
    client = asking.client
    rule = {"name": "own", "read": {"id__lte": 5}, "subjects": {"roles": ["operator"]}}
    assert (await client.post(f"{PEOPLE}/rules", json=rule)).status_code == 201
    made = await client.post("/api/keys", json={"name": "k", "kind": "user", "role": "operator"})
    query = await query_of(client, query="SELECT 1 AS n")
    dashboard = await create(client, is_draft=False)
    await place(client, dashboard["id"], query["visualizations"][0]["id"])
    token = (await client.post(f"/api/dashboards/{dashboard['id']}/share")).json()["api_key"]
    path = f"/api/queries/{query['id']}"
    async with client_of(app, made.json()["key"]) as narrow, client_of(app, token) as anybody:
        schedule = {"query": TEXT, "schedule": {"interval": 3600}}
        assert (await narrow.post(path, json=schedule)).status_code == 200
        while (plan := (await client.get(f"{path}/schedule")).json())["failures"] == 0:
            pass
        assert "Person 200" in plan["error"]
        for told in (
            await narrow.get(f"{path}/schedule"),
            await narrow.get(f"/api/jobs/{plan['job']}"),
            await anybody.get(f"{path}/jobs/{plan['job']}"),
        ):
            assert told.status_code == 200 and "Person" not in told.text, told.text
