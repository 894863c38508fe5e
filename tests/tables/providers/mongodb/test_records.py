"""Records in MongoDB over HTTP: each verb, what it answers, and what it refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.workbench import APP, ID, exact

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string"}
UNIQUE = {"name": "code", "type": "string", "constraints": {"unique": True}}
EVERY = (
    NAME,
    {"name": "price", "type": "number"},
    {"name": "day", "type": "date"},
    {"name": "at", "type": "time"},
    {"name": "moment", "type": "datetime"},
    {"name": "uid", "type": "uuid"},
    {"name": "document", "type": "object"},
    {"name": "tags", "type": "array"},
    {"name": "anything", "type": "any"},
    {"name": "is_on", "type": "boolean"},
    {"name": "since", "type": "year"},
    {"name": "month", "type": "yearmonth"},
    {"name": "lasts", "type": "duration"},
    {"name": "place", "type": "geopoint"},
)
ROW = """{"name": "Ünï\\u0001\\n\\"x\\"", "price": 1.50, "day": "0001-01-01", "at": "09:30:00.500",
 "moment": "2024-02-29T12:00:00.000001+05:45", "uid": "AAAAAAAA-0000-4000-8000-000000000000",
 "document": {"bb": 1e3, "a": [1.10, null, {"$gt": 1, "x.y": true, "~0": "z"}], "a": 2, "": -0.0},
 "tags": ["x", 1, [true]], "anything": "text", "is_on": true, "since": 2024, "month": "2024-02", "lasts": "P1M",
 "place": [13.4, 52.5]}"""


async def test_the_life_of_a_record(bench: MongoBench) -> None:
    table = await bench.table(
        NAME, {"name": "price", "type": "number"}, {"name": "created_at", "type": "datetime"}
    )
    made = await table.post({"name": "a", "price": 1.50})
    assert made.status_code == 201, made.text
    assert made.json()["data"]["id"] == 1
    got = await table.get("/1")
    assert (got.status_code, got.json()) == (200, made.json())
    assert got.text.startswith('{"data":{"id":1,"name":"a","price":1.5,"created_at":"2')
    unchanged = await bench.client.get(f"{table.url}/1", headers={"If-None-Match": got.headers["etag"]})
    assert unchanged.status_code == 304
    changed = await table.patch({"name": None}, "/1", headers={"If-Match": got.headers["etag"]})
    assert (changed.status_code, changed.json()["data"]["name"]) == (200, None)
    stale = await table.patch({"name": "b"}, "/1", headers={"If-Match": got.headers["etag"]})
    assert stale.status_code == 412
    assert (await table.patch({"id": 2}, "/1")).status_code == 400
    assert (await table.get()).json()["total"] == 1
    assert (await bench.client.delete(f"{table.url}/1", headers={"If-Match": '"x"'})).status_code == 412
    assert (await table.delete("/1")).status_code == 204
    for answer in (await table.get("/1"), await table.delete("/1"), await table.patch({"name": "x"}, "/1")):
        assert answer.status_code == 404
    assert exact(await table.get()) == {"data": [], "total": 0, "page": 1, "page_size": 20}


async def test_every_type_is_answered_byte_by_byte_as_from_a_table(bench: MongoBench) -> None:
    answers: list[list[str]] = []
    for source in ("main", "flat"):
        made = await bench.define(
            {"fields": [{"name": "id", "type": "integer"}, *EVERY], "primaryKey": ["id"]}, source=source
        )
        url = f"/api/apps/{APP}/datatables/{made.json()['name']}/data"
        first = await bench.client.post(url, content=ROW.encode())
        assert first.status_code == 201, first.text
        patched = await bench.client.patch(f"{url}/1", json={"document": None, "tags": []})
        rest = [await bench.client.get(url + path) for path in ("", "/1", "?fields=name,at&after=")]
        answers.append([first.text, patched.text, *(one.text for one in rest)])
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "params",
    [
        {"document": '{"a": 2, "bb": 1000, "": 0}'},
        {"document__ne": "{}"},
        {"anything": '"text"'},
        {"tags__acontains": '["x", 1]'},
        {"tags__acontains": "[[true]]"},
        {"tags__acontainedby": '["x", 1, [true], 3]'},
        {"tags__naoverlap": '["y"]'},
        {"moment": "2024-02-29T06:15:00.000001Z"},
        {"price__between": "1.5,2"},
        {"uid": "aaaaaaaa-0000-4000-8000-000000000000"},
        {"name__istartswith": "ÜNÏ"},
        {"search": "üNï"},
        {"at__lt": "09:30:00.500001"},
        {"filters": '{"not": {"or": [{"price__gt": 2}, {"name": "x"}]}}'},
    ],
)
async def test_conditions_on_every_type(bench: MongoBench, params: dict[str, str]) -> None:
    table = await bench.table(*EVERY)
    await table.post(ROW)
    await table.post("{}")
    assert await table.ids(**params) == [1]


async def test_several_records_are_written_or_none(bench: MongoBench) -> None:
    table = await bench.table(NAME, UNIQUE)
    rows = await table.add({"code": "a"}, {"code": "b"}, {"code": None}, {"code": None})
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    refused = await table.post([{"code": "x"}, {"code": "b"}, {"code": "x"}, {"code": None}])
    assert refused.status_code == 409
    assert [row["index"] for row in refused.json()["rows"]] == [1, 2]
    assert refused.json()["detail"] == (
        "2 rows were refused and nothing was written; row 1: A record with this code exists already."
    )
    assert await table.total() == 4
    single = await table.post({"code": "a"})
    assert (single.status_code, single.json()["detail"]) == (
        409,
        "A record with this code (a) exists already.",
    )
    changed = await table.patch([{"id": 2, "code": "c"}, {"id": 1, "name": "n"}])
    assert [(row["id"], row["code"], row["name"]) for row in changed.json()["data"]] == [
        (2, "c", None),
        (1, "a", "n"),
    ]
    missing = await table.patch([{"id": 1, "name": "m"}, {"id": 99, "name": "m"}])
    assert (missing.status_code, missing.json()["rows"][0]["index"]) == (404, 1)
    clash = await table.patch([{"id": 3, "name": "m"}, {"id": 4, "code": "a"}])
    assert (clash.status_code, [row["index"] for row in clash.json()["rows"]]) == (409, [1])
    assert [row["name"] for row in await table.rows(ordering="id")] == ["n", None, None, None]
    brief = await table.post([{}, {}], headers={"Prefer": "return=minimal"})
    assert (brief.status_code, brief.json()) == (201, {"data": [], "created": 2})


async def test_keys_that_a_request_brings_are_not_given_again(bench: MongoBench) -> None:
    table = await bench.table(NAME)
    await table.add({"id": 7}, {"name": "a"}, {"name": "b"})
    assert await table.ids(ordering="id") == [7, 8, 9]
    assert (await table.post({"id": 8})).status_code == 409


async def test_deletes(bench: MongoBench) -> None:
    table = await bench.table(NAME)
    await table.add(*({"name": name} for name in "aabbc"))
    gone = await table.delete(ids="1,99,5")
    assert (gone.json()["deleted"], sorted(gone.json()["ids"])) == (2, [1, 5])
    assert (await table.delete(filter='{"name": "b"}')).json() == {"deleted": 2}
    assert await table.ids() == [2]
    assert (await table.delete(filter="{}")).status_code == 400


async def test_soft_deletes(bench: MongoBench) -> None:
    table = await bench.table(NAME, {"name": "is_deleted", "type": "boolean"})
    await table.add({"name": "a"}, {"name": "b"}, {"name": "c"})
    assert (await table.delete("/1")).status_code == 204
    assert (await table.delete(ids="1,2")).json() == {"deleted": 1, "ids": [2]}
    assert (await table.get("/1")).status_code == 404
    assert await table.ids() == [3]
    assert await table.ids(is_deleted="true", ordering="id") == [1, 2]
    assert (await table.patch({"is_deleted": False}, "/1")).status_code == 200
    assert await table.ids(ordering="id") == [1, 3]


async def test_upsert(bench: MongoBench) -> None:
    table = await bench.table(NAME, UNIQUE, {"name": "kind", "type": "string", "default": "plain"})
    first = await table.post({"code": "a", "name": "one"}, "/upsert?unique_fields=code")
    assert (first.status_code, first.json()["created"], first.json()["data"]["kind"]) == (201, True, "plain")
    rows = [{"code": "b"}, {"code": "a", "kind": None}]
    both = (await table.post(rows, "/upsert?unique_fields=code")).json()
    assert (both["created"], both["updated"]) == (1, 1)
    assert [(row["id"], row["code"], row["name"], row["kind"]) for row in both["data"]] == [
        (2, "b", None, "plain"),
        (1, "a", "one", None),
    ]
    by_name = await table.post([{"name": "one", "kind": "k"}, {"name": "two"}], "/upsert?unique_fields=name")
    assert (by_name.json()["created"], by_name.json()["data"][0]["code"]) == (1, "a")
    moved = await table.post({"id": 99, "code": "a"}, "/upsert?unique_fields=code")
    assert moved.status_code == 400
    await table.add({"name": "two"})
    assert (await table.post([{"name": "two"}], "/upsert?unique_fields=name")).status_code == 409
    # As in PostgreSQL, the key comes first.
    moved = await table.post({"id": 99, "name": "two"}, "/upsert?unique_fields=name")
    assert (moved.status_code, list(moved.json()["errors"])) == (400, ["id"])


async def test_a_row_is_not_in_the_way_of_its_own_record(bench: MongoBench) -> None:
    table = await bench.table(UNIQUE)
    assert (await table.post([{"id": 4, "code": "x"}, {"id": 5, "code": "b"}])).status_code == 201
    rows = [{"id": 5, "code": "b"}, {"id": 4, "code": "e"}, {"id": 5, "code": "a"}]
    refused = await table.post(rows, "/upsert?unique_fields=code")
    assert refused.status_code == 409, refused.text
    assert [one["index"] for one in refused.json()["rows"]] == [1, 2]


async def test_upserts_at_the_same_time_make_one_record(bench: MongoBench) -> None:
    table = await bench.table(NAME, UNIQUE)
    for field in ("code", "name"):
        sent = [table.post({field: "same"}, f"/upsert?unique_fields={field}") for _ in range(8)]
        answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} <= {200, 201, 409}
        assert len(await table.ids(**{field: "same"})) == 1


async def test_a_request_that_is_sent_again_is_done_once(bench: MongoBench) -> None:
    table = await bench.table(NAME)
    headers = {"Idempotency-Key": "k1"}
    first, again = [await table.post({"name": "a"}, headers=headers) for _ in range(2)]
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert await table.total() == 1
    other = await table.post({"name": "b"}, headers=headers)
    assert other.status_code == 409
    failed = await table.post([{"id": 1}, {"id": 5}], headers={"Idempotency-Key": "k2"})
    assert failed.status_code == 409
    assert (await table.post([{"id": 5}], headers={"Idempotency-Key": "k2"})).status_code == 201
    answers = await asyncio.gather(*(table.post({}, headers={"Idempotency-Key": "k3"}) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await table.total() == 3


@pytest.mark.parametrize(
    "value",
    [
        {"$gt": ""},
        {"$where": "sleep(1000)"},
        {"a.b": 1, "$set": {"x": 1}},
        {"$ref": "t", "$id": 1},
        [{"$ne": None}],
    ],
)
async def test_what_a_caller_sends_is_never_an_operator(bench: MongoBench, value: Any) -> None:
    table = await bench.table(NAME, {"name": "document", "type": "any"})
    await table.add({"name": "other", "document": "plain"}, {"document": value})
    assert (await table.get("/2")).json()["data"]["document"] == value
    found = await table.get(filters=__import__("json").dumps({"document": value}))
    assert [row["id"] for row in found.json()["data"]] == [2]
    # Where text is expected, an object is no text; and text that looks like an operator is text.
    assert (await table.post({"name": value})).status_code == 400
    assert (await table.get(name="$name")).json()["total"] == 0
    assert (await table.get(name__contains="$")).json()["total"] == 0
    assert (await table.get(name__like="(a+)+%.*")).json()["total"] == 0


async def test_patterns_are_no_regular_expressions(bench: MongoBench) -> None:
    table = await bench.table(NAME)
    await table.add({"name": "a.c"}, {"name": "abc"}, {"name": "a\nc"}, {"name": "(x)[y]{z}^$|?*+\\"})
    assert await table.ids(name__contains="a.c") == [1]
    assert await table.ids(name__like="a_c", ordering="id") == [1, 2, 3]
    assert await table.ids(name__contains="(X)[y]{z}^$|?*+\\") == [4]
    # Backtracking would take ages, or be given up without a word.
    (row,) = await table.add({"name": "a" * 5000 + "b" + "a" * 5000})
    assert await table.ids(name__like="%a" * 40 + "%b" + "%a" * 40) == [row["id"]]
    assert await table.ids(name__ilike="%A" * 40 + "%c%") == []
    assert await table.ids(name__like="a%b_a%a", ordering="id") == [row["id"]]
    long = await table.get(name__contains="x" * 9000)
    assert (long.status_code, list(long.json()["errors"])) == (400, ["name__contains"])


async def test_what_collections_lack_is_refused(bench: MongoBench) -> None:
    made = await bench.define({"fields": [ID, NAME], "primaryKey": ["id"], "audit": True})
    assert made.status_code == 201, made.text
    answer = await bench.client.get(f"/api/apps/{APP}/datatables/{made.json()['name']}/data")
    assert answer.status_code == 400, answer.text
    assert "an audit entry" in answer.json()["detail"]


async def test_what_requests_cannot_ask_for(bench: MongoBench) -> None:
    table = await bench.table(NAME, {"name": "document", "type": "object"})
    for params in (
        {"document__contains": "x"},
        {"populate": "other"},
        {"other.name": "x"},
        {"include": "descendants"},
    ):
        answer = await table.get(**params)
        assert answer.status_code == 400, (params, answer.text)


async def test_a_server_that_stands_alone(alone: MongoBench) -> None:
    table = await alone.table(NAME, UNIQUE)
    assert (await table.post({"code": "a"})).status_code == 201
    assert (await table.patch({"name": "x"}, "/1")).status_code == 200
    assert (await table.post({"code": "a", "name": "y"}, "/upsert?unique_fields=code")).status_code == 200
    assert (await table.post({"code": "b"}, "/upsert?unique_fields=code")).status_code == 201
    for answer in (
        await table.post([{}, {}]),
        await table.patch([{"id": 1, "name": "z"}]),
        await table.delete(ids="1"),
        await table.delete(filter='{"name": "x"}'),
        await table.post({}, headers={"Idempotency-Key": "k"}),
        await table.post({"name": "x"}, "/upsert?unique_fields=name"),
    ):
        assert answer.status_code == 400, answer.text
        assert "stands alone" in answer.json()["detail"]
    assert await table.total() == 2
    assert (await table.delete("/1")).status_code == 204


async def test_the_document_of_an_app_with_tables_in_mongodb(bench: MongoBench) -> None:
    await bench.table(NAME)
    answer = await bench.client.get(f"/api/apps/{APP}/openapi.json")
    assert (answer.status_code, answer.json()["openapi"][:3]) == (200, "3.1")
