"""Changes of schemas as requests: what they tell, what they refuse, what stays (contract section 9)."""

from __future__ import annotations

import pytest

from tests.tables.schema.changing import BASE, add_phone, change, field, history, make, refer, renamed, schema
from tests.tables.workbench import Workbench

pytestmark = pytest.mark.anyio


async def test_the_history_tells_each_step(workbench: Workbench) -> None:
    table = await add_phone(workbench)
    newest, made = await history(workbench, table)
    assert list(newest) == [
        "id", "operation_type", "description", "sql", "rollback_sql", "status", "execution_time_ms",
        "created_at", "revision", "reason",
    ]  # fmt: skip
    assert (newest["operation_type"], newest["description"]) == ("ALTER", "Add column 'phone'")
    assert newest["sql"].endswith("""ADD COLUMN "phone" text COLLATE "C";""")
    assert newest["rollback_sql"].endswith("""DROP COLUMN "phone";""")
    assert (newest["status"], made["status"], made["revision"]) == ("success", "success", None)
    assert await history(workbench, table, status="failed") == []


async def test_sending_the_same_again_does_nothing(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    definition = schema(renamed("a", "b"))
    for _ in range(3):
        done = await change(workbench, table, definition)
        assert done.status_code == 200
    # The hint stays in the schema while other things change.
    more = await change(workbench, table, schema(renamed("a", "b"), field("c")))
    assert more.status_code == 200
    assert await table.rows() == [{"id": 1, "b": "x", "c": None}]
    assert [one["operation_type"] for one in await history(workbench, table)] == ["ALTER", "RENAME", "CREATE"]


async def test_consent_in_the_body(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    done = await workbench.client.put(
        f"{BASE}/{table.name}", json={"json_schema": schema(), "allow_data_loss": True}
    )
    assert (done.status_code, done.json()["field_names"]) == (200, ["id"])
    assert await table.rows() == [{"id": 1}]


async def test_what_never_changes(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a", "integer")), {"a": 1})
    refusals = {
        "the primary key of a table does not change": {**schema(field("a", "integer")), "primaryKey": ["a"]},
        "is part of the primary key": {
            "fields": [{"name": "id", "type": "string"}, field("a", "integer")],
            "primaryKey": ["id"],
        },
        "cannot turn from integer to range of integer": schema(field("a", "range", of="integer")),
        "foreign key to 'id' of this table": {
            **schema(field("a", "integer")),
            "hierarchy": {"self_reference": "a"},
        },
        "two fields say that they were 'a'": schema(renamed("a", "b"), renamed("a", "c")),
        "'x-rename-from' that is not the name": schema({**field("b"), "x-rename-from": 3}),
        "refers to the table 'nowhere'": schema(field("a", "integer"), foreignKeys=[refer("a", "nowhere")]),
    }
    for reason, definition in refusals.items():
        refused = await change(workbench, table, definition, allow_data_loss="true")
        assert refused.status_code == 400, reason
        assert reason in refused.json()["json_schema"][0]
    assert len(await history(workbench, table)) == 1


async def test_the_key_is_renamed(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    definition = {"fields": [renamed("id", "number", "integer"), field("a")], "primaryKey": ["number"]}
    assert (await change(workbench, table, definition)).status_code == 200
    assert await table.add({"a": "y"}) == [{"number": 2, "a": "y"}]
    assert (await table.get("/1")).json()["data"] == {"number": 1, "a": "x"}


async def test_tables_that_are_referred_to(workbench: Workbench) -> None:
    parent = await make(workbench, schema(field("code", unique=True), field("b")), {"code": "x"})
    child = await make(
        workbench,
        schema(field("parent"), foreignKeys=[refer("parent", parent.name, theirs="code")]),
        {"parent": "x"},
    )
    for definition, reason in (
        (schema(field("b")), "which does not exist"),
        (schema(field("code"), field("b")), "neither its key nor unique"),
        (schema(field("code", "integer", unique=True), field("b")), "the types must be equal"),
        (schema(renamed("code", "sku", unique=True), field("b")), "which does not exist"),
        (
            schema(renamed("code", "sku", unique=True), field("code", unique=True), field("b")),
            "cannot be renamed",
        ),
    ):
        refused = await change(workbench, parent, definition, allow_data_loss="true")
        assert refused.status_code == 400
        assert reason in refused.json()["json_schema"][0], refused.text
    assert (
        await change(workbench, parent, schema(field("code", unique=True)), allow_data_loss="1")
    ).status_code == 200
    assert await child.rows() == [{"id": 1, "parent": "x"}]
