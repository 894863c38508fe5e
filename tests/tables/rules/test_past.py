"""What holds for everyone holds under rules, too: limits of edges, foreign keys, and what others are told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.kit import errors
from penstock.kit.context import Context
from tests.tables.rules.conftest import APP, TASKS, World

pytestmark = pytest.mark.anyio
EDGES = f"{APP}/datatables/tasks/edges"


async def test_edges_that_are_not_seen_count(world: World) -> None:
    kind = {"name": "next", "constraints": {"max_outgoing": 1}}
    changed = await world.owner.patch(
        f"{APP}/datatables/tasks", json={"json_schema": {**TASKS, "graph": {"types": [kind]}}}
    )
    assert changed.status_code == 200, changed.text
    mine = {"owner": world.ids["ann"]}
    await world.add("tasks", {"title": "a", **mine}, {"title": "b", **mine}, {"title": "hers"})
    assert (await world.owner.post(EDGES, json={"from": 1, "to": 3, "type": "next"})).status_code == 201
    await world.rule(read={"owner": "$user.id"})
    ann = world["ann"]
    assert (await ann.get(EDGES)).json()["total"] == 0
    refused = await ann.post(EDGES, json={"from": 1, "to": 2, "type": "next"})
    assert (refused.status_code, "more than 1 outgoing" in refused.text) == (400, True)
    assert (await ann.post(EDGES, json={"from": 2, "to": 1, "type": "next"})).status_code == 201
    # What the server looked at is not what the rest of the transaction sees.
    assert (await ann.get(EDGES)).json()["total"] == 1


@pytest.mark.parametrize("name", ["ann", "adm"])
async def test_rows_that_refer_to_nothing_are_told_from_others(world: World, name: str) -> None:
    """A foreign key leads to records whether they are seen or not."""
    await world.add("tasks", {"title": "a", "owner": world.ids["ann"]}, {"title": "b"})
    await world.rule(read={"owner": "$user.id"})
    notes = f"{APP}/datatables/notes/data"
    rows = [{"task_id": 1}, {"task_id": 2}, {"task_id": 99}]
    refused = await world[name].post(notes, json=rows)
    assert (refused.status_code, [one["index"] for one in refused.json()["rows"]]) == (400, [2]), refused.text
    lines = "\n".join(map(json.dumps, rows))
    options = {"format": "ndjson", "on_error": "skip"}
    done = await world[name].post(f"{notes}/import", params=options, content=lines)
    assert (done.json()["created"], done.json()["skipped"]) == (2, 1), done.text


async def test_an_estimate_is_of_nothing_that_is_kept_back(world: World, ctx: Context) -> None:
    await world.add("tasks", {"title": "a"}, *({"title": f"b{n}"} for n in range(40)))
    await world.add("notes", *({"task_id": n} for n in range(1, 42)))
    async with ctx.db.session() as conn:
        await conn.execute("ANALYZE")
    await world.rule(read={"title": "a"})
    asked: dict[str, Any] = {"count": "planned", "task.title__ne": "zz"}
    assert (await world.read("ann", "notes", **asked))["total"] == 1
    assert (await world.read("adm", "notes", **asked))["total"] > 1


async def test_lists_of_tables_count_the_fields_that_are_known(world: World) -> None:
    await world.rule(subjects={"roles": ["operator"]}, hidden_fields=["cost", "code"])
    whole = len(TASKS["fields"])
    for name, count in (("ann", whole - 2), ("adm", whole), ("eve", whole - 2)):
        for path in ("/datatables", "/datasources/main/datatables", "/datatables?page=1"):
            listed = (await world[name].get(f"{APP}{path}")).json()
            found = listed if isinstance(listed, list) else listed["results"]
            assert {one["name"]: one["field_count"] for one in found} == {"tasks": count, "notes": 3}


async def test_who_may_write_no_record_may_write_no_edge(world: World) -> None:
    await world.rule(write=None)
    told = await world["ann"].get(f"{APP}/datatables/tasks_edges/allowed_actions")
    assert told.json() == {"allowed_actions": ["read"]}


async def test_changes_of_tables_that_nobody_named(world: World, ctx: Context) -> None:
    changed = await world.owner.patch(
        f"{APP}/datatables/tasks", json={"json_schema": {**TASKS, "changes": True}}
    )
    assert changed.status_code == 200, changed.text
    await world.add("tasks", {"title": "a"})
    async with ctx.db.control.transaction() as conn:
        table = await conn.value("SELECT table_id FROM penstock.record_feeds")
    count = "SELECT count(*) FROM penstock.record_changes"
    async with ctx.db.data.transaction() as conn:
        assert await conn.value(count) == 0
        for told, seen in ((f'{{"f":[{table + 1}]}}', 0), (f'{{"f":[{table}]}}', 1), ('{"x":[1]}', 0)):
            await conn.value("SELECT set_config('penstock.reach', $1, true)", told)
            assert await conn.value(count) == seen
    with pytest.raises(errors.PenstockError):
        async with ctx.db.data.transaction() as conn:
            await conn.execute("DELETE FROM penstock.record_changes")
