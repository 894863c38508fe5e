"""Lists by nearness against every distance computed in Python; refusals; what goes with them and what does not."""

from __future__ import annotations

import json
import random
from typing import Any

import httpx2
import pytest

from penstock.server.edge import Edge
from penstock.server.logins import connected
from tests.databases import TestDatabase
from tests.tables.vectors import oracle
from tests.tables.workbench import Records, Workbench

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pgvector")]

ROWS = 150
DIMENSIONS = 5
WORDS = ("harbour", "mountain", "river", "lighthouse", "forest")


def embedding(**options: Any) -> dict[str, Any]:
    return {"name": "embedding", "type": "vector", "dimensions": DIMENSIONS, **options}


def vector(source: random.Random) -> list[float]:
    # Halves and quarters are exact in single precision, so that equal distances are equal.
    return [source.randint(-64, 64) / 4 for _ in range(DIMENSIONS)]


def rows(seed: int = 7) -> list[dict[str, Any]]:
    source = random.Random(seed)
    return [
        {
            "id": number,
            "embedding": None if number % 29 == 0 else vector(source),
            "kind": number % 3,
            "body": " ".join(source.choices(WORDS, k=6)),
        }
        for number in range(1, ROWS + 1)
    ]


async def filled(
    workbench: Workbench, metric: str = "cosine", **schema: Any
) -> tuple[Records, list[dict[str, Any]]]:
    table = await workbench.table(
        embedding(metric=metric),
        {"name": "kind", "type": "integer"},
        {"name": "body", "type": "string"},
        **schema,
    )
    data = rows()
    await table.add(*data)
    return table, data


