"""Definitions become tables: when, in which order, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.tables.workbench import ID, Records, Workbench

pytestmark = pytest.mark.anyio

APP = "/api/apps/bench"


def key(resource: str, own: Any = "ref", theirs: Any = "id", **more: Any) -> dict[str, Any]:
    return {"fields": own, "reference": {"resource": resource, "fields": theirs}, **more}


async def define(workbench: Workbench, name: str, *fields: dict[str, Any], **schema: Any) -> Records:
    answer = await workbench.define({"fields": [ID, *fields], "primaryKey": ["id"], **schema}, name)
    assert answer.status_code == 201, answer.text
    return Records(workbench.client, name)


async def made(workbench: Workbench, *tables: Records) -> list[bool]:
    return [(await workbench.details(table))["is_materialized"] for table in tables]


async def materialize(workbench: Workbench, table: Records) -> Any:
    return await workbench.client.post(f"{APP}/datatables/{table.name}/materialize")


REF = {"name": "ref", "type": "integer"}


async def test_targets_come_first(workbench: Workbench) -> None:
    top = await define(workbench, "top_c", REF, foreignKeys=[key("middle_b")])
    middle = await define(workbench, "middle_b", REF, foreignKeys=[key("bottom_a")])
    bottom = await define(workbench, "bottom_a")
    apart = await define(workbench, "apart_z")
    assert await made(workbench, top, middle, bottom, apart) == [False] * 4
    assert await top.rows() == []
    assert await made(workbench, top, middle, bottom, apart) == [True, True, True, False]
    assert (await top.post({"ref": 1})).status_code == 400


async def test_cycles(workbench: Workbench) -> None:
    one = await define(workbench, "cycle_one", REF, foreignKeys=[key("cycle_two")])
    two = await define(workbench, "cycle_two", REF, foreignKeys=[key("cycle_one")])
    assert (await materialize(workbench, one)).status_code == 200
    assert await made(workbench, one, two) == [True, True]
    await one.add({"id": 1})
    await two.add({"id": 1, "ref": 1})
    assert (await one.patch({"ref": 1}, "/1")).status_code == 200
    assert (await one.delete("/1")).status_code == 409


async def test_composite_and_unique_targets(workbench: Workbench) -> None:
    parent = await workbench.table(
        {"name": "a", "type": "string"},
        {"name": "b", "type": "date"},
        {"name": "code", "type": "uuid", "constraints": {"unique": True}},
        primaryKey=["a", "b"],
        name="composite_parent",
    )
    child = await workbench.table(
        {"name": "x", "type": "string"},
        {"name": "y", "type": "date"},
        {"name": "z", "type": "uuid"},
        foreignKeys=[key(parent.name, ["x", "y"], ["a", "b"]), key(parent.name, "z", "code")],
    )
    code = "123e4567-e89b-12d3-a456-426614174000"
    await parent.add({"a": "k", "b": "2024-01-01", "code": code})
    await child.add({"x": "k", "y": "2024-01-01", "z": code}, {"x": "nothing", "y": None})
    refused = await child.post({"x": "k", "y": "2024-01-02"})
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"x", "y"})


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (key("nowhere"), "refers to the table 'nowhere', which this app does not have"),
        (key("target_t", theirs="nothing"), "'target_t.nothing', which does not exist"),
        (key("target_t", theirs="plain"), "which is neither its key nor unique"),
        (key("target_t", own="text"), "the types must be equal"),
        (key("auth_user"), "'auth_user' are not supported yet"),
        (key("storage_objects"), "'storage_objects' are not supported yet"),
    ],
)
async def test_foreign_keys_that_do_not_fit(workbench: Workbench, reference: Any, words: str) -> None:
    if (await workbench.client.get(f"{APP}/datatables/target_t")).status_code == 404:
        await define(workbench, "target_t", {"name": "plain", "type": "integer"})
    table = await workbench.table(REF, {"name": "text", "type": "string"}, foreignKeys=[reference])
    for answer in (await materialize(workbench, table), await table.get(), await table.post({})):
        assert answer.status_code == 400
        assert words in answer.json()["json_schema"][0]
    assert await made(workbench, table) == [False]


async def test_in_three_ways(workbench: Workbench) -> None:
    lazy = await define(workbench, "lazy_l")
    assert await made(workbench, lazy) == [False]
    await lazy.add({})
    assert await made(workbench, lazy) == [True]
    explicit = await define(workbench, "explicit_e")
    answer = await materialize(workbench, explicit)
    assert (answer.status_code, answer.json()["is_materialized"]) == (200, True)
    assert (await materialize(workbench, explicit)).status_code == 200
    body = {"name": "at_once", "json_schema": {"fields": [ID], "primaryKey": ["id"]}}
    created = await workbench.client.post(f"{APP}/datasources/main/datatables?materialize=true", json=body)
    assert (created.status_code, created.json()["is_materialized"]) == (201, True)
    history = (await workbench.client.get(f"{APP}/datatables/at_once/operation-history")).json()["data"]
    assert [one["operation_type"] for one in history] == ["CREATE"]


async def test_first_requests_at_once(workbench: Workbench) -> None:
    table = await define(workbench, "rushed_r", {"name": "n", "type": "integer"})
    answers = await asyncio.gather(
        *(table.post({"n": n}) for n in range(10)), *(table.get() for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200, 201}
    assert await table.total() == 10
    history = (await workbench.client.get(f"{APP}/datatables/rushed_r/operation-history")).json()
    assert history["total"] == 1


async def test_a_dry_run_makes_nothing(workbench: Workbench) -> None:
    body = {
        "name": "rehearsed",
        "json_schema": {"fields": [ID, {"name": "a"}], "primaryKey": ["id"], "search_fields": ["a"]},
    }
    answer = await workbench.client.post(f"{APP}/datasources/main/datatables?dry_run=true", json=body)
    assert answer.status_code == 200, answer.text
    steps = answer.json()["steps"]
    assert [step["operation_type"] for step in steps] == ["CREATE", "INDEX"]
    assert all(
        step["sql"].startswith("CREATE ") and step["rollback_sql"].startswith("DROP ") for step in steps
    )
    assert (await workbench.client.get(f"{APP}/datatables/rehearsed")).status_code == 404


async def test_hostile_names_are_only_names(workbench: Workbench) -> None:
    names = [
        "select",
        "user",
        "ID",
        "id2",
        "a$b",
        "a-b",
        "two words",
        "ÄÖ",
        "п",
        "日本",
        "x" * 63,
        "ns_",
        "r",
        "t",
        "x",
        "e",
        "done",
    ]
    rows = await workbench.table(
        *(
            {"name": name, "type": "string", "constraints": {"unique": True, "maxLength": 5}}
            for name in names
        ),
        indexes=[{"name": "select", "fields": ["select", "two words"]}],
    )
    row = {name: str(n) for n, name in enumerate(names)}
    assert await rows.add(row) == [{"id": 1, **row}]
    assert (await rows.patch(dict.fromkeys(names, "z"), "/1")).status_code == 200
    for name in names:
        assert await rows.ids(**{f"{name}__eq": "z", "ordering": f"-{name}", "fields": name}) == [1]
        assert (await rows.post({name: "z"})).json()["code"] == "CONFLICT"
        assert (
            await rows.post({name: "z"}, f"/upsert?unique_fields={name.replace(' ', '%20')}")
        ).status_code == 200


async def test_a_wide_table(workbench: Workbench) -> None:
    fields = [{"name": f"f{n}", "type": "integer"} for n in range(499)]
    table = await workbench.table(*fields)
    await table.add({"f0": 1, "f498": 2})
    (row,) = await table.rows(f498="2", ordering="f0,-f1")
    assert len(row) == 500
    assert (await workbench.refused(ID, *fields, {"name": "more"})).startswith(
        "a table has at most 500 fields"
    )
