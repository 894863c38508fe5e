"""The explorer dialect: what is refused in which words, pages, and who may see them."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.databases import ADMIN_KEY
from tests.queries.routes.conftest import Asking, with_key
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
ALL = "/api/queries"
NOT_BOTH = "When 'sql_query' is provided, these parameters are not allowed"


async def made(client: httpx2.AsyncClient, **body: Any) -> str:
    answer = await client.post(ALL, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["query_slug"]


async def page(client: httpx2.AsyncClient, slug: str, number: int | None = None) -> Any:
    params = {} if number is None else {"page_number": number}
    answer = await client.get(f"{ALL}/{slug}/results", params=params)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["query_slug", "page", "data"]
    return answer.json()


async def test_a_table(asking: Asking) -> None:
    answer = await asking.client.post(ALL, json={"layer": "main", "table": "people"})
    slug = answer.json().pop("query_slug")
    assert re.fullmatch("explorer-query-[0-9A-Z]{4}", slug)
    assert answer.json() == {
        "query_slug": slug,
        "sql_query": 'SELECT\n\t*\nFROM\n\t"main"."people"',
        "status": "success",
        "message": "Query created successfully",
    }
    sizes = [len((await page(asking.client, slug, number))["data"]) for number in (1, 2, 3, 4, 10**15)]
    assert sizes == [100, 100, 50, 0, 0]
    first = await page(asking.client, slug)
    assert (first["query_slug"], first["page"]) == (slug, 1)
    assert first["data"][0] == {
        "id": 1,
        "name": "Person 1",
        "born": "2000-01-31",
        "seen_at": "2025-02-07T21:26:11.001",
        "score": 0.25,
    }


async def test_exactly_full_pages(asking: Asking) -> None:
    slug = await made(asking.client, layer="main", table="people", limit="200")
    assert [len((await page(asking.client, slug, n))["data"]) for n in (1, 2, 3)] == [100, 100, 0]


async def test_a_page_is_of_what_the_first_one_was_of(asking: Asking) -> None:
    slug = await made(asking.client, sql_query='SELECT id FROM "main"."people" ORDER BY id DESC')
    assert (await page(asking.client, slug, 3))["data"][-1] == {"id": 1}
    await asking.client.delete("/api/apps/shop/datatables/people/data", params={"ids": "250,249"})
    assert (await page(asking.client, slug, 1))["data"][0] == {"id": 250}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "No JSON data provided"),
        ({"sql_query": "SELECT 1", "layer": "a"}, f"{NOT_BOTH}: layer"),
        ({"sql_query": "SELECT 1", "table": "a", "limit": 3}, f"{NOT_BOTH}: table, limit"),
        ({"table": "a"}, "Missing required parameter 'layer' when 'sql_query' is not provided"),
        ({"layer": "a", "table": ""}, "Missing required parameter 'table' when 'sql_query' is not provided"),
        ({"layer": "a", "table": "b", "limit": 0}, "Limit must be a positive integer"),
        ({"layer": "a", "table": "b", "limit": "x"}, "Limit must be a valid integer"),
        ({"layer": "a", "table": "b", "limit": 1.5}, "Limit must be a valid integer"),
        ({"layer": "a", "table": "b", "limit": 10**30}, "Limit must be a valid integer"),
        ({"layer": 1, "table": "b"}, "Parameter 'layer' must be a string"),
    ],
)  # fmt: skip
async def test_what_is_refused(client: httpx2.AsyncClient, app: Edge, body: Any, sentence: str) -> None:
    async with with_key(app, ADMIN_KEY) as mine:
        answer = await mine.post(ALL, json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, sentence)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", ""])
async def test_pages_that_are_none(asking: Asking, number: str) -> None:
    slug = await made(asking.client, sql_query="SELECT 1 AS one")
    answer = await asking.client.get(f"{ALL}/{slug}/results", params={"page_number": number})
    kind = "positive" if number.lstrip("-").isdigit() else "valid"
    assert (answer.status_code, answer.json()["error"]) == (400, f"Page number must be a {kind} integer")


async def test_a_query_that_fails(asking: Asking) -> None:
    slug = await made(asking.client, sql_query='SELECT 1 / (id - 1) AS n FROM "main"."people"')
    answer = await asking.client.get(f"{ALL}/{slug}/results")
    body = answer.json()
    assert (answer.status_code, body["error"]) == (400, "Query execution failed")
    assert (body["query_slug"], body["page_number"], body["details"]) == (slug, 1, "Division by zero.")


async def test_a_slug_that_is_none(asking: Asking) -> None:
    answer = await asking.client.get(f"{ALL}/explorer-query-0000/results")
    body = answer.json()
    assert (answer.status_code, body["error"]) == (404, "Query execution failed")
    assert (body["query_slug"], body["page_number"]) == ("explorer-query-0000", 1)
    assert body["details"] == "Query not found"


async def test_no_key(asking: Asking, app: Edge) -> None:
    slug = await made(asking.client, layer="main", table="people")
    async with client_of(app, None) as nobody:
        for answer in (
            await nobody.get(f"{ALL}/{slug}/results"),
            await nobody.post(ALL, json={"sql_query": "SELECT 1"}),
            await nobody.get(f"{ALL}/{slug}/results", headers={"x-api-key": ""}),
        ):
            assert answer.status_code == 401
            assert answer.json()["error"] == "Missing API key. Please provide 'x-api-key' header"
        wrong = await nobody.get(f"{ALL}/{slug}/results", headers={"x-api-key": "wrong"})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "Invalid API key")
        assert (await nobody.get("/api/health")).json()["status"] == "ok"


async def test_who_may(asking: Asking, callers: Callers) -> None:
    slug = await made(asking.client, layer="main", table="people")
    statuses = {
        name: (
            (await client.post(ALL, json={"layer": "main", "table": "people"})).status_code,
            (await client.get(f"{ALL}/{slug}/results")).status_code,
        )
        for name, client in callers.items()
    }
    assert statuses == {
        "owner": (200, 200),
        "admin": (200, 200),
        "operator": (200, 200),
        "collaborator": (403, 403),
        "nobody": (400, 404),
        "other": (400, 404),
        "anonymous": (401, 401),
    }


async def test_both_dialects_on_one_path(asking: Asking, app: Edge) -> None:
    both = {"query": "SELECT 1", "sql_query": "SELECT 1"}
    answer = await asking.client.post(ALL, json=both)
    assert answer.status_code == 400
    assert (
        answer.json()["message"]
        == "Ambiguous body: use either query/data_source_id or sql_query/layer/table."
    )
    mine = await asking.client.post(
        ALL, json={"query": "SELECT 1", "data_source_id": asking.source, "name": "n"}
    )
    assert mine.json()["query"] == "SELECT 1" and "query_slug" not in mine.json()
    # Nothing in it: how the key came decides.
    assert (await asking.client.post(ALL, json={})).json()["error"] != "No JSON data provided"
    slug = await made(asking.client, sql_query="SELECT 1 AS one")
    whole = (await asking.client.get(f"{ALL}/{slug}")).json()
    assert (whole["slug"], whole["name"], whole["tags"]) == (slug, slug, ["explorer"])
    assert slug in [one.get("slug") for one in (await asking.client.get(ALL)).json()["results"]]
    refused = await asking.client.post(f"{ALL}/{slug}/results", json={})
    assert (refused.status_code, refused.json()["error"]) == (405, "Method not allowed")
    assert (await asking.client.get(f"{ALL}/{whole['id']}/results")).status_code == 404
    assert (await page(asking.client, slug))["data"] == [{"one": 1}]
    found = await asking.client.get(f"{ALL}/{whole['id']}/results", params={"page_number": 2})
    assert found.json()["query_result"]["data"]["rows"] == [{"one": 1}]
