"""A stored result never crosses a grant or a rule."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.queries.routes.conftest import Asking
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
SQL = 'SELECT id, score FROM "people" ORDER BY id'


async def found(asking: Asking, client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    """What a client gets of a saved query, be it by a run; with the id of the result."""
    answer = await client.post(f"{path}/results", json={"max_age": -1})
    assert answer.status_code == 200, answer.text
    if "query_result" in answer.json():
        return answer.json()["query_result"]
    job = await Asking(client, asking.source).end(answer.json()["job"]["id"])
    assert job["status"] == 3, job
    return (await client.get(f"/api/query_results/{job['query_result_id']}")).json()["query_result"]


async def test_rules(asking: Asking, callers: Callers) -> None:
    rule = {"name": "few", "read": {"id__lte": 5}, "hidden_fields": ["born"]}
    made = await asking.client.post("/api/apps/shop/datatables/people/rules", json=rule)
    assert made.status_code == 201, made.text
    body = {"query": SQL, "data_source_id": asking.source, "name": "All"}
    path = f"/api/queries/{(await asking.client.post('/api/queries', json=body)).json()['id']}"
    whole = await found(asking, asking.client, path)
    assert len(whole["data"]["rows"]) == 250
    for name in ("operator", "collaborator"):
        reader = callers[name]
        few = await found(asking, reader, path)
        assert [row["id"] for row in few["data"]["rows"]] == [1, 2, 3, 4, 5]
        for extension in ("", ".csv", ".arrow"):
            refused = await reader.get(f"/api/query_results/{whole['id']}{extension}")
            assert refused.status_code == 404
        assert (await reader.get(f"{path}/results/{whole['id']}.json")).status_code == 404
        latest = (await reader.get(f"{path}/results")).json()["query_result"]
        assert latest["id"] == few["id"] != whole["id"]
        shown = (await reader.get(path)).json()["latest_query_data_id"]
        assert shown in (few["id"], None)
    assert (await asking.client.get(f"{path}/results")).json()["query_result"]["id"] == whole["id"]
    hidden = await callers["operator"].post(
        "/api/query_results", json={"query": 'SELECT born FROM "people"', "data_source_id": asking.source}
    )
    assert hidden.status_code == 400 and "born" in hidden.json()["message"]
    # A rule that goes changes what is theirs, and with it which result is.
    await asking.client.delete(f"/api/apps/shop/datatables/people/rules/{made.json()['id']}")
    again = await found(asking, callers["collaborator"], path)
    assert len(again["data"]["rows"]) == 250


async def test_pages_of_the_explorer(asking: Asking, callers: Callers) -> None:
    made = await asking.client.post(
        "/api/apps/shop/datatables/people/rules", json={"name": "few", "read": {"id__lte": 5}}
    )
    assert made.status_code == 201, made.text
    slug = (await asking.client.post("/api/queries", json={"sql_query": SQL})).json()["query_slug"]

    async def rows(client: httpx2.AsyncClient, number: int) -> int:
        answer = await client.get(f"/api/queries/{slug}/results", params={"page_number": number})
        return len(answer.json()["data"])

    assert [await rows(asking.client, n) for n in (1, 2, 3)] == [100, 100, 50]
    assert [await rows(callers["operator"], n) for n in (2, 1)] == [0, 5]
    # Who reads on is given what a rule that came meanwhile leaves.
    assert [await rows(asking.client, n) for n in (2, 3)] == [100, 50]
    other = {"name": "more", "read": {"id__lte": 120}}
    made = await asking.client.post("/api/apps/shop/datatables/people/rules", json=other)
    assert made.status_code == 201, made.text
    assert [await rows(callers["operator"], n) for n in (1, 2)] == [100, 20]


async def test_a_role_that_was_taken(asking: Asking, callers: Callers) -> None:
    reader = callers["operator"]
    mine = Asking(reader, asking.source)
    job = await mine.run(SQL)
    path = f"/api/query_results/{job['query_result_id']}"
    assert (await reader.get(path)).status_code == 200
    answer = await asking.client.patch("/api/orgs/main/members/operator-user", json={"role": None})
    assert answer.status_code == 200, answer.text
    assert (await reader.get(path)).status_code == 404
