"""Results of queries as tables: under the rights of who asks, and run anew only when they are old."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.queries.engine.conftest import Elsewhere
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio


async def saved(elsewhere: Elsewhere, sql: str, **options: Any) -> int:
    body = {"name": sql, "query": sql, "data_source_id": elsewhere.asking.source, "options": options}
    answer = await elsewhere.client.post("/api/queries", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def results_of(elsewhere: Elsewhere, query: int) -> int | None:
    return (await elsewhere.client.get(f"/api/queries/{query}")).json()["latest_query_data_id"]


async def test_a_query_as_a_table(elsewhere: Elsewhere) -> None:
    first = await saved(elsewhere, 'SELECT id, score, born AS "the day" FROM people')
    sql = f"SELECT count(*) AS n, sum(q.score) AS s, max(the_day) AS d FROM query_{first} q WHERE q.id <= 10"
    source = await elsewhere.add("Results", "results")
    wanted = [{"n": 10, "s": 13.75, "d": "2000-01-31"}]
    assert await elsewhere.rows(source, sql) == wanted
    once = await results_of(elsewhere, first)
    assert once is not None
    # What is young enough is not run again, also from another data source.
    assert await elsewhere.rows(elsewhere.asking.source, sql) == wanted
    assert await results_of(elsewhere, first) == once
    assert await elsewhere.rows(source, f"SELECT count(*) AS n FROM cached_query_{first}") == [{"n": 250}]
    second = await saved(elsewhere, "SELECT 1 AS one")
    message = await elsewhere.failed(source, f"SELECT * FROM cached_query_{second}")
    assert message == f"No cached result available for query {second}."
    both = f"SELECT a.one, count(*) AS n FROM query_{second} a CROSS JOIN cached_query_{first} b GROUP BY 1"
    assert await elsewhere.rows(source, both) == [{"one": 1, "n": 250}]


async def test_with_values(elsewhere: Elsewhere) -> None:
    least = {"name": "least", "type": "number", "value": 1}
    query = await saved(elsewhere, "SELECT id FROM people WHERE id > {{ least }}", parameters=[least])
    source = await elsewhere.add("Results", "results")
    sql = f"SELECT count(*) AS n FROM param_query_{query}_{{least=200}}"
    assert await elsewhere.rows(source, sql) == [{"n": 50}]
    assert await elsewhere.rows(source, f'SELECT count(*) AS n FROM "param_query_{query}_{{least=240}}"') == [
        {"n": 10}
    ]
    assert await elsewhere.rows(source, f"SELECT count(*) AS n FROM query_{query}") == [{"n": 249}]
    assert "incompatible" in await elsewhere.failed(source, f"SELECT 1 FROM param_query_{query}_{{least=x}}")


async def test_not_in_circles(elsewhere: Elsewhere) -> None:
    first = await saved(elsewhere, "SELECT 1 AS a")
    second = await saved(elsewhere, f"SELECT * FROM query_{first}")
    turned = {"query": f"SELECT * FROM query_{second}"}
    assert (await elsewhere.client.post(f"/api/queries/{first}", json=turned)).status_code == 200
    assert "reads from itself" in await elsewhere.failed(
        elsewhere.asking.source, f"SELECT * FROM query_{second}"
    )


async def test_under_the_rights_of_who_asks(elsewhere: Elsewhere, callers: Callers) -> None:
    query = await saved(elsewhere, "SELECT id, name FROM people")
    rule = {"name": "few", "read": {"id__lte": 3}, "hidden_fields": ["score"]}
    made = await elsewhere.client.post("/api/apps/shop/datatables/people/rules", json=rule)
    assert made.status_code == 201, made.text
    sql = f"SELECT count(*) AS n FROM query_{query}"
    source = elsewhere.asking.source
    assert await elsewhere.rows(source, sql) == [{"n": 250}]
    theirs = replace(elsewhere.asking, client=callers["operator"])
    assert await theirs.rows(sql, max_age=-1) == [{"n": 3}]
    hidden = await elsewhere.failed(source, "SELECT 1 FROM query_999999")
    assert (
        hidden == "Line 1, column 15: query_999999: You do not have access to query id 999999."
        or "access" in hidden
    )
    answer = await callers["collaborator"].post(
        "/api/query_results", json={"query": sql, "data_source_id": source, "max_age": -1}
    )
    assert answer.status_code == 403
