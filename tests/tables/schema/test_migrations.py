"""Schema changes of tables with records: what they do, what they refuse, what stays (contract section 9)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from penstock.tables.settings import TablesSettings
from tests.tables.schema.physical import physical, place_of
from tests.tables.workbench import APP, ID, Records, Workbench

pytestmark = pytest.mark.anyio
BASE = f"/api/apps/{APP}/datatables"
Json = dict[str, Any]


def field(name: str, kind: str = "string", **more: Any) -> Json:
    default = {"default": more.pop("default")} if "default" in more else {}
    extra = {key: more.pop(key) for key in ("format", "of", "x-rename-from", "title") if key in more}
    return {"name": name, "type": kind, **default, **extra, **({"constraints": more} if more else {})}


def renamed(since: str, name: str, kind: str = "string", **more: Any) -> Json:
    return field(name, kind, **{"x-rename-from": since}, **more)


def schema(*fields: Json, **more: Any) -> Json:
    return {"fields": [ID, *fields], "primaryKey": ["id"], **more}


async def make(workbench: Workbench, definition: Json, *rows: Json) -> Records:
    fields = definition["fields"]
    table = await workbench.table(
        *fields, **{key: value for key, value in definition.items() if key != "fields"}
    )
    await table.rows()
    if rows:
        await table.add(*rows)
    return table


async def change(workbench: Workbench, table: Records, definition: Json, **params: Any) -> Any:
    return await workbench.client.patch(
        f"{BASE}/{table.name}", json={"json_schema": definition}, params=params
    )


async def history(workbench: Workbench, table: Records, **params: Any) -> list[Json]:
    answer = await workbench.client.get(f"{BASE}/{table.name}/operation-history", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def roll_back(workbench: Workbench, table: Records, operation: int) -> Any:
    return await workbench.client.post(f"{BASE}/{table.name}/rollback/", json={"revision_id": operation})


def refer(own: str, resource: str = "", action: str = "RESTRICT", theirs: str = "id") -> Json:
    reference = {"resource": resource, "fields": theirs}
    return {"fields": own, "reference": reference, "x-actions": {"onDelete": action}}


# Each: the schema before, its rows, the schema after, the rows after (None: refused by the rows even with consent),
# and what needs consent.
CASES: dict[str, tuple[Json, list[Json], Json, list[Json] | None, str | None]] = {
    "add nullable": (schema(), [{}], schema(field("a")), [{"a": None}], None),
    "add with default": (schema(), [{}], schema(field("a", default="x")), [{"a": "x"}], None),
    "add required with default": (
        schema(),
        [{}],
        schema(field("a", "integer", default=3, required=True, minimum=1)),
        [{"a": 3}],
        None,
    ),
    "add required to no rows": (schema(), [], schema(field("a", required=True)), [], None),
    "add required to rows": (
        schema(),
        [{}],
        schema(field("a", required=True)),
        None,
        "add required column 'a' without a default to a table with rows",
    ),
    "add json default": (
        schema(),
        [{}],
        schema(field("a", "object", default={"b": [1]})),
        [{"a": {"b": [1]}}],
        None,
    ),
    "add unique with default": (schema(), [{}, {}], schema(field("a", default="x", unique=True)), None, None),
    "drop": (
        schema(field("a"), field("b")),
        [{"a": "1", "b": "2"}],
        schema(field("b")),
        [{"b": "2"}],
        "drop column 'a'",
    ),
    "drop with constraints": (
        schema(field("a", required=True, unique=True, maxLength=9, pattern="[a-z]+", default="q")),
        [{"a": "x"}],
        schema(),
        [{}],
        "drop column 'a'",
    ),
    "rename": (
        schema(field("a", required=True, unique=True, maxLength=9, pattern="[a-z]+", enum=["x", "y"])),
        [{"a": "x"}],
        schema(renamed("a", "b", required=True, unique=True, maxLength=9, pattern="[a-z]+", enum=["x", "y"])),
        [{"b": "x"}],
        None,
    ),
    "rename in a chain": (
        schema(field("a", maxLength=5), field("b", unique=True)),
        [{"a": "1", "b": "2"}],
        schema(renamed("a", "b", maxLength=5), renamed("b", "c", unique=True)),
        [{"b": "1", "c": "2"}],
        None,
    ),
    "rename and take the name again": (
        schema(field("a")),
        [{"a": "1"}],
        schema(renamed("a", "b"), field("a", "integer")),
        [{"b": "1", "a": None}],
        None,
    ),
    "rename without a hint": (
        schema(field("a")),
        [{"a": "1"}],
        schema(field("b")),
        [{"b": None}],
        "drop column 'a'",
    ),
    "rename and change all else": (
        schema(field("a", "integer", minimum=1, default=5), indexes=[{"name": "i", "fields": ["a"]}]),
        [{"a": 7}],
        schema(
            renamed("a", "b", "number", minimum=2, maximum=9, required=True, unique=True, default=2.5),
            indexes=[{"name": "i", "fields": ["b"], "where": "b > 2"}],
        ),
        [{"b": 7}],
        None,
    ),
    "integer to number": (
        schema(field("a", "integer", minimum=0)),
        [{"a": 2**62}],
        schema(field("a", "number", minimum=0)),
        [{"a": 2**62}],
        None,
    ),
    "year to integer": (
        schema(field("a", "year")),
        [{"a": 1999}],
        schema(field("a", "integer")),
        [{"a": 1999}],
        None,
    ),
    "date to datetime": (
        schema(field("a", "date", minimum="2000-01-01")),
        [{"a": "2024-02-29"}],
        schema(field("a", "datetime", minimum="2000-01-01T00:00:00Z")),
        [{"a": "2024-02-29T00:00:00Z"}],
        None,
    ),
    "datetime to text": (
        schema(field("a", "datetime")),
        [{"a": "2024-02-29T01:02:03.5Z"}],
        schema(field("a")),
        [{"a": "2024-02-29T01:02:03.5Z"}],
        None,
    ),
    "object to text": (
        schema(field("a", "object")),
        [{"a": {"b": 1}}],
        schema(field("a")),
        [{"a": '{"b": 1}'}],
        None,
    ),
    "boolean to text": (
        schema(field("a", "boolean")),
        [{"a": True}],
        schema(field("a")),
        [{"a": "true"}],
        None,
    ),
    "text to any": (schema(field("a")), [{"a": "1"}], schema(field("a", "any")), [{"a": "1"}], None),
    "date to any": (
        schema(field("a", "date")),
        [{"a": "2024-01-01"}],
        schema(field("a", "any")),
        [{"a": "2024-01-01"}],
        None,
    ),
    "range of integer to range of number": (
        schema(field("a", "range", of="integer")),
        [{"a": {"lower": 1, "upper": 5}}],
        schema(field("a", "range", of="number")),
        [{"a": {"lower": 1, "upper": 5, "bounds": "[)", "empty": False}}],
        None,
    ),
    "text to integer": (
        schema(field("a", maxLength=9)),
        [{"a": "12"}, {"a": None}],
        schema(field("a", "integer")),
        [{"a": 12}, {"a": None}],
        "change type of 'a' from string to integer",
    ),
    "text that is no integer": (
        schema(field("a")),
        [{"a": "12"}, {"a": "twelve"}],
        schema(field("a", "integer")),
        None,
        "change type of 'a' from string to integer",
    ),
    "text that is no number of JSON": (
        schema(field("a")),
        [{"a": "NaN"}],
        schema(field("a", "number")),
        None,
        "change type of 'a' from string to number",
    ),
    "text that is no moment of the calendar": (
        schema(field("a")),
        [{"a": "infinity"}],
        schema(field("a", "datetime")),
        None,
        "change type of 'a' from string to datetime",
    ),
    "number to integer": (
        schema(field("a", "number")),
        [{"a": 2.0}],
        schema(field("a", "integer")),
        [{"a": 2}],
        "change type of 'a' from number to integer",
    ),
    "number with a fraction": (
        schema(field("a", "number")),
        [{"a": 2.5}],
        schema(field("a", "integer")),
        None,
        "change type of 'a' from number to integer",
    ),
    "integer to year": (
        schema(field("a", "integer")),
        [{"a": 10_000}],
        schema(field("a", "year")),
        None,
        "change type of 'a' from integer to year",
    ),
    "datetime to date": (
        schema(field("a", "datetime", unique=True), indexes=[{"name": "i", "fields": ["a"]}]),
        [{"a": "2024-02-29T23:59:00Z"}],
        schema(field("a", "date", unique=True), indexes=[{"name": "i", "fields": ["a"]}]),
        [{"a": "2024-02-29"}],
        "change type of 'a' from datetime to date",
    ),
    "datetime to date that repeats": (
        schema(field("a", "datetime", unique=True)),
        [{"a": "2024-02-29T23:59:00Z"}, {"a": "2024-02-29T23:59:01Z"}],
        schema(field("a", "date", unique=True)),
        None,
        "change type of 'a' from datetime to date",
    ),
    "any to object": (
        schema(field("a", "any")),
        [{"a": {"b": 1}}],
        schema(field("a", "object")),
        [{"a": {"b": 1}}],
        "change type of 'a' from any to object",
    ),
    "any that is no object": (
        schema(field("a", "any")),
        [{"a": [1]}],
        schema(field("a", "object")),
        None,
        "change type of 'a' from any to object",
    ),
    "text to month": (
        schema(field("a")),
        [{"a": "2024-13"}],
        schema(field("a", "yearmonth")),
        None,
        "change type of 'a' from string to yearmonth",
    ),
    "text to uuid": (
        schema(field("a")),
        [{"a": "123e4567-e89b-12d3-a456-426614174000"}],
        schema(field("a", format="uuid")),
        [{"a": "123e4567-e89b-12d3-a456-426614174000"}],
        "change type of 'a' from string to uuid",
    ),
    "require": (schema(field("a")), [{"a": "x"}], schema(field("a", required=True)), [{"a": "x"}], None),
    "require what is not there": (schema(field("a")), [{}], schema(field("a", required=True)), None, None),
    "make optional": (
        schema(field("a", required=True)),
        [{"a": "x"}],
        schema(field("a")),
        [{"a": "x"}],
        None,
    ),
    "change default": (
        schema(field("a", default="x")),
        [{}],
        schema(field("a", default="y")),
        [{"a": "x"}],
        None,
    ),
    "drop default": (schema(field("a", default="x")), [{}], schema(field("a")), [{"a": "x"}], None),
    "add minimum": (
        schema(field("a", "integer")),
        [{"a": 5}],
        schema(field("a", "integer", minimum=5)),
        [{"a": 5}],
        None,
    ),
    "add minimum that rows break": (
        schema(field("a", "integer")),
        [{"a": 4}],
        schema(field("a", "integer", minimum=5)),
        None,
        None,
    ),
    "move bounds": (
        schema(field("a", "integer", minimum=1, maximum=9)),
        [{"a": 5}],
        schema(field("a", "integer", minimum=2, maximum=8)),
        [{"a": 5}],
        None,
    ),
    "drop bounds": (
        schema(field("a", "integer", minimum=1, maximum=9)),
        [{"a": 5}],
        schema(field("a", "integer")),
        [{"a": 5}],
        None,
    ),
    "change enum": (
        schema(field("a", enum=["x"])),
        [{"a": "x"}],
        schema(field("a", enum=["x", "y"])),
        [{"a": "x"}],
        None,
    ),
    "change enum under rows": (
        schema(field("a", enum=["x"])),
        [{"a": "x"}],
        schema(field("a", enum=["y"])),
        None,
        None,
    ),
    "add pattern": (
        schema(field("a")),
        [{"a": "x1"}],
        schema(field("a", pattern="[a-z]")),
        None,
        None,
    ),
    "widen text": (
        schema(field("a", maxLength=3)),
        [{"a": "abc"}],
        schema(field("a", maxLength=300)),
        [{"a": "abc"}],
        None,
    ),
    "narrow text": (
        schema(field("a", maxLength=5)),
        [{"a": "abc"}],
        schema(field("a", maxLength=3)),
        [{"a": "abc"}],
        "narrow 'a' to maxLength 3",
    ),
    "narrow text that is longer": (
        schema(field("a")),
        [{"a": "abcd"}],
        schema(field("a", maxLength=3)),
        None,
        "narrow 'a' to maxLength 3",
    ),
    "add unique": (
        schema(field("a")),
        [{"a": "x"}, {}, {}],
        schema(field("a", unique=True)),
        [{"a": "x"}, {"a": None}, {"a": None}],
        None,
    ),
    "add unique to what repeats": (
        schema(field("a")),
        [{"a": "x"}, {"a": "x"}],
        schema(field("a", unique=True)),
        None,
        None,
    ),
    "drop unique": (schema(field("a", unique=True)), [{"a": "x"}], schema(field("a")), [{"a": "x"}], None),
    "add index": (
        schema(field("a")),
        [{"a": "x"}],
        schema(field("a"), indexes=[{"name": "i", "expression": "lower(a)"}]),
        [{"a": "x"}],
        None,
    ),
    "change index": (
        schema(field("a"), field("b"), indexes=[{"name": "i", "fields": ["a"]}]),
        [{"a": "x", "b": "y"}],
        schema(field("a"), field("b"), indexes=[{"name": "i", "fields": ["a", "b"], "unique": True}]),
        [{"a": "x", "b": "y"}],
        None,
    ),
    "drop index": (
        schema(field("a"), indexes=[{"name": "i", "fields": ["a"]}]),
        [{"a": "x"}],
        schema(field("a")),
        [{"a": "x"}],
        None,
    ),
    "rename under an expression": (
        schema(field("a"), indexes=[{"name": "i", "expression": "lower(a)", "where": "a > 'b'"}]),
        [{"a": "x"}],
        schema(renamed("a", "b"), indexes=[{"name": "i", "expression": "lower(b)", "where": "b > 'b'"}]),
        [{"b": "x"}],
        None,
    ),
    "retype under an index": (
        schema(field("a", "integer"), indexes=[{"name": "i", "fields": ["a"], "where": "a > 1"}]),
        [{"a": 4}],
        schema(field("a", "number"), indexes=[{"name": "i", "fields": ["a"], "where": "a > 1"}]),
        [{"a": 4}],
        None,
    ),
    "add search": (
        schema(field("a")),
        [{"a": "x"}],
        schema(field("a"), search_fields=["a"]),
        [{"a": "x"}],
        None,
    ),
    "change search": (
        schema(field("a"), field("b"), search_fields=["a"]),
        [{"a": "x", "b": "y"}],
        schema(
            field("a"),
            field("b"),
            search_fields=["a", {"field": "b", "weight": "A"}],
            search_language="german",
        ),
        [{"a": "x", "b": "y"}],
        None,
    ),
    "drop search": (
        schema(field("a"), search_fields=["a"]),
        [{"a": "x"}],
        schema(field("a")),
        [{"a": "x"}],
        None,
    ),
    "rename under search": (
        schema(field("a"), search_fields=["a"]),
        [{"a": "x"}],
        schema(renamed("a", "b"), search_fields=["b"]),
        [{"b": "x"}],
        None,
    ),
    "drop a field that is searched": (
        schema(field("a"), field("b"), search_fields=["a", "b"]),
        [{"a": "x", "b": "y"}],
        schema(field("b"), search_fields=["b"]),
        [{"b": "y"}],
        "drop column 'a'",
    ),
    "add managed columns": (
        schema(),
        [{}],
        schema(field("created_at", "datetime"), field("is_deleted", "boolean")),
        [{"created_at": None, "is_deleted": False}],
        None,
    ),
    "a managed column becomes an ordinary one": (
        schema(field("updated_at", "datetime", minimum="2000-01-01T00:00:00Z")),
        [{"updated_at": "2024-01-01T00:00:00Z"}],
        schema(renamed("updated_at", "seen", "datetime", minimum="2000-01-01T00:00:00Z")),
        [{"seen": "2024-01-01T00:00:00Z"}],
        None,
    ),
    "describe": (
        schema(field("a")),
        [{"a": "x"}],
        schema(field("a", title="An a"), title="Things"),
        [{"a": "x"}],
        None,
    ),
    "another order": (
        schema(field("a"), field("b")),
        [{"a": "x", "b": "y"}],
        schema(field("b"), field("a")),
        [{"a": "x", "b": "y"}],
        None,
    ),
    "refer to itself": (
        schema(field("up", "integer")),
        [{"id": 1}, {"id": 2, "up": 1}],
        schema(field("up", "integer"), foreignKeys=[refer("up")]),
        [{"up": None}, {"up": 1}],
        None,
    ),
    "refer to nothing": (
        schema(field("up", "integer")),
        [{"id": 1}, {"id": 2, "up": 3}],
        schema(field("up", "integer"), foreignKeys=[refer("up")]),
        None,
        None,
    ),
    "rename under a foreign key": (
        schema(field("up", "integer"), foreignKeys=[refer("up")]),
        [{"id": 1}, {"id": 2, "up": 1}],
        schema(
            renamed("up", "parent", "integer"),
            foreignKeys=[refer("parent", action="CASCADE")],
        ),
        [{"parent": None}, {"parent": 1}],
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_changes(workbench: Workbench, name: str) -> None:
    before, rows, after, expected, needs = CASES[name]
    table = await make(workbench, before, *rows)
    stored = await table.rows(ordering="id")
    definition = await workbench.details(table)
    shape = await physical(workbench, table)
    if needs is not None:
        refused = await change(workbench, table, after)
        assert refused.status_code == 400
        sentence = f"Destructive change: {needs} requires allow_data_loss"
        assert refused.json()["json_schema"] == [sentence]
        assert len(await history(workbench, table)) == 1
    plan = await change(workbench, table, after, dry_run="true")
    done = await change(workbench, table, after, allow_data_loss="true")
    if expected is None:
        assert (done.status_code, plan.status_code) == (400, 400), done.text
        assert done.json()["json_schema"][0].endswith("Nothing was changed.")
        assert plan.json()["json_schema"] == done.json()["json_schema"]
        assert await table.rows(ordering="id") == stored
        assert await workbench.details(table) == definition
        assert await physical(workbench, table) == shape
        assert [one["status"] for one in await history(workbench, table)] == ["failed", "success"]
        return
    assert (done.status_code, plan.status_code) == (200, 200), done.text
    assert plan.json()["destructive"] is (needs is not None)
    ids = [row["id"] for row in stored]
    assert await table.rows(ordering="id") == [
        {"id": one, **row} for one, row in zip(ids, expected, strict=True)
    ]
    fresh = await make(workbench, after)
    assert await physical(workbench, table) == await physical(workbench, fresh)
    steps = await history(workbench, table, page_size=100)
    assert [one["sql"] for one in plan.json()["steps"]] == [one["sql"] for one in reversed(steps[:-1])]
    if len(steps) == 1:
        return
    back = await roll_back(workbench, table, steps[0]["id"])
    assert back.status_code == 200, back.text
    restored = back.json()
    assert (restored["json_schema"], restored["schema_hash"]) == (before, definition["schema_hash"])
    assert await physical(workbench, table) == shape
    again = await roll_back(workbench, table, steps[0]["id"])
    assert again.status_code == 409
    assert {one["status"] for one in (await history(workbench, table, page_size=100))[:-1]} == {"rolled_back"}


async def add_phone(workbench: Workbench) -> Records:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    done = await change(workbench, table, schema(field("a"), field("phone")))
    assert done.status_code == 200, done.text
    return table


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


async def test_a_package_changes_tables_together(workbench: Workbench) -> None:
    parent = await make(workbench, schema(field("code", unique=True)), {"code": "1"})
    child = await make(
        workbench,
        schema(field("parent"), foreignKeys=[refer("parent", parent.name, theirs="code")]),
        {"parent": "1"},
    )
    added = f"{parent.name}_new"
    package = {
        "resources": [
            {
                "name": parent.name,
                "schema": schema(
                    renamed("code", "number", "integer", unique=True),
                    field("new", "integer"),
                    foreignKeys=[refer("new", added)],
                ),
            },
            {
                "name": child.name,
                "schema": schema(
                    field("parent", "integer"), foreignKeys=[refer("parent", parent.name, theirs="number")]
                ),
            },
            {
                "name": added,
                "schema": schema(field("parent", "integer"), foreignKeys=[refer("parent", parent.name)]),
            },
        ]
    }
    path = f"{BASE}/create_schema"
    refused = await workbench.client.post(path, json=package)
    assert refused.status_code == 400
    assert set(refused.json()["errors"]) == {parent.name, child.name}
    plan = await workbench.client.post(f"{path}?dry_run=true", json=package)
    assert plan.status_code == 200, plan.text
    assert plan.json()["destructive"] is True
    assert plan.json()["rows"] == {parent.name: 1, child.name: 1}
    kinds = [(one["table"], one["kind"]) for one in plan.json()["changes"]]
    assert (child.name, "drop_foreign_key") in kinds
    assert (parent.name, "change_type") in kinds
    done = await workbench.client.post(f"{path}?allow_data_loss=true", json=package)
    assert done.status_code == 200, done.text
    assert (done.json()["created_count"], done.json()["updated_count"]) == (1, 2)
    assert await parent.rows() == [{"id": 1, "number": 1, "new": None}]
    assert await child.rows() == [{"id": 1, "parent": 1}]
    assert (await child.post({"parent": 2})).status_code == 400
    again = await workbench.client.post(path, json=package)
    assert again.json()["unchanged_count"] == 3


async def test_a_package_that_rows_refuse(workbench: Workbench) -> None:
    good = await make(workbench, schema(field("a")), {"a": "x"})
    bad = await make(workbench, schema(field("a")), {"a": "x"})
    package = {
        "resources": [
            {"name": good.name, "schema": schema(field("a"), field("b"))},
            {"name": bad.name, "schema": schema(field("a", minLength=2))},
        ]
    }
    refused = await workbench.client.post(f"{BASE}/create_schema", json=package)
    assert refused.status_code == 400
    assert refused.json()["errors"] == {
        bad.name: ["Add minLength of 'a': 1 row does not fit. Nothing was changed."]
    }
    assert [one["status"] for one in await history(workbench, bad)] == ["failed", "success"]
    assert len(await history(workbench, good)) == 1
    assert await good.rows() == [{"id": 1, "a": "x"}]


class TestRollback:
    """Section 9.3."""

    async def test_a_revision_is_all_steps_of_a_change(self, workbench: Workbench) -> None:
        table = await make(workbench, schema(field("a"), field("b")), {"a": "x", "b": "y"})
        before = await physical(workbench, table)
        definition = schema(renamed("a", "c", unique=True, required=True), field("d", default="z"))
        assert (await change(workbench, table, definition, allow_data_loss="true")).status_code == 200
        steps = await history(workbench, table)
        assert len({one["revision"] for one in steps[:-1]}) == 1
        undone = await roll_back(workbench, table, steps[2]["id"])
        assert undone.status_code == 200, undone.text
        assert undone.json()["field_names"] == ["id", "a", "b"]
        assert await table.rows() == [{"id": 1, "a": "x", "b": None}]
        assert await physical(workbench, table) == before
        # The field that was renamed is the same field again.
        assert (await change(workbench, table, definition, allow_data_loss="true")).status_code == 200
        assert await table.rows() == [{"id": 1, "c": "x", "d": "z"}]

    async def test_one_after_the_other(self, workbench: Workbench) -> None:
        table = await make(workbench, schema())
        for count in range(1, 4):
            fields = [field(f"f{n}") for n in range(count)]
            assert (await change(workbench, table, schema(*fields))).status_code == 200
        third, second, first, made = [one["id"] for one in await history(workbench, table)]
        for early in (first, second):
            refused = await roll_back(workbench, table, early)
            assert refused.status_code == 409
            assert "newest" in refused.json()["detail"]
        for newest in (third, second, first):
            assert (await roll_back(workbench, table, newest)).status_code == 200
            assert (await roll_back(workbench, table, newest)).status_code == 409
        refused = await roll_back(workbench, table, made)
        assert refused.status_code == 409
        assert "delete the table" in refused.json()["detail"]
        assert (await workbench.details(table))["field_names"] == ["id"]

    async def test_what_is_not_there(self, workbench: Workbench) -> None:
        table, other = await add_phone(workbench), await add_phone(workbench)
        foreign = (await history(workbench, other))[0]["id"]
        assert (await roll_back(workbench, table, foreign)).status_code == 404
        assert (await roll_back(workbench, table, 2**62)).status_code == 404
        for body in ({}, {"revision_id": "x"}, {"revision_id": 0}, {"revision_id": 2**63}, [], {"id": 1}):
            path = f"{BASE}/{table.name}/rollback"
            assert (await workbench.client.post(path, json=body)).status_code == 400, body

    async def test_rows_written_since_may_be_in_the_way(self, workbench: Workbench) -> None:
        table = await make(workbench, schema(field("a", required=True)), {"a": "x"})
        assert (await change(workbench, table, schema(field("a")))).status_code == 200
        await table.add({"a": None})
        newest = (await history(workbench, table))[0]["id"]
        definition = await workbench.details(table)
        refused = await roll_back(workbench, table, newest)
        assert refused.status_code == 400
        assert refused.json()["json_schema"] == [
            "Roll back 'Make 'a' optional': rows have no value for it. Nothing was changed."
        ]
        assert await workbench.details(table) == definition
        assert [one["status"] for one in await history(workbench, table)] == ["failed", "success", "success"]
        assert (
            await roll_back(workbench, table, (await history(workbench, table))[0]["id"])
        ).status_code == 409
        await table.delete("/2")
        assert (await roll_back(workbench, table, newest)).status_code == 200

    async def test_a_dry_run(self, workbench: Workbench) -> None:
        table = await add_phone(workbench)
        newest = (await history(workbench, table))[0]
        plan = await workbench.client.post(
            f"{BASE}/{table.name}/rollback?dry_run=true", json={"revision_id": newest["id"]}
        )
        assert [one["sql"] for one in plan.json()["steps"]] == [newest["rollback_sql"]]
        assert (await history(workbench, table))[0]["status"] == "success"


async def test_a_table_that_is_busy(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    sections = workbench.ctx.sections
    usual = sections[TablesSettings]
    sections[TablesSettings] = replace(usual, schema_lock_timeout=0.05, schema_lock_patience=0.3)
    place = await place_of(workbench, table)
    try:
        async with workbench.ctx.db.control.transaction() as conn:
            await conn.execute(f"LOCK TABLE {place.sql} IN ACCESS SHARE MODE")
            refused = await change(workbench, table, schema(field("a"), field("b")))
    finally:
        sections[TablesSettings] = usual
    assert refused.status_code == 409
    assert "too busy" in refused.json()["detail"]
    assert [one["status"] for one in await history(workbench, table)] == ["failed", "success"]
    assert (await change(workbench, table, schema(field("a"), field("b")))).status_code == 200


async def test_a_lock_that_comes_free(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    place = await place_of(workbench, table)
    async with workbench.ctx.db.control.transaction() as conn:
        await conn.execute(f"LOCK TABLE {place.sql} IN ACCESS SHARE MODE")
        waiting = asyncio.create_task(change(workbench, table, schema(field("a"), field("b"))))
        await asyncio.sleep(0.7)
        # Nobody queues behind the change for longer than one attempt.
        started = time.monotonic()
        assert await table.total() == 1
        assert time.monotonic() - started < 1
    assert (await waiting).status_code == 200


async def test_readers_and_writers_meanwhile(workbench: Workbench) -> None:
    """Requests under way while columns come, go and change never fail."""
    table = await make(workbench, schema(field("a", "integer")), *({"a": n} for n in range(200)))
    stopped = asyncio.Event()
    answers: list[Any] = []

    async def read() -> None:
        while not stopped.is_set():
            answers.append(await table.get(page_size=50, ordering="-id"))
            answers.append(await table.get("/7"))

    async def write() -> None:
        while not stopped.is_set():
            answers.append(await table.post({}))
            answers.append(await table.patch({}, "/8"))
            answers.append(await table.patch([{"id": 9}, {"id": 10}]))

    clients = [asyncio.create_task(work()) for work in (read, read, write, write)]
    definitions = [
        schema(field("a", "integer"), field("b", default="x")),
        schema(field("a", "number"), field("b", default="x", maxLength=5)),
        schema(field("a", "number"), renamed("b", "c", default="y")),
        schema(field("a"), field("c", default="y", required=True)),
        schema(field("c", default="y", required=True), search_fields=["c"]),
        schema(field("a", "integer")),
    ]
    for definition in definitions * 2:
        done = await change(workbench, table, definition, allow_data_loss="true")
        assert done.status_code == 200, done.text
        await asyncio.sleep(0.05)
    stopped.set()
    await asyncio.gather(*clients)
    assert len(answers) > 50
    assert {one.status_code for one in answers} <= {200, 201}, next(
        one.text for one in answers if one.status_code >= 400
    )
