"""Row-level security by itself: requests carry no conditions any more, and PostgreSQL still keeps rows back."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.kit.filters import EVERYTHING
from penstock.tables.rules import limits as module
from penstock.tables.rules.models import Limits
from penstock.tables.rules.past import EVERYONE
from tests.tables.rules.conftest import APP, World

pytestmark = pytest.mark.anyio
DATA = f"{APP}/datatables/tasks/data"
EDGES = f"{APP}/datatables/tasks/edges"


@pytest.fixture
async def bare(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Requests that reach for every row; ann may see two of three tasks, and change one."""
    ann = world.ids["ann"]
    await world.add(
        "tasks",
        {"title": "a", "owner": ann, "region": "US"},
        {"title": "b", "owner": ann, "region": "EU"},
        {"title": "c"},
    )
    await world.add("notes", {"task_id": 1, "text": "x"}, {"task_id": 3, "text": "y"})
    await world.owner.post(
        EDGES, json=[{"from": 1, "to": 3, "type": "next"}, {"from": 1, "to": 2, "type": "next"}]
    )
    rule = {"read": {"and": [{"owner": "$user.id"}, {"title__in": ["a", "b", 'it\'s \\ "q"']}]}}
    await world.rule(
        **rule, write={"and": [{"owner": "$user.id"}, {"not": {"region": "EU"}}, {"title__ne": "%"}]}
    )
    real = module._limited

    def unguarded(table: Any, principal: Any) -> Limits:
        return replace(real(table, principal), rows=EVERYTHING, writable=EVERYTHING)

    monkeypatch.setattr(module, "_limited", unguarded)
    return world


async def titles(client: httpx2.AsyncClient, **params: Any) -> list[str]:
    answer = await client.get(DATA, params={"ordering": "id", **params})
    assert answer.status_code == 200, answer.text
    return [row["title"] for row in answer.json()["data"]]


async def test_lists_details_and_aggregates(bare: World) -> None:
    ann = bare["ann"]
    assert await titles(ann) == ["a", "b"]
    assert await titles(ann, title__ne="zz") == ["a", "b"]
    assert await titles(ann, search="c") == []
    assert (await ann.get(f"{DATA}/3")).status_code == 404
    answer = await ann.get(DATA, params={"_aggregate": "count(*),max(title)"})
    assert answer.json()["data"] == [{"count": 2, "max_title": "b"}]
    assert len((await ann.get(f"{DATA}/export?format=csv")).text.strip().splitlines()) == 3
    assert (await titles(bare["adm"])) == ["a", "b", "c"]
    assert await titles(bare["bob"]) == []


async def test_what_is_related(bare: World) -> None:
    notes = f"{APP}/datatables/notes/data"
    found = await bare["ann"].get(notes, params={"populate": "task", "ordering": "id"})
    assert [bool(row["task"]) for row in found.json()["data"]] == [True, False]
    assert (await bare["ann"].get(notes, params={"task.title": "c"})).json()["total"] == 0
    assert (await bare["adm"].get(notes, params={"task.title": "c"})).json()["total"] == 1


async def test_walks_and_edges(bare: World) -> None:
    ann = bare["ann"]
    assert (await ann.get(EDGES)).json()["total"] == 1
    walked = (await ann.get(f"{DATA}/1", params={"format": "graph", "include": "both"})).text
    assert '"title":"b"' in walked
    assert '"title":"c"' not in walked
    assert (await ann.get(DATA, params={"id__ancestors": 1})).json()["total"] == 1
    assert (await ann.request("DELETE", EDGES, json={"edge_ids": [1]})).json()["deleted"] == 0
    assert (await ann.post(EDGES, json={"from": 2, "to": 1, "type": "next"})).status_code == 403


