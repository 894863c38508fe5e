"""Schema changes of collections: the same cases as of ordinary tables, changes that fail midway, writers beside."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import pytest

from penstock.tables.providers.mongodb import changing
from penstock.tables.providers.mongodb.changing import Changing
from penstock.tables.providers.mongodb.servers import Servers
from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.schema.cases import CASES
from tests.tables.schema.changing import Json, change, field, history, make, refer, renamed, roll_back, schema
from tests.tables.workbench import Records

pytestmark = pytest.mark.anyio


def plain(texts: list[str]) -> list[str]:
    """Commands without what new paths are given at random."""
    return [re.sub(r'#\w{6}\b|\[\\?"\w{8}\\?"\]', "#", text) for text in texts]


def suits(definition: Json) -> bool:
    """False for what collections do not have."""
    keys = definition.get("foreignKeys", [])
    indexes = definition.get("indexes", [])
    kinds = {one["type"] for one in definition["fields"]}
    return not (
        any(one["reference"]["fields"] not in ("id", ["id"]) for one in keys)
        or any("where" in one or "expression" in one or one.get("method") for one in indexes)
        or "changes" in definition
        or "vector" in kinds
        or "self_reference" in str(definition)
    )


SUITED = [name for name, case in CASES.items() if suits(case[0]) and suits(case[2])]


@pytest.mark.parametrize("name", SUITED)
async def test_changes(bench: MongoBench, name: str) -> None:
    before, stored_rows, after, expected, needs = CASES[name]
    table = await make(bench, before, *stored_rows)
    stored = await table.rows(ordering="id")
    definition = await bench.details(table)
    if needs is not None:
        refused = await change(bench, table, after)
        assert refused.json()["json_schema"] == [f"Destructive change: {needs} requires allow_data_loss"]
    plan = await change(bench, table, after, dry_run="true")
    done = await change(bench, table, after, allow_data_loss="true")
    steps = await history(bench, table)
    if expected is None:
        assert done.status_code == 400, done.text
        assert [one["status"] for one in steps] == ["failed", "success"]
        assert plan.status_code == 400
        assert await bench.details(table) == definition
        assert await table.rows(ordering="id") == stored
        return
    assert (done.status_code, plan.status_code) == (200, 200), (done.text, plan.text)
    assert {one["status"] for one in steps} == {"success"}
    made = [one["sql"] for one in reversed(steps[:-1])]
    assert plain([one["sql"] for one in plan.json()["steps"]]) == plain(made)
    ids = [row["id"] for row in stored]
    assert await table.rows(ordering="id") == [
        {"id": one, **row} for one, row in zip(ids, expected, strict=True)
    ]
    if len(steps) == 1:
        return
    back = await roll_back(bench, table, steps[0]["id"])
    assert back.status_code == 200, back.text
    assert (back.json()["json_schema"], back.json()["schema_hash"]) == (before, definition["schema_hash"])
    assert {one["status"] for one in await history(bench, table)} == {"success", "rolled_back"}
    names = [one["name"] for one in before["fields"]]
    assert [list(row) for row in await table.rows()] == [names] * len(stored)
    assert await indexes_of(bench, table) == await indexes_of(bench, await make(bench, before))


async def collection_of(bench: MongoBench, table: Records) -> Any:
    """The collection itself, by a client of its own kind."""
    name = (await bench.fetch("SELECT physical_name FROM penstock.data_tables WHERE name = $1", table.name))[
        0
    ]
    place = await place_of(bench)
    return place.collection(name["physical_name"])


async def place_of(bench: MongoBench) -> Any:
    servers: Any = bench.ctx.get(Servers)
    return next(iter(servers._sources.values())).place


async def indexes_of(bench: MongoBench, table: Records) -> list[str]:
    """What is alike, whatever paths are called."""
    await table.rows()
    found = await (await collection_of(bench, table)).index_information()
    return sorted(re.sub(r"#\w{6}\b", "", name) for name in found)


async def test_a_name_that_comes_back_has_no_old_values(bench: MongoBench) -> None:
    table = await make(bench, schema(field("a")), {"a": "x"})
    for definition in (schema(), schema(field("a"))):
        done = await change(bench, table, definition, allow_data_loss="true")
        assert done.status_code == 200, done.text
    assert await table.rows() == [{"id": 1, "a": None}]
    assert (await change(bench, table, schema(field("a"), field("b", default="old")))).status_code == 200
    assert await table.rows() == [{"id": 1, "a": None, "b": "old"}]
    assert (await table.patch({"b": "mine"}, "/1")).status_code == 200
    newest = (await history(bench, table))[0]
    assert (await roll_back(bench, table, newest["id"])).status_code == 200
    assert (await change(bench, table, schema(field("a"), field("b")))).status_code == 200
    assert await table.rows() == [{"id": 1, "a": None, "b": None}]


async def test_renaming_writes_no_document(bench: MongoBench) -> None:
    table = await make(bench, schema(field("a", unique=True)), {"a": "x"}, {"a": "y"})
    before = await (await collection_of(bench, table)).find({}).to_list()
    done = await change(bench, table, schema(renamed("a", "b", unique=True)))
    assert done.status_code == 200, done.text
    assert await (await collection_of(bench, table)).find({}).to_list() == before
    assert await table.ids(b="x") == [1]
    taken = await table.post({"b": "x"})
    assert (taken.status_code, list(taken.json()["errors"])) == (409, ["b"])


class Died(Exception):
    """The process ends here."""


def failing(stage: str) -> Any:
    """A stage after which the process ends, once the change writes."""
    usual = getattr(Changing, stage)

    async def stopped(self: Changing, *args: Any, **named: Any) -> Any:
        await usual(self, *args, **named)
        if named.get("write") is not False:
            raise Died

    return stopped


HARD = (
    schema(field("a", "string"), field("c", "integer")),
    schema(
        field("a", "integer", unique=True),
        field("b", default="x", required=True),
        field("c", "integer", minimum=0),
    ),
)


@pytest.mark.parametrize("killed", [False, True], ids=["fails", "killed"])
@pytest.mark.parametrize("stage", ["_rules", "_convert", "_fill", "_index"])
async def test_a_change_that_stops_midway(
    bench: MongoBench, monkeypatch: pytest.MonkeyPatch, stage: str, killed: bool
) -> None:
    before, after = HARD
    table = await make(bench, before, {"a": "1", "c": 1}, {"a": "2", "c": 2})
    stored, definition = await table.rows(ordering="id"), await bench.details(table)
    kept = await indexes_of(bench, table)
    with monkeypatch.context() as patch:
        patch.setattr(Changing, stage, failing(stage))
        if killed:
            # Nothing that it would do on its way out is done.
            patch.setattr(Changing, "restore", lambda _: asyncio.sleep(0))
        refused = await change(bench, table, after, allow_data_loss="true")
        assert refused.status_code == 500
    assert await bench.details(table) == definition
    assert await table.rows(ordering="id") == stored
    # Writers are refused by what is left, bring it in line, and go on.
    more = await table.add({"a": "1", "c": -5}, {"a": "x"})
    assert (await table.patch({"a": "2"}, "/1")).status_code == 200
    assert await indexes_of(bench, table) == kept
    for row in more:
        assert (await table.delete(f"/{row['id']}")).status_code == 204
    assert (await table.patch({"a": "1"}, "/1")).status_code == 200
    done = await change(bench, table, after, allow_data_loss="true")
    assert done.status_code == 200, done.text
    assert await table.rows(ordering="id") == [
        {"id": 1, "a": 1, "b": "x", "c": 1},
        {"id": 2, "a": 2, "b": "x", "c": 2},
    ]


async def test_a_change_whose_commit_fails(bench: MongoBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is done in MongoDB, and PostgreSQL knows nothing of it."""
    before, after = HARD
    table = await make(bench, before, {"a": "1", "c": 1})

    async def lost(*args: Any) -> list[Any]:
        await changing.apply_all(*args)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr("penstock.tables.providers.mongodb.engine.apply_all", lost)
        assert (await change(bench, table, after, allow_data_loss="true")).status_code == 500
    assert await table.rows() == [{"id": 1, "a": "1", "c": 1}]
    # A unique index of the change is in the way, which no definition knows.
    assert (await table.post([{"a": "1"}, {"a": "1"}])).status_code == 201
    assert len(await table.rows(a="1")) == 3