async def near(table: Records, wanted: list[float], **params: Any) -> dict[str, Any]:
    sent = {"embedding__vector_near": json.dumps(wanted), "page_size": 1000, **params}
    answer = await table.get(**sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


def agrees(data: list[dict[str, Any]], expected: list[tuple[Any, float]], metric: str) -> None:
    assert [row["id"] for row in data] == [key for key, _ in expected]
    for row, (_, score) in zip(data, expected, strict=True):
        assert row["_vector_score"] == pytest.approx(score, rel=1e-5, abs=1e-6)
        assert row["_similarity_score"] == pytest.approx(oracle.similarity(metric, score), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("asked", [None, "cosine", "l2", "ip"])
@pytest.mark.parametrize("metric", ["cosine", "l2", "ip"])
async def test_the_nearest_come_first(workbench: Workbench, metric: str, asked: str | None) -> None:
    """Also by another metric than the index has."""
    table, data = await filled(workbench, metric)
    measure = asked or metric
    params = {} if asked is None else {"_vector_metric": asked}
    source = random.Random(3)
    for top in (1, 10, 60, 500):
        wanted = vector(source)
        answer = await near(table, wanted, _topk=top, **params)
        expected = oracle.nearest(data, wanted, measure, top)
        agrees(answer["data"], expected, measure)
        assert answer["total"] == len(expected)
        assert set(answer["data"][0]) == {
            "id",
            "embedding",
            "kind",
            "body",
            "_vector_score",
            "_similarity_score",
        }
        limit = expected[len(expected) // 2][1] + 1e-3
        within = await near(table, wanted, _topk=top, _vector_threshold=limit, **params)
        agrees(within["data"], oracle.nearest(data, wanted, measure, top, limit), measure)


async def test_ten_unless_told_and_pages_of_them(workbench: Workbench) -> None:
    table, data = await filled(workbench)
    wanted = [1.0, 2, 3, 4, 5]
    everything = [key for key, _ in oracle.nearest(data, wanted, "cosine", 10)]
    answer = await near(table, wanted)
    assert [row["id"] for row in answer["data"]] == everything
    second = await near(table, wanted, page_size=4, page=2)
    assert ([row["id"] for row in second["data"]], second["total"], second["page"]) == (
        everything[4:8],
        10,
        2,
    )
    offset = await near(table, wanted, limit=4, offset=8, page_size=20)
    assert [row["id"] for row in offset["data"]] == everything[8:]
    assert (await near(table, wanted, count="none"))["total"] is None
    assert (await near(table, wanted, count="planned"))["total"] == 10


async def test_conditions_leave_the_nearest_that_meet_them(workbench: Workbench) -> None:
    table, data = await filled(workbench)
    wanted = [-3.0, 2, 0, 4, 1]
    kept = [row for row in data if row["kind"] == 2]
    answer = await near(table, wanted, kind=2, _topk=25)
    agrees(answer["data"], oracle.nearest(kept, wanted, "cosine", 25), "cosine")
    either = await near(table, wanted, filters=json.dumps({"or": [{"kind": 0}, {"id__lt": 20}]}), _topk=30)
    kept = [row for row in data if row["kind"] == 0 or row["id"] < 20]
    agrees(either["data"], oracle.nearest(kept, wanted, "cosine", 30), "cosine")
    assert (await near(table, wanted, embedding__null="true"))["data"] == []
    assert await table.ids(embedding__null="true") == [row["id"] for row in data if row["embedding"] is None]


async def test_the_results_may_be_put_in_another_order_and_cut_to_fields(workbench: Workbench) -> None:
    table, data = await filled(workbench)
    wanted = [1.0, 0, 0, 0, 0]
    expected = sorted(key for key, _ in oracle.nearest(data, wanted, "cosine", 10))
    answer = await near(table, wanted, ordering="-id", fields="id")
    assert [row["id"] for row in answer["data"]] == expected[::-1]
    assert set(answer["data"][0]) == {"id", "_vector_score", "_similarity_score"}


@pytest.mark.parametrize("alpha", [None, 0, 0.3, 1])
async def test_nearness_and_words_are_fused_by_rank(workbench: Workbench, alpha: float | None) -> None:
    table, data = await filled(workbench, search_fields=["body"])
    wanted = [1.0, -2, 3, -4, 5]
    words = await table.rows(search="harbour river")
    by_words = [row["id"] for row in words][:100]
    by_nearness = [key for key, _ in oracle.nearest(data, wanted, "cosine", 100)]
    expected = oracle.fused(by_nearness, by_words, 0.5 if alpha is None else alpha, 20)
    params = {} if alpha is None else {"_hybrid_strategy": "rrf", "_hybrid_alpha": alpha}
    answer = await near(table, wanted, search="harbour river", _topk=20, **params)
    assert [row["id"] for row in answer["data"]] == [key for key, _ in expected]
    assert answer["total"] == 20
    ranks = {row["id"]: float(row["rank"]) for row in words}
    for row, (_, score) in zip(answer["data"], expected, strict=True):
        assert row["_hybrid_score"] == pytest.approx(score)
        assert row["_fts_score"] == pytest.approx(ranks.get(row["id"], 0))
        assert {"_vector_score", "_similarity_score"} <= set(row)


async def test_hybrid_over_a_composite_key_keeps_to_conditions_and_threshold(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "a", "type": "integer"},
        {"name": "b", "type": "string"},
        embedding(metric="l2"),
        {"name": "body", "type": "string"},
        {"name": "kind", "type": "integer"},
        primaryKey=["a", "b"],
        search_fields=["body"],
    )
    data = [{**row, "a": row["id"] % 7, "b": f"k{row['id']}"} for row in rows()]
    await table.add(*({key: value for key, value in row.items() if key != "id"} for row in data))
    keyed = [{**row, "id": (row["a"], row["b"])} for row in data if row["kind"] == 1]
    wanted = [0.0, 0, 0, 1, 1]
    by_words = [(row["a"], row["b"]) for row in await table.rows(search="forest", kind=1)][:100]
    limit = 20.0
    by_nearness = [key for key, _ in oracle.nearest(keyed, wanted, "l2", 100, limit)]
    assert 0 < len(by_nearness) < len(keyed)
    answer = await near(table, wanted, search="forest", kind=1, _topk=15, _vector_threshold=limit)
    expected = oracle.fused(by_nearness, by_words, 0.5, 15)
    assert [(row["a"], row["b"]) for row in answer["data"]] == [key for key, _ in expected]


async def test_related_records_come_along(workbench: Workbench) -> None:
    authors = await workbench.table({"name": "name", "type": "string"}, name="near_authors")
    await authors.add({"id": 1, "name": "Ann"}, {"id": 2, "name": "Ben"})
    key = {"fields": ["author_id"], "reference": {"resource": "near_authors", "fields": ["id"]}}
    table = await workbench.table(
        embedding(),
        {"name": "author_id", "type": "integer"},
        foreignKeys=[key],
        search_fields=[],
        name="near_posts",
    )
    data = [{**row, "author_id": 1 + row["id"] % 2} for row in rows()]
    await table.add(*({name: row[name] for name in ("id", "embedding", "author_id")} for row in data))
    wanted = [1.0, 1, 1, 1, 1]
    expected = [key for key, _ in oracle.nearest(data, wanted, "cosine", 10)]
    answer = await near(table, wanted, populate="author", page_size=3, page=2)
    assert [row["id"] for row in answer["data"]] == expected[3:6]
    assert (answer["total"], answer["data"][0]["author"]["id"]) == (10, 1 + expected[3] % 2)
    assert "_vector_score" in answer["data"][0]
    bens = [row for row in data if row["author_id"] == 2]
    filtered = await near(table, wanted, **{"author.name": "Ben"})
    assert [row["id"] for row in filtered["data"]] == [
        key for key, _ in oracle.nearest(bens, wanted, "cosine", 10)
    ]


async def test_deleted_records_are_not_near(workbench: Workbench) -> None:
    table = await workbench.table(embedding(), {"name": "is_deleted", "type": "boolean"})
    await table.add({"id": 1, "embedding": [1, 0, 0, 0, 0]}, {"id": 2, "embedding": [0, 1, 0, 0, 0]})
    await table.delete("/1")
    assert [row["id"] for row in (await near(table, [1, 0, 0, 0, 0]))["data"]] == [2]


async def test_zeros_have_no_cosine(workbench: Workbench) -> None:
    table = await workbench.table(embedding(metric="l2"))
    await table.add({"id": 1, "embedding": [0, 0, 0, 0, 0]}, {"id": 2, "embedding": [0, 1, 0, 0, 0]})
    answer = await near(table, [1, 0, 0, 0, 0], _vector_metric="cosine")
    assert [row["id"] for row in answer["data"]] == [2]
    assert len((await near(table, [0, 0, 0, 0, 0]))["data"]) == 2


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"embedding__vector_near": "[1,2,3]"}, "embedding__vector_near", "has 3 dimensions; the field has 5"),
    ({"embedding__vector_near": "[]"}, "embedding__vector_near", "has 0"),
    ({"embedding__vector_near": "1,2,3,4,5"}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": ""}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": "[1,2,3,4,NaN]"}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": "[1,2,3,4,Infinity]"}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": "[1,2,3,4,1e999]"}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": "[1,2,3,4,1e38]"}, "embedding__vector_near", "between"),
    ({"embedding__vector_near": '[1,2,3,4,"5"]'}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": "[1,2,3,4,null]"}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": "[[1,2,3,4,5]]"}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": "[" * 5000}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": '{"a": 1}'}, "embedding__vector_near", "JSON array"),
    ({"embedding__vector_near": "[0,0,0,0,0]"}, "embedding__vector_near", "no direction"),
    ({"embedding__vector_near": "[1,2,3,4,5]'; DROP TABLE x; --"}, "embedding__vector_near", "JSON array"),
    ({"kind__vector_near": "[1,2,3,4,5]"}, "kind__vector_near", "of type integer"),
    ({"embeding__vector_near": "[1,2,3,4,5]"}, "embeding__vector_near", "no field 'embeding'"),
    ({"a.embedding__vector_near": "[1,2,3,4,5]"}, "a.embedding__vector_near", "not of a related record"),
    ({"_topk": "5"}, "_topk", "'field__vector_near=[0.1, …]' is missing"),
    ({"_vector_metric": "l2"}, "_vector_metric", "is missing"),
    ({"_hybrid_alpha": "0.5", "search": "a"}, "_hybrid_alpha", "is missing"),
    ({"near": True, "_topk": "0"}, "_topk", "1"),
    ({"near": True, "_topk": "1001"}, "_topk", "more than 1,000"),
    ({"near": True, "_topk": "many"}, "_topk", "many"),
    ({"near": True, "_vector_threshold": "near"}, "_vector_threshold", "not a finite number"),
    ({"near": True, "_vector_threshold": "nan"}, "_vector_threshold", "not a finite number"),
    ({"near": True, "_vector_threshold": "inf"}, "_vector_threshold", "not a finite number"),
    ({"near": True, "_vector_metric": "hamming"}, "_vector_metric", "cosine, l2, ip"),
    ({"near": True, "_vector_ef_search": "0"}, "_vector_ef_search", "0"),
    ({"near": True, "_vector_ef_search": "1e9"}, "_vector_ef_search", "1e9"),
    ({"near": True, "_vector_ef_search": "2000"}, "_vector_ef_search", "more than"),
    ({"near": True, "_hybrid_strategy": "rrf"}, "_hybrid_strategy", "'search' is missing"),
    ({"near": True, "search": "a", "_hybrid_strategy": "sum"}, "_hybrid_strategy", "'rrf' only"),
    ({"near": True, "search": "a", "_hybrid_alpha": "1.1"}, "_hybrid_alpha", "between 0"),
    ({"near": True, "search": "a"}, "search", "search_fields"),
    ({"near": True, "after": ""}, "after", "no meaning"),
    ({"near": True, "_aggregate": "count(*)"}, "_aggregate", "no meaning"),
    ({"near": True, "_nonsense": "1"}, "_nonsense", "No such parameter"),
    ({"embedding": "[1,2,3,4,5]"}, "embedding", ""),
    ({"embedding__eq": "[1,2,3,4,5]"}, "embedding__eq", ""),
    ({"ordering": "embedding"}, "ordering", "no order"),
    ({"_aggregate": "count(*)", "_group_by": "embedding"}, "_group_by", ""),
    ({"_aggregate": "max(embedding)"}, "_aggregate", ""),
    ({"filters": '{"embedding__vector_near": [1,2,3,4,5]}'}, "filters", ""),
]