async def test_writes(bare: World) -> None:
    ann, mine = bare["ann"], {"owner": bare.ids["ann"], "region": "US"}
    for key in (2, 3):
        assert (await ann.patch(f"{DATA}/{key}", json={"title": "x"})).status_code in (403, 404)
        assert (await ann.delete(f"{DATA}/{key}")).status_code in (403, 404)
        assert (await ann.patch(DATA, json=[{"id": key, "title": "x"}])).status_code in (403, 404)
        assert (await ann.post(f"{DATA}/upsert", json=[{"id": key, "title": "a", **mine}])).status_code == 403
    assert (await ann.delete(DATA, params={"filter": '{"title": "c"}'})).json()["deleted"] == 0
    assert (await ann.post(DATA, json={"title": "a", "owner": 5})).status_code == 403
    assert (await ann.post(DATA, json={"title": "q", **mine})).status_code == 403
    assert (await ann.post(DATA, json={"title": "a", **mine})).status_code == 201
    assert (await titles(bare["adm"])) == ["a", "b", "c", "a"]


async def test_who_says_nothing_sees_nothing(bare: World, ctx: Context) -> None:
    schema = await _schema(ctx)
    async with ctx.db.data.transaction() as conn:
        names = [row["relname"] for row in await conn.rows(_PROTECTED, schema)]
        assert len(names) == 2  # the tasks and their edges
        for name in names:
            assert await conn.value(f'SELECT count(*) FROM "{schema}"."{name}"') == 0
        # What is set ends with its transaction, and a connection that had it is as one that had not.
        assert await conn.value("SELECT nullif(current_setting('penstock.reach', true), '')") is None


async def test_policies_go_with_the_last_rule(world: World, ctx: Context) -> None:
    rule = await world.rule(read={"title": "a"})
    schema = await _schema(ctx)
    async with ctx.db.control.transaction() as conn:
        assert len(await conn.rows(_PROTECTED, schema)) == 2
    await world.owner.delete(f"{APP}/datatables/tasks/rules/{rule['id']}")
    async with ctx.db.control.transaction() as conn:
        assert await conn.rows(_PROTECTED, schema) == []
        ours = "polrelid <> 'penstock.record_changes'::regclass"
        assert await conn.value(f"SELECT count(*) FROM pg_policy WHERE {ours}") == 0


async def test_a_table_is_made_with_its_policies(world: World, ctx: Context) -> None:
    body = {
        "name": "later",
        "json_schema": {"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"]},
    }
    assert (await world.owner.post(f"{APP}/datasources/main/datatables", json=body)).status_code == 201
    await world.rule("later", read={"id__gt": 1})
    await world.add("later", {}, {})
    assert [row["id"] for row in (await world.read("eve", "later"))["data"]] == [2]
    async with ctx.db.control.transaction() as conn:
        assert len(await conn.rows(_PROTECTED, await _schema(ctx))) == 1


_PROTECTED = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relrowsecurity
"""


async def _schema(ctx: Context) -> str:
    async with ctx.db.control.transaction() as conn:
        return await conn.value("SELECT database_schema FROM penstock.orgs WHERE slug = 'main'")


async def test_tables_whose_rules_were_made_before(world: World, ctx: Context) -> None:
    """They let the server look past their rules, too, once migrated, and nobody else."""
    await world.add("tasks", {"title": "a"})
    await world.rule(read={"title": "b"})
    schema = await _schema(ctx)
    migration = import_module("penstock.server.migrations.versions.0017_looks_past_rules")
    async with ctx.db.session() as conn:
        name = await conn.value("SELECT physical_name FROM penstock.data_tables WHERE name = 'tasks'")
        table = f'"{schema}"."{name}"'
        await conn.execute(f"ALTER POLICY pst_exempt ON {table} USING (false)")
        for _ in range(2):
            await conn.execute(migration.LET_THROUGH)
    async with ctx.db.data.transaction() as conn:
        for told, seen in ((EVERYONE, 1), ('{"a":false}', 0), ('{"x":[]}', 0), ("", 0)):
            await conn.value("SELECT set_config('penstock.reach', $1, true)", told)
            assert await conn.value(f"SELECT count(*) FROM {table}") == seen