async def test_writers_beside_a_change(bench: MongoBench) -> None:
    """Whoever knows the schema of before is refused, planned anew, and loses nothing."""
    table = await make(
        bench, schema(field("a", "string"), field("n", "integer")), *[{"a": str(n)} for n in range(300)]
    )
    answers: list[int] = []
    done = asyncio.Event()

    async def write(number: int) -> None:
        kind: type[int | str] = int
        for count in itertools.count(1):
            answer = await table.patch({"n": kind(number * 10_000 + count)}, f"/{number}")
            answers.append(answer.status_code)
            if answer.status_code == 200:
                said = (await table.get(f"/{number}")).json()["data"]
                assert int(said["n"]) == number * 10_000 + count
            else:
                kind = str if kind is int else int
            if done.is_set():
                return
            # What is refused at once gives nobody else a turn.
            await asyncio.sleep(0.001)

    writers = [asyncio.create_task(write(number)) for number in range(1, 5)]
    kinds: list[Json] = [
        schema(field("a", "integer"), field("n", "string")),
        schema(
            field("a", "integer"), field("n", "integer"), field("m", default=1, kind="integer", required=True)
        ),
        schema(
            renamed("a", "b", "integer"),
            field("n", "integer", minimum=0),
            field("m", "integer", required=True),
        ),
    ]
    try:
        for definition in kinds:
            answer = await change(bench, table, definition, allow_data_loss="true")
            assert answer.status_code == 200, answer.text
    finally:
        done.set()
        await asyncio.gather(*writers)
    # Text for what is a number by now, or the other way round, is not valid; nothing else fails.
    assert set(answers) <= {200, 400}
    assert answers.count(400) < 20
    rows = await table.rows(ordering="id")
    assert [row["b"] for row in rows] == list(range(300))
    assert {row["m"] for row in rows} == {1}


