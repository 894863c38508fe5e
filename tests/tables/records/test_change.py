"""Creating, upserting, updating and deleting records, through HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.tables.workbench import Records, Workbench, exact

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string"}
EMAIL = {
    "name": "email",
    "type": "string",
    "format": "email",
    "constraints": {"required": True, "unique": True},
}
COUNT = {"name": "count", "type": "integer"}
CREATED = {"name": "created_at", "type": "datetime"}
UPDATED = {"name": "updated_at", "type": "datetime"}
DELETED = {"name": "is_deleted", "type": "boolean"}


# --- create


async def test_one_record_comes_back_complete(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {**NAME, "default": "unnamed"},
        COUNT,
        CREATED,
        UPDATED,
    )
    answer = await table.post({"count": 3})
    assert answer.status_code == 201
    row = answer.json()["data"]
    assert (row["id"], row["name"], row["count"]) == (1, "unnamed", 3)
    assert row["created_at"] == row["updated_at"]
    assert row["created_at"].endswith("Z")
    assert (await table.get("/1")).json() == {"data": row}


async def test_many_records_keep_the_order_of_the_request(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT)
    made = await table.add(*({"name": f"n{n}", "count": -n} for n in range(500)))
    assert [row["count"] for row in made] == [-n for n in range(500)]
    assert [row["id"] for row in made] == list(range(1, 501))


async def test_an_empty_list_makes_nothing(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    answer = await table.post([])
    assert (answer.status_code, answer.json()) == (201, {"data": []})


async def test_the_rows_of_a_list_may_stay_out_of_the_answer(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    minimal = {"headers": {"Prefer": "return=minimal"}}
    answer = await table.post([{"name": "a"}, {"id": 7, "name": "b"}], **minimal)
    assert (answer.status_code, answer.json()) == (201, {"data": [], "created": 2})
    assert (await table.post({"name": "c"}, **minimal)).json() == {"data": {"id": 9, "name": "c"}}
    assert (await table.post([{"nam": "x"}], **minimal)).status_code == 400
    assert [row["name"] for row in await table.rows()] == ["b", "a", "c"]


async def test_a_null_takes_the_place_of_an_optional_field_and_not_of_its_default(
    workbench: Workbench,
) -> None:
    table = await workbench.table({**NAME, "default": "unnamed"})
    made = await table.add({"name": None}, {})
    assert [row["name"] for row in made] == [None, "unnamed"]


async def test_explicit_keys_move_the_sequence(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"id": 40}, {"id": 7}, {"id": -3})
    assert (await table.add({}))[0]["id"] == 41
    await table.add({"id": 12})
    assert (await table.add({}))[0]["id"] == 42
    await table.post({"id": 50}, "/upsert")
    assert (await table.add({}))[0]["id"] == 51


async def test_given_and_generated_keys_in_one_request_do_not_meet(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    made = await table.add({"id": 1}, {}, {"id": 3}, {"id": None})
    assert [row["id"] for row in made] == [1, 4, 3, 5]


async def test_the_greatest_key_is_accepted(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"id": 2**63 - 1}, {"id": -(2**63)})
    assert await table.ids() == [-(2**63), 2**63 - 1]
    assert (await table.get(f"/{2**63 - 1}")).status_code == 200
    # Nor does it leave the sequence without a next number.
    assert (await table.add({}))[0]["id"] == 1


async def test_a_refused_request_does_not_use_the_keys_up(workbench: Workbench) -> None:
    table = await workbench.table({"name": "code", "type": "string", "constraints": {"unique": True}})
    await table.add({"code": "a"})
    assert (await table.post({"id": 2**63 - 1, "code": "a"})).status_code == 409
    assert (await table.post({})).status_code == 201


async def test_uuid_keys_are_generated(workbench: Workbench) -> None:
    for kind in ({"type": "uuid"}, {"type": "string", "format": "uuid"}):
        table = await workbench.table({"name": "id", **kind}, NAME)
        given = "0b0c6b4e-6e3c-4f43-9bb0-0a0a0a0a0a0a"
        made = await table.add({"name": "a"}, {"id": given, "name": "b"})
        assert made[1]["id"] == given
        assert (await table.get(f"/{made[0]['id']}")).json()["data"]["name"] == "a"
        assert (await table.get("/not-a-uuid")).status_code == 404
        answer = await table.delete(ids=f"{given},{made[0]['id']}")
        assert (answer.json()["deleted"], sorted(answer.json()["ids"])) == (2, sorted([given, made[0]["id"]]))


async def test_text_keys_are_never_generated(workbench: Workbench) -> None:
    table = await workbench.table({"name": "code", "type": "string"}, NAME, primaryKey="code")
    refused = await table.post({"name": "x"})
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")
    assert refused.json()["errors"] == {"code": ["This field is required."]}
    keys = ["a/b", "a b", "ü%2F", "upsert", "..", "x,y", "?", "+", "[1]"]
    await table.add(*({"code": key} for key in keys))
    from urllib.parse import quote

    for key in keys:
        path = f"/{quote(key, safe='')}" if key != ".." else "/%2E%2E"
        found = await table.get(path)
        assert (found.status_code, found.text) == (200, found.text)
        assert found.json()["data"]["code"] == key
        assert (await table.patch({"name": "n"}, path)).json()["data"] == {"code": key, "name": "n"}
        assert (await table.delete(path)).status_code == 204
    assert await table.total() == 0


async def test_composite_keys(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "origin", "type": "string"},
        {"name": "hour", "type": "datetime"},
        COUNT,
        primaryKey=["origin", "hour"],
    )
    await table.add(
        {"origin": "JFK", "hour": "2013-01-01T05:00:00Z", "count": 1},
        {"origin": "J,K", "hour": "2013-01-01T05:00:00Z", "count": 2},
    )
    assert (await table.get("/JFK,2013-01-01T05:00:00Z")).json()["data"]["count"] == 1
    assert (await table.get('/["J,K","2013-01-01T05:00:00Z"]')).json()["data"]["count"] == 2
    assert (await table.get("/JFK")).status_code == 404
    assert (await table.get("/JFK,yesterday")).status_code == 404
    assert (await table.get('/["JFK"')).status_code == 404
    assert (await table.get("/JFK,2013-01-01T05:00:00Z,x")).status_code == 404
    changed = await table.patch([{"origin": "JFK", "hour": "2013-01-01T05:00:00Z", "count": 9}])
    assert changed.json()["data"][0]["count"] == 9
    upserted = await table.post({"origin": "JFK", "hour": "2013-01-01T07:00:00+02:00", "count": 8}, "/upsert")
    assert (upserted.status_code, upserted.json()["created"]) == (200, False)
    assert (await table.delete(ids="JFK")).status_code == 400
    assert (await table.delete("/JFK,2013-01-01T05:00:00Z")).status_code == 204
    twice = await table.post({"origin": "J,K", "hour": "2013-01-01T05:00:00Z"})
    assert twice.status_code == 409


# --- upsert


async def test_upsert_by_a_unique_field(workbench: Workbench) -> None:
    table = await workbench.table(EMAIL, NAME, COUNT, CREATED, UPDATED)
    made = await table.post(
        {"email": "a@example.com", "name": "Ann", "count": 1}, "/upsert?unique_fields=email"
    )
    assert (made.status_code, made.json()["created"]) == (201, True)
    first = made.json()["data"]
    again = await table.post({"email": "a@example.com", "name": "Anna"}, "/upsert?unique_fields=email")
    assert (again.status_code, again.json()["created"]) == (200, False)
    second = again.json()["data"]
    assert (second["id"], second["name"], second["count"]) == (first["id"], "Anna", 1)
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]


async def test_upsert_by_the_key_is_the_default(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT)
    assert (await table.post({"id": 5, "name": "a"}, "/upsert")).status_code == 201
    assert (await table.post({"id": 5, "count": 2}, "/upsert")).json() == {
        "data": {"id": 5, "name": "a", "count": 2},
        "created": False,
    }
    refused = await table.post({"name": "b"}, "/upsert")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["id"])


async def test_upsert_of_a_list(workbench: Workbench) -> None:
    table = await workbench.table(EMAIL, NAME, COUNT)
    await table.add({"email": "b@example.com", "name": "B", "count": 7})
    rows = [
        {"email": "a@example.com", "name": "a"},
        {"email": "b@example.com", "name": "b"},
        {"email": "c@example.com", "count": 1},
        {"email": "d@example.com"},
    ]
    answer = await table.post(rows, "/upsert?unique_fields=email")
    body = answer.json()
    assert (answer.status_code, body["created"], body["updated"]) == (200, 3, 1)
    assert [row["email"][0] for row in body["data"]] == ["a", "b", "c", "d"]
    assert body["data"][1] == {"id": 1, "email": "b@example.com", "name": "b", "count": 7}
    assert (await table.post([{"email": "e@example.com"}], "/upsert?unique_fields=email")).status_code == 201
    empty = await table.post([], "/upsert?unique_fields=email")
    assert (empty.status_code, empty.json()) == (200, {"data": [], "created": 0, "updated": 0})


async def test_upsert_refuses_rows_that_repeat_each_other(workbench: Workbench) -> None:
    table = await workbench.table(EMAIL, NAME)
    rows = [{"email": "a@example.com"}, {"email": "b@example.com"}, {"email": "a@example.com"}]
    answer = await table.post(rows, "/upsert?unique_fields=email")
    assert (answer.status_code, answer.json()["rows"]) == (
        400,
        [{"index": 2, "errors": {"email": ["The same as in row 0."]}}],
    )
    assert await table.total() == 0


async def test_upsert_without_a_unique_index(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT, UPDATED)
    await table.add({"name": "a", "count": 1}, {"name": "twice"}, {"name": "twice"})
    answer = await table.post([{"name": "a", "count": 2}, {"name": "b"}], "/upsert?unique_fields=name")
    body = answer.json()
    assert (answer.status_code, body["created"], body["updated"]) == (200, 1, 1)
    assert [(row["name"], row["count"]) for row in body["data"]] == [("a", 2), ("b", None)]
    ambiguous = await table.post({"name": "twice", "count": 1}, "/upsert?unique_fields=name")
    assert (ambiguous.status_code, ambiguous.json()["code"]) == (409, "CONFLICT")
    assert await table.total() == 4


async def test_instants_are_the_same_however_they_are_written(workbench: Workbench) -> None:
    table = await workbench.table({"name": "at", "type": "datetime", "constraints": {"unique": True}})
    rows = [{"at": "2024-01-01T00:00:00"}, {"at": "2024-01-01T02:00:00+02:00"}]
    answer = await table.post(rows, "/upsert?unique_fields=at")
    assert (answer.status_code, [row["index"] for row in answer.json()["rows"]]) == (400, [1])


async def test_null_tells_no_records_apart(workbench: Workbench) -> None:
    unique = {"name": "code", "type": "string", "constraints": {"unique": True}}
    for field in (unique, {"name": "code", "type": "string"}):
        table = await workbench.table(field, COUNT)
        for _ in range(2):
            answer = await table.post([{"code": None}, {"code": None}], "/upsert?unique_fields=code")
            assert (answer.status_code, answer.json()["created"]) == (201, 2)
        assert await table.total() == 4


async def test_upsert_meets_required_fields_it_does_not_send(workbench: Workbench) -> None:
    required = {"name": "name", "type": "string", "constraints": {"required": True}}
    defaulted = {"name": "state", "type": "string", "constraints": {"required": True}, "default": "new"}
    table = await workbench.table(EMAIL, required, defaulted)
    await table.add({"email": "a@example.com", "name": "Ann", "state": "old"})
    kept = await table.post({"email": "a@example.com", "state": "older"}, "/upsert?unique_fields=email")
    assert kept.json()["data"] == {"id": 1, "email": "a@example.com", "name": "Ann", "state": "older"}
    refused = await table.post({"email": "b@example.com"}, "/upsert?unique_fields=email")
    assert (refused.status_code, refused.json()["errors"]) == (400, {"name": ["This field is required."]})
    rows = [{"email": "a@example.com"}, {"email": "b@example.com"}, {"email": "c@example.com"}]
    many = await table.post(rows, "/upsert?unique_fields=email")
    assert many.status_code == 400
    assert [(row["index"], row["errors"]) for row in many.json()["rows"]] == [
        (1, {"name": ["This field is required."]}),
        (2, {"name": ["This field is required."]}),
    ]
    filled = await table.post({"email": "b@example.com", "name": "Bob"}, "/upsert?unique_fields=email")
    assert filled.json()["data"]["state"] == "new"
    assert await table.total() == 2


@pytest.mark.parametrize("unique", [True, False])
async def test_upsert_does_not_change_a_key(workbench: Workbench, unique: bool) -> None:
    table = await workbench.table({"name": "code", "type": "string", "constraints": {"unique": unique}}, NAME)
    await table.add({"code": "a"}, {"code": "b"})
    same = await table.post({"id": 1, "code": "a", "name": "x"}, "/upsert?unique_fields=code")
    assert (same.status_code, same.json()["data"]["name"]) == (200, "x")
    for body in ({"id": 9, "code": "a", "name": "y"}, [{"id": 1, "code": "a"}, {"id": 9, "code": "b"}]):
        refused = await table.post(body, "/upsert?unique_fields=code")
        assert refused.status_code == 400, refused.text
        assert "cannot be changed" in refused.text
    assert await table.rows(fields="name") == [{"id": 1, "name": "x"}, {"id": 2, "name": None}]


async def test_upsert_revives_a_deleted_record_where_it_must(workbench: Workbench) -> None:
    unique = {"name": "code", "type": "string", "constraints": {"unique": True}}
    table = await workbench.table(unique, NAME, DELETED)
    await table.add({"code": "a", "name": "kept"})
    await table.delete("/1")
    answer = await table.post({"code": "a"}, "/upsert?unique_fields=code")
    assert (answer.status_code, answer.json()["created"]) == (200, False)
    assert answer.json()["data"] == {"id": 1, "code": "a", "name": "kept", "is_deleted": False}


async def test_upsert_without_an_index_does_not_see_deleted_records(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT, DELETED)
    await table.add({"name": "a"})
    await table.delete("/1")
    for expected in (True, False):
        answer = await table.post(
            {"name": "a", "count": 1, "is_deleted": False}, "/upsert?unique_fields=name"
        )
        assert (answer.json()["data"]["id"], answer.json()["created"]) == (2, expected)
    assert await table.ids(is_deleted="true") == [1]


@pytest.mark.parametrize(
    ("unique", "sentence"),
    [
        ("nothing", "There is no field 'nothing'."),
        ("", "Name the fields that tell records apart, each once."),
        ("email,email", "Name the fields that tell records apart, each once."),
        ("notes", "'notes' is of type object, which tells no records apart."),
    ],
)
async def test_upsert_by_what_tells_nothing_apart(workbench: Workbench, unique: str, sentence: str) -> None:
    table = await workbench.table(EMAIL, {"name": "notes", "type": "object"})
    answer = await table.post({"email": "a@example.com"}, f"/upsert?unique_fields={unique}")
    assert (answer.status_code, answer.json()["unique_fields"]) == (400, [sentence])


async def test_upserts_at_once_make_one_record(workbench: Workbench) -> None:
    for constraint in ({"unique": True}, {}):
        table = await workbench.table({"name": "code", "type": "string", "constraints": constraint}, COUNT)
        answers = await asyncio.gather(
            *(table.post({"code": "x", "count": n}, "/upsert?unique_fields=code") for n in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert await table.total() == 1


# --- update


async def test_update_changes_what_is_sent(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT, CREATED, UPDATED)
    (made,) = await table.add({"name": "a", "count": 1})
    answer = await table.patch({"count": None}, "/1")
    row = answer.json()["data"]
    assert (answer.status_code, row["name"], row["count"]) == (200, "a", None)
    assert row["created_at"] == made["created_at"]
    assert row["updated_at"] > made["updated_at"]
    assert (await table.patch({"id": 1, "name": "b"}, "/1")).json()["data"]["name"] == "b"
    assert (await table.patch({}, "/1")).json()["data"]["name"] == "b"


async def test_updated_at_is_the_services_to_set(workbench: Workbench) -> None:
    table = await workbench.table(EMAIL, NAME, UPDATED)
    await table.add({"email": "a@example.com"})
    past = "2001-01-01T00:00:00Z"
    for answer in (
        await table.patch({"updated_at": past}, "/1"),
        await table.patch([{"id": 1, "updated_at": past}]),
        await table.post({"email": "a@example.com", "updated_at": past}, "/upsert?unique_fields=email"),
    ):
        assert answer.status_code == 200, answer.text
        rows = answer.json()["data"]
        row = rows[0] if isinstance(rows, list) else rows
        assert row["updated_at"] > "2025"


async def test_update_of_what_is_not_there(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"name": "a"})
    for path in ("/2", "/x", "/1.5", "/99999999999999999999"):
        answer = await table.patch({"name": "b"}, path)
        assert (answer.status_code, answer.json()["detail"]) == (404, "Not found.")


async def test_a_key_is_not_changed(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"name": "a"})
    answer = await table.patch({"id": 2}, "/1")
    assert (answer.status_code, answer.json()["id"]) == (400, ["The key of a record cannot be changed."])


async def test_a_record_is_changed_by_an_object_and_a_list_by_a_list(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"name": "a"})
    assert (await table.patch([{"name": "b"}], "/1")).status_code == 400
    assert (await table.patch({"id": 1, "name": "b"})).status_code == 400
    assert (await table.client.put(f"{table.url}/1", json={"name": "b"})).status_code == 405


async def test_bulk_update_answers_in_the_order_of_the_request(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT)
    await table.add(*({"name": f"n{n}"} for n in range(6)))
    answer = await table.patch(
        [
            {"id": 5, "count": 5},
            {"id": 1, "name": "one"},
            {"id": 3, "count": 3},
            {"id": 2, "name": "two", "count": 2},
        ]
    )
    assert answer.json()["data"] == [
        {"id": 5, "name": "n4", "count": 5},
        {"id": 1, "name": "one", "count": None},
        {"id": 3, "name": "n2", "count": 3},
        {"id": 2, "name": "two", "count": 2},
    ]
    assert (await table.patch([])).json() == {"data": []}


async def test_bulk_update_is_all_or_nothing(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"name": "a"}, {"name": "b"})
    missing = await table.patch([{"id": 1, "name": "x"}, {"id": 7, "name": "y"}, {"id": 8}])
    assert missing.status_code == 404
    assert [row["index"] for row in missing.json()["rows"]] == [1, 2]
    keyless = await table.patch([{"id": 1, "name": "x"}, {"name": "y"}])
    assert (keyless.status_code, [row["index"] for row in keyless.json()["rows"]]) == (400, [1])
    twice = await table.patch([{"id": 1, "name": "x"}, {"id": 1, "name": "y"}])
    assert (twice.status_code, [row["index"] for row in twice.json()["rows"]]) == (400, [1])
    assert [row["name"] for row in await table.rows()] == ["a", "b"]


# --- delete


async def test_the_three_deletes(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT)
    await table.add(*({"name": "ab"[n % 2], "count": n} for n in range(10)))
    one = await table.delete("/1")
    assert (one.status_code, one.content) == (204, b"")
    assert (await table.delete("/1")).status_code == 404
    listed = await table.delete(ids="2, 3,1,999")
    assert (listed.status_code, listed.json()) == (200, {"deleted": 2, "ids": [2, 3]})
    filtered = await table.delete(filter='{"name": "a", "count__gte": 6}')
    assert (filtered.status_code, filtered.json()) == (200, {"deleted": 2})
    assert await table.ids() == [4, 5, 6, 8, 10]


async def test_delete_by_the_tree_the_published_client_sends(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT)
    await table.add(*({"name": "ab"[n % 2], "count": n} for n in range(10)))
    nested = r'{"name": "a", "filters": "{\"or\": [{\"count\": 0}, {\"count__gt\": 7}]}"}'
    assert (await table.delete(filter=nested)).json() == {"deleted": 2}
    assert (await table.delete(filter='{"filters": {"not": {"name": "a"}}}')).json() == {"deleted": 5}
    assert await table.ids() == [3, 5, 7]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"filter": ""},
        {"filter": "{}"},
        {"filter": "[]"},
        {"filter": '{"filters": {}}'},
        {"filter": '{"and": []}'},
        {"filter": '{"id__nin": []}'},
        {"filter": '{"nothing": 1}'},
        {"filter": '{"id__near": 1}'},
        {"filter": '{"id": "x"}'},
        {"filter": "{"},
        {"filter": '{"id": 1}', "ids": "1"},
        {"ids": "1,x"},
        {"ids": "[1"},
        {"ids": "1", "filters": '{"id": 1}'},
        {"ids": "1", "name": "a"},
        {"name": "a"},
    ],
)
async def test_a_delete_that_is_not_understood_deletes_nothing(
    workbench: Workbench, params: dict[str, str]
) -> None:
    table = await workbench.table(NAME)
    await table.add({"name": "a"}, {"name": "b"})
    answer = await table.delete(**params)
    assert answer.status_code == 400, answer.text
    assert await table.total() == 2


async def test_faulty_ids_are_named_as_such(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    assert list((await table.delete(ids="1,x")).json()["errors"]) == ["ids"]
    assert (await table.delete(ids="")).json() == {"deleted": 0, "ids": []}


async def test_deletes_of_records_others_refer_to(workbench: Workbench) -> None:
    parents = await workbench.table(NAME)
    children = await workbench.table(
        {"name": "parent", "type": "integer"},
        foreignKeys=[{"fields": "parent", "reference": {"resource": parents.name, "fields": "id"}}],
    )
    await parents.add({}, {})
    await children.add({"parent": 1})
    for answer in (
        await parents.delete("/1"),
        await parents.delete(ids="1,2"),
        await parents.delete(filter='{"id__gte": 1}'),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT"), answer.text
    assert await parents.total() == 2


async def test_a_table_that_refers_to_itself(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "boss", "type": "integer"},
        foreignKeys=[{"fields": ["boss"], "reference": {"resource": "", "fields": ["id"]}}],
    )
    await table.add({"id": 2, "boss": 1}, {"id": 1})
    blocked = await table.delete("/1")
    assert (blocked.status_code, blocked.json()["code"]) == (409, "CONFLICT")
    orphan = await table.post({"boss": 77})
    assert (orphan.status_code, list(orphan.json()["errors"])) == (400, ["boss"])
    assert (await table.delete(ids="1,2")).json()["deleted"] == 2


# --- soft delete


async def test_soft_deleted_records_are_hidden_until_asked_for(workbench: Workbench) -> None:
    table = await workbench.table(NAME, DELETED, UPDATED)
    made = await table.add(*({"name": name} for name in "abcd"))
    assert [row["is_deleted"] for row in made] == [False] * 4
    assert (await table.delete("/1")).status_code == 204
    assert (await table.delete("/1")).status_code == 404
    assert (await table.delete(ids="1,2")).json() == {"deleted": 1, "ids": [2]}
    assert (await table.delete(filter='{"name__lte": "c"}')).json() == {"deleted": 1}
    assert await table.ids() == [4]
    assert await table.total() == 1
    assert (await table.get("/1")).status_code == 404
    assert (await table.patch({"name": "x"}, "/1")).status_code == 404
    assert (await table.patch([{"id": 1, "name": "x"}])).status_code == 404
    assert await table.ids(is_deleted="true") == [1, 2, 3]
    assert await table.ids(is_deleted__in="true,false") == [1, 2, 3, 4]
    assert await table.ids(filters='{"is_deleted": true, "id": 1}') == [1]
    deleted = (await table.rows(is_deleted="true", id="1"))[0]
    assert deleted["updated_at"] > made[0]["updated_at"]
    restored = await table.patch({"is_deleted": False}, "/1")
    assert (restored.status_code, restored.json()["data"]["is_deleted"]) == (200, False)
    assert await table.ids() == [1, 4]
    assert (await table.delete(filter='{"is_deleted": true}')).json() == {"deleted": 2}


# --- entity tags


async def test_a_change_is_held_to_the_version_it_names(workbench: Workbench) -> None:
    table = await workbench.table(NAME, COUNT)
    await table.add({"name": "a"})
    read = await table.get("/1")
    tag = read.headers["etag"]
    unchanged = await table.client.get(f"{table.url}/1", headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    changed = await table.patch({"count": 1}, "/1", headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] not in (tag, "")
    assert (await table.get("/1")).headers["etag"] == changed.headers["etag"]
    for stale in (tag, f"W/{changed.headers['etag']}", '"x"', "nonsense"):
        late = await table.patch({"count": 2}, "/1", headers={"If-Match": stale})
        assert (late.status_code, late.json()["code"]) == (412, "PRECONDITION_FAILED")
        kept = await table.client.delete(f"{table.url}/1", headers={"If-Match": stale})
        assert kept.status_code == 412
    either = f"{tag}, {changed.headers['etag']}"
    assert (await table.patch({"count": 3}, "/1", headers={"If-Match": either})).status_code == 200
    assert (await table.patch({"count": 4}, "/1", headers={"If-Match": "*"})).status_code == 200
    assert (await table.patch({"count": 4}, "/2", headers={"If-Match": tag})).status_code == 404
    newest = (await table.get("/1")).headers["etag"]
    gone = await table.client.delete(f"{table.url}/1", headers={"If-Match": newest})
    assert gone.status_code == 204


async def test_of_changes_at_once_one_wins(workbench: Workbench) -> None:
    table = await workbench.table(COUNT)
    await table.add({"count": 0})
    headers = {"If-Match": (await table.get("/1")).headers["etag"]}
    answers = await asyncio.gather(*(table.patch({"count": n}, "/1", headers=headers) for n in range(1, 9)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert exact(await table.get("/1")) == exact(winner)


# --- limits


@pytest.mark.parametrize("path", ["", "/upsert"])
async def test_more_rows_than_one_request_may_carry(workbench: Workbench, path: str) -> None:
    table = await workbench.table(NAME)
    rows: list[Any] = [{"id": n} for n in range(10_001)]
    answer = await table.post(rows, path)
    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    faulty = await table.post([*rows[:-1], {"wrong": 1}], path)
    assert faulty.status_code == 413
    assert (await table.post(rows[:-1], path)).status_code == 201
    assert (await table.patch(rows)).status_code == 413
    assert (await table.patch(rows[:-1])).status_code == 200
    assert await table.total() == 10_000


async def test_long_texts_are_kept(workbench: Workbench) -> None:
    table: Records = await workbench.table(NAME)
    text = "ä" * 500_000
    assert (await table.add({"name": text}))[0]["name"] == text
