"""Schema changes of tables of documents: the same cases as of ordinary tables, small and large."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from penstock.tables.settings import TablesSettings
from tests.databases import TestDatabase
from tests.tables.schema.cases import CASES
from tests.tables.schema.changing import change, field, history, make, refer, renamed, roll_back, schema
from tests.tables.schema.test_large import finished, working
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio


@contextmanager
def small_rows(workbench: Workbench, rows: int) -> Iterator[None]:
    sections = workbench.ctx.sections
    usual = sections[TablesSettings]
    sections[TablesSettings] = replace(usual, schema_small_rows=rows)
    yield
    sections[TablesSettings] = usual


def without_keys(texts: list[str]) -> list[str]:
    """Statements without the keys that new members are given at random, and what depends on them."""
    return [re.sub(r"#\w{6}\b|document \w+|statistics_\w{8}", "#", text) for text in texts]


@pytest.mark.parametrize("rows", [100_000, 0], ids=["small", "large"])
@pytest.mark.parametrize("name", CASES)
async def test_changes(workbench: Workbench, module_database: TestDatabase, name: str, rows: int) -> None:
    before, stored_rows, after, expected, needs = CASES[name]
    table = await make(workbench, before, *stored_rows)
    stored = await table.rows(ordering="id")
    definition = await workbench.details(table)
    with small_rows(workbench, rows):
        if needs is not None:
            refused = await change(workbench, table, after)
            sentence = f"Destructive change: {needs} requires allow_data_loss"
            assert refused.json()["json_schema"] == [sentence]
        async with working(module_database):
            plan = await change(workbench, table, after, dry_run="true")
            done = await change(workbench, table, after, allow_data_loss="true")
            steps = await finished(workbench, table)
            if expected is None:
                if done.status_code == 400:
                    assert rows == 0 or plan.json()["json_schema"] == done.json()["json_schema"]
                    assert [one["status"] for one in steps] == ["failed", "success"]
                else:
                    # Rows that were not there when it was looked for those in the way.
                    assert name == "add unique with default"
                    assert [one["status"] for one in steps] == ["success", "failed", "success"]
                    assert (await roll_back(workbench, table, steps[1]["id"])).status_code == 200
                assert (await workbench.details(table))["json_schema"] == definition["json_schema"]
                assert await table.rows(ordering="id") == stored
                return
            assert (done.status_code, plan.status_code) == (200, 200), (done.text, plan.text)
            assert {one["status"] for one in steps} == {"success"}
            made = [one["sql"] for one in reversed(steps[:-1])]
            assert without_keys([one["sql"] for one in plan.json()["steps"]]) == without_keys(made)
            ids = [row["id"] for row in stored]
            assert await table.rows(ordering="id") == [
                {"id": one, **row} for one, row in zip(ids, expected, strict=True)
            ]
            if len(steps) == 1:
                return
            back = await roll_back(workbench, table, steps[0]["id"])
            assert back.status_code == 200, back.text
            assert (back.json()["json_schema"], back.json()["schema_hash"]) == (
                before,
                definition["schema_hash"],
            )
            left = {one["status"] for one in await finished(workbench, table)}
            assert left <= {"success", "rolled_back"}
    # It takes records as it did before.
    names = [one["name"] for one in before["fields"]]
    assert [list(row) for row in await table.rows()] == [names] * len(stored)


async def test_a_name_that_comes_back_has_no_old_values(workbench: Workbench) -> None:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    for definition in (schema(), schema(field("a"))):
        done = await change(workbench, table, definition, allow_data_loss="true")
        assert done.status_code == 200, done.text
    assert await table.rows() == [{"id": 1, "a": None}]
    added = await change(workbench, table, schema(field("a"), field("b", default="old")))
    assert added.status_code == 200
    assert await table.rows() == [{"id": 1, "a": None, "b": "old"}]
    await table.patch({"b": "mine"}, "/1")
    newest = (await history(workbench, table))[0]
    assert (await roll_back(workbench, table, newest["id"])).status_code == 200
    again = await change(workbench, table, schema(field("a"), field("b")))
    assert again.status_code == 200
    assert await table.rows() == [{"id": 1, "a": None, "b": None}]


async def test_a_column_of_another_type(workbench: Workbench) -> None:
    """A field that was a reference keeps its column when the foreign key goes."""
    target = await make(workbench, schema(field("a")), {"a": "x"})
    key = refer("link", target.name)
    table = await make(workbench, schema(field("link", "integer"), foreignKeys=[key]), {"link": 1}, {})
    done = await change(workbench, table, schema(field("link")), allow_data_loss="true")
    assert done.status_code == 200, done.text
    assert await table.rows() == [{"id": 1, "link": "1"}, {"id": 2, "link": None}]
    newest = (await history(workbench, table))[0]
    assert (await roll_back(workbench, table, newest["id"])).status_code == 200
    assert await table.rows() == [{"id": 1, "link": 1}, {"id": 2, "link": None}]


async def test_a_default_for_all_records_at_once(workbench: Workbench) -> None:
    """No record is written; what says no value is null, and what says nothing has the default."""
    table = await make(workbench, schema(), {}, {})
    versions = [(await table.get(f"/{one}")).headers["ETag"] for one in (1, 2)]
    new = schema(
        field("n", "integer", default=5), field("d", "datetime", default="2025-01-01T02:00:00+02:00")
    )
    assert (await change(workbench, table, new)).status_code == 200
    assert [(await table.get(f"/{one}")).headers["ETag"] for one in (1, 2)] == versions
    assert (await table.patch({"n": None}, "/2")).status_code == 200
    moment = "2025-01-01T00:00:00Z"
    assert await table.rows(ordering="id") == [
        {"id": 1, "n": 5, "d": moment},
        {"id": 2, "n": None, "d": moment},
    ]
    assert await table.ids(n=5) == [1]
    assert await table.ids(n__null="true") == [2]
    assert await table.ids(d=moment) == [1, 2]
    upserted = await table.post({"id": 2, "d": None}, "/upsert")
    assert upserted.json() == {"data": {"id": 2, "n": None, "d": None}, "created": False}
    made = await table.post({"id": 3, "n": None}, "/upsert?unique_fields=id")
    assert made.json() == {"data": {"id": 3, "n": None, "d": moment}, "created": True}


@pytest.mark.parametrize("rows", [100_000, 0], ids=["small", "large"])
async def test_a_member_becomes_a_reference(
    workbench: Workbench, module_database: TestDatabase, rows: int
) -> None:
    parents = await make(workbench, schema(), {}, {})
    plain = schema(
        field("p", "integer", required=True, minimum=1, default=1),
        field("q"),
        indexes=[{"name": "both", "fields": ["p", "q"]}],
    )
    table = await make(workbench, plain, {"p": 1, "q": "a"}, {"p": 2})
    wanted = {**plain, "foreignKeys": [refer("p", parents.name)]}
    with small_rows(workbench, rows):
        async with working(module_database):
            done = await change(workbench, table, wanted)
            assert done.status_code == 200, done.text
            steps = await finished(workbench, table)
            assert {one["status"] for one in steps} == {"success"}
            assert await table.rows(ordering="id") == [
                {"id": 1, "p": 1, "q": "a"},
                {"id": 2, "p": 2, "q": None},
            ]
            refused = await table.post({"p": 7})
            assert (refused.status_code, list(refused.json()["errors"])) == (400, ["p"])
            assert (await parents.delete("/2")).status_code == 409
            populated = await table.rows(populate="p", ordering="-id", page_size=1)
            assert populated == [{"id": 2, "p": {"id": 2}, "q": None}]
            assert (await table.post({"p": None})).status_code == 400
            assert (await table.post({"p": 0})).status_code == 400
            assert (await roll_back(workbench, table, steps[0]["id"])).status_code == 200
            await finished(workbench, table)
    assert (await table.post({"p": 7})).json()["data"]["p"] == 7
    assert (await table.post({"p": 0})).status_code == 400
    assert [row["p"] for row in await table.rows(ordering="id")] == [1, 2, 7]


async def test_what_is_written_during_a_change_is_not_lost(workbench: Workbench) -> None:
    """A statement that was made for the documents as they were does not fit the view that shows them now."""
    table = await make(workbench, schema(field("a"), field("b")), {"a": "x", "b": "y"})
    assert (await change(workbench, table, schema(renamed("a", "c"), field("b")))).status_code == 200
    assert (await table.patch({"c": "z"}, "/1")).json()["data"] == {"id": 1, "c": "z", "b": "y"}
    swapped = schema(renamed("b", "d"), renamed("c", "b"))
    done = await change(workbench, table, swapped, allow_data_loss="true")
    assert done.status_code == 200, done.text
    assert await table.rows() == [{"id": 1, "d": "y", "b": "z"}]


async def documents(workbench: Workbench, table: Records) -> list[Any]:
    place = (await workbench.details(table))["physical_table_name"].rpartition(".")[2]
    (row,) = await workbench.fetch(
        "SELECT physical_schema FROM penstock.data_tables WHERE physical_name = $1", place
    )
    return [
        one[0]
        for one in await workbench.fetch(f'SELECT "$document"::text FROM "{row[0]}"."{place}" ORDER BY id')
    ]


async def test_documents_read_like_answers(workbench: Workbench) -> None:
    table = await make(
        workbench,
        schema(field("text"), field("n", "number"), field("at", "datetime"), field("o", "object")),
        {"text": "a'\\\"\n€", "n": 1.5, "at": "2025-03-01T10:30:00+01:00", "o": {"x": None}},
        {},
    )
    assert await documents(workbench, table) == [
        '{"n": 1.5, "o": {"x": null}, "at": "2025-03-01T09:30:00Z", "text": "a\'\\\\\\"\\n€"}',
        '{"n": null, "o": null, "at": null, "text": null}',
    ]