async def test_a_key_to_another_table(bench: MongoBench) -> None:
    parent = await make(bench, schema(field("name")), {}, {})
    table = await make(bench, schema(field("up", "integer")), {"up": 1}, {"up": 9})
    wanted = schema(field("up", "integer"), foreignKeys=[refer("up", parent.name)])
    for params in ({"dry_run": "true"}, {}):
        refused = await change(bench, table, wanted, **params)
        assert refused.status_code == 400, refused.text
        assert "does not fit" in refused.json()["json_schema"][0]
    assert (await table.patch({"up": 2}, "/2")).status_code == 200
    assert (await change(bench, table, wanted)).status_code == 200
    assert (await table.post({"up": 9})).status_code == 400
    assert (await parent.delete("/2")).status_code == 409
    back = await roll_back(bench, table, (await history(bench, table))[0]["id"])
    assert back.status_code == 200
    assert (await table.post({"up": 9})).status_code == 201


async def test_what_collections_do_not_have(bench: MongoBench) -> None:
    table = await make(bench, schema(field("a")))
    for definition in (
        schema(field("a"), indexes=[{"name": "lower", "expression": "lower(a)"}]),
        schema(field("a"), changes=True),
        schema(field("a"), audit=True),
    ):
        refused = await change(bench, table, definition)
        assert refused.status_code == 400, refused.text
        assert "mongodb" in refused.json()["detail"]


async def test_alone(alone: MongoBench) -> None:
    """A server without transactions changes schemas as well."""
    table = await make(alone, schema(field("a")))
    for n in range(3):
        assert (await table.post({"a": str(n)})).status_code == 201
    assert (
        await change(alone, table, schema(field("a", "integer")), allow_data_loss="true")
    ).status_code == 200
    assert [row["a"] for row in await table.rows(ordering="id")] == [0, 1, 2]