@pytest.fixture(scope="module")
async def plain(workbench: Workbench) -> Records:
    return (await filled(workbench))[0]


@pytest.mark.parametrize(("params", "named", "words"), REFUSED, ids=lambda one: str(one)[:60])
async def test_what_makes_no_sense_is_refused(
    plain: Records, params: dict[str, Any], named: str, words: str
) -> None:
    sent = {key: value for key, value in params.items() if key != "near"}
    if params.get("near"):
        sent["embedding__vector_near"] = "[1,2,3,4,5]"
    answer = await plain.get(**sent)
    assert answer.status_code == 400, answer.text
    errors = answer.json()["errors"]
    assert words in " ".join(errors.get(named, errors.get("filters", [str(errors)]))), answer.text


async def test_one_vector_at_a_time_and_none_for_one_record(plain: Records) -> None:
    twice = await plain.client.get(
        plain.url,
        params=[("embedding__vector_near", "[1,2,3,4,5]"), ("embedding__vector_near", "[1,2,3,4,5]")],
    )
    assert twice.status_code == 400
    assert (await plain.get("/1", embedding__vector_near="[1,2,3,4,5]")).status_code == 400
    assert (await plain.delete(embedding__vector_near="[1,2,3,4,5]")).status_code == 400


async def test_a_table_without_vectors_says_so(workbench: Workbench) -> None:
    table = await workbench.table({"name": "a", "type": "string"})
    answer = await table.get(a__vector_near="[1]")
    assert answer.status_code == 400
    assert "of type string" in answer.text


