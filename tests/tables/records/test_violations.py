"""What the database refuses, told by row and field."""

from __future__ import annotations

import pytest

from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio

CODE = {"name": "code", "type": "string", "constraints": {"unique": True}}


async def test_a_value_that_is_taken(workbench: Workbench) -> None:
    table = await workbench.table(CODE)
    await table.add({"code": "a"}, {"code": "b"})
    for answer in (await table.post({"code": "a"}), await table.patch({"code": "a"}, "/2")):
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
        assert answer.json()["errors"] == {"code": ["A record with this code (a) exists already."]}
    taken = await table.post({"id": 1})
    assert taken.json()["id"] == ["A record with this id (1) exists already."]


async def test_every_row_that_is_taken(workbench: Workbench) -> None:
    table = await workbench.table(CODE)
    await table.add({"code": "a"}, {"code": "b"}, {"code": "c"})
    rows = [{"code": "x"}, {"code": "a"}, {"code": None}, {"code": "x"}, {"code": "b"}, {"code": None}]
    created = await table.post(rows)
    assert (created.status_code, [row["index"] for row in created.json()["rows"]]) == (409, [1, 3, 4])
    assert created.json()["detail"].startswith("3 rows were refused and nothing was written; row 1:")
    updated = await table.patch([{"id": 1, "code": "a"}, {"id": 2, "code": "c"}, {"id": 3, "code": "z"}])
    # The third record gives up what the second takes, and one statement does both; only then does it matter.
    assert updated.status_code in (200, 409)
    clash = await table.patch([{"id": 3}, {"id": 1, "code": "b"}])
    assert (clash.status_code, [row["index"] for row in clash.json()["rows"]]) == (409, [1])


async def test_rows_of_several_shapes_keep_their_place(workbench: Workbench) -> None:
    table = await workbench.table(CODE, {"name": "n", "type": "integer"}, {"name": "m", "type": "integer"})
    await table.add({"code": "a"}, {"code": "b"}, {"code": "c"})
    changed = await table.patch([{"id": 1, "n": 1}, {"id": 2, "n": 2}, {"id": 3, "code": "a"}])
    assert [row["index"] for row in changed.json()["rows"]] == [2]
    unique_number = {"name": "n", "type": "integer", "constraints": {"unique": True}}
    other = await workbench.table(CODE, unique_number)
    await other.add({"code": "a", "n": 1}, {"code": "b", "n": 2})
    rows = [{"code": "z"}, {"code": "a", "n": 1}, {"code": "b", "n": 1}, {"code": "q", "n": 2}]
    upserted = await other.post(rows, "/upsert?unique_fields=code")
    assert upserted.status_code == 409
    assert 1 not in [row["index"] for row in upserted.json()["rows"]]
    assert await other.total() == 2


async def test_unique_indexes(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "a", "type": "string"},
        {"name": "b", "type": "range", "of": "integer"},
        indexes=[
            {"name": "pair", "fields": ["a", "b"], "unique": True},
            {"name": "lowered", "expression": "lower(a)", "unique": True, "where": "a <> ''"},
        ],
    )
    await table.add({"a": "", "b": {"lower": 1, "upper": 2}}, {"a": "x"})
    pair = await table.post([{"a": "y"}, {"a": "", "b": {"lower": 1, "upper": 2}}])
    assert (pair.status_code, [row["index"] for row in pair.json()["rows"]]) == (409, [1])
    lowered = await table.post([{"a": "X"}])
    assert (lowered.status_code, "lowered" in lowered.text) == (409, True)


async def parent_and_child(workbench: Workbench, action: str | None = None) -> tuple[Records, Records]:
    parents = await workbench.table({"name": "name", "type": "string"})
    actions = {"x-actions": {"onDelete": action}} if action else {}
    children = await workbench.table(
        {"name": "parent", "type": "integer", **({"default": 1} if action == "SET DEFAULT" else {})},
        {"name": "n", "type": "integer"},
        foreignKeys=[
            {"fields": ["parent"], "reference": {"resource": parents.name, "fields": ["id"]}, **actions}
        ],
    )
    return parents, children


async def test_records_that_do_not_exist(workbench: Workbench) -> None:
    parents, children = await parent_and_child(workbench)
    await parents.add({}, {})
    one = await children.post({"parent": 7})
    sentence = f"The record of '{parents.name}' that parent (7) refers to does not exist."
    assert (one.status_code, one.json()["errors"]) == (400, {"parent": [sentence]})
    many = await children.post([{"parent": 1}, {"parent": 7}, {"parent": None}, {"parent": 8}])
    assert (many.status_code, [row["index"] for row in many.json()["rows"]]) == (400, [1, 3])
    made = await children.add({"parent": 1}, {"parent": 2})
    changed = await children.patch([{"id": made[1]["id"], "n": 1}, {"id": made[0]["id"], "parent": 9}])
    assert await children.total() == 2
    assert (changed.status_code, [row["index"] for row in changed.json()["rows"]]) == (400, [1])


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("CASCADE", [[2, 2]]),
        ("SET NULL", [[1, None], [2, 2]]),
        ("SET DEFAULT", [[1, 1], [2, 2]]),
        ("RESTRICT", None),
        ("NO ACTION", None),
        (None, None),
    ],
)
async def test_what_a_delete_does_to_those_who_refer(
    workbench: Workbench, action: str | None, left: list[list[int | None]] | None
) -> None:
    parents, children = await parent_and_child(workbench, action)
    await parents.add({}, {}, {})
    await children.add({"parent": 3}, {"parent": 2})
    answer = await parents.delete("/3")
    if left is None:
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
        left = [[1, 3], [2, 2]]
    else:
        assert answer.status_code == 204
    assert [[row["id"], row["parent"]] for row in await children.rows()] == left


async def test_one_delete_may_take_parent_and_child(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "up", "type": "integer"},
        foreignKeys=[{"fields": "up", "reference": {"resource": "", "fields": "id"}}],
    )
    await table.add({"id": 1, "up": 2}, {"id": 2, "up": 1})
    assert (await table.delete("/1")).status_code == 409
    assert (await table.delete(ids="1,2")).json()["deleted"] == 2


async def test_a_value_too_long_for_an_index_names_nothing_of_ours(workbench: Workbench) -> None:
    table = await workbench.table({"name": "code", "type": "string", "constraints": {"unique": True}})
    text = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(6000))
    answer = await table.post({"code": text})
    assert answer.status_code == 400, answer.text
    assert "too large" in answer.json()["detail"]
    assert 'index "' not in answer.text
    assert table.name not in answer.text


async def test_rows_are_named_in_the_order_of_the_request(workbench: Workbench) -> None:
    """Of rows that are alike the first one counts, in whatever order they are written."""
    code = {"name": "code", "type": "string", "constraints": {"unique": True}}
    table = await workbench.table(code, {"name": "name", "type": "string"})
    rows = [{"name": name, "code": "c"} for name in ("z", "a", "m")]
    refused = await table.post(rows, "/upsert?unique_fields=name")
    assert refused.status_code == 409
    assert [one["index"] for one in refused.json()["rows"]] == [1, 2]