async def test_the_document_of_the_app_has_it(workbench: Workbench) -> None:
    table = await workbench.table(embedding(), name="described")
    document = (
        await workbench.client.get("/api/apps/bench/openapi.json", params={"tables": table.name})
    ).json()
    listed = document["paths"][f"/api/apps/bench/datatables/{table.name}/data"]["get"]["parameters"]
    names = {one.get("name") for one in listed}
    assert {"embedding__vector_near", "_topk", "_vector_threshold", "_hybrid_alpha"} <= names
    assert {"embedding__null", "embedding__nnull"} == {
        name for name in names if str(name).startswith("embedding__n")
    }
    fields = next(one for name, one in document["components"]["schemas"].items() if name.endswith("Fields"))
    assert {"embedding", "_vector_score", "_fts_score"} <= set(fields["properties"])


async def test_pgvector_may_be_in_any_schema(
    database: TestDatabase, app: Edge, client: httpx2.AsyncClient
) -> None:
    """Of which it is said what to grant."""
    async with connected(database.account.direct) as connection:
        if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            pytest.skip("only a superuser makes extensions")
        await connection.execute('CREATE SCHEMA "else where"; CREATE EXTENSION vector SCHEMA "else where"')
        await client.post("/api/apps", json={"name": "Shop"})
        await client.post("/api/apps/shop/datasources", json={"name": "Main"})
        schema = {"fields": [{"name": "id", "type": "integer"}, embedding()], "primaryKey": ["id"]}
        body = {"name": "spots", "json_schema": schema}
        await client.post("/api/apps/shop/datasources/main/datatables", json=body)
        path = "/api/apps/shop/datatables/spots/data"
        refused = await client.get(path)
        assert refused.status_code == 400
        sentence = refused.json()["json_schema"][0]
        grant = sentence.partition("GRANT")[2]
        assert grant.startswith(' USAGE ON SCHEMA "else where" TO '), sentence
        await connection.execute(f"GRANT {grant}")
    made = await client.post(path, json={"embedding": [1, 2, 3, 4, 5]})
    assert made.status_code == 201, made.text
    near = await client.get(path, params={"embedding__vector_near": "[1,2,3,4,5]"})
    assert near.json()["total"] == 1
