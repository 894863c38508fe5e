"""What a feed tells of every way to write, and in which order."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import pytest

from tests.tables.changes.following import Follower
from tests.tables.workbench import APP, Records, Workbench

pytestmark = pytest.mark.anyio
BASE = f"/api/apps/{APP}/datatables"
NAME = {"name": "name", "type": "string"}
PRICE = {"name": "price", "type": "number"}


async def fed(workbench: Workbench, *fields: Any, **schema: Any) -> Records:
    return await workbench.table(*(fields or (NAME, PRICE)), **{"changes": True, **schema})


async def test_every_way_to_write(workbench: Workbench) -> None:
    table = await fed(workbench, {**NAME, "constraints": {"unique": True}}, PRICE)
    follower = Follower(table)
    assert await follower.catch_up() == []
    one = (await table.post({"name": "a", "price": 1.5})).json()["data"]
    [change] = await follower.catch_up()
    assert (change["op"], change["key"], change["record"]) == ("insert", 1, one)
    assert change["at"].endswith("Z")
    await table.add({"name": "b"}, {"name": "c"})
    assert await follower.ops() == [("insert", 2), ("insert", 3)]
    assert (await table.patch({"price": 2}, "/1")).status_code == 200
    assert (await table.patch([{"id": 2, "price": 5}, {"id": 3, "price": 6}])).status_code == 200
    assert await follower.ops() == [("update", 1), ("update", 2), ("update", 3)]
    body = [{"name": "a", "price": 9}, {"name": "d", "price": 1}]
    assert (await table.post(body, "/upsert?unique_fields=name")).status_code == 200
    changes = await follower.catch_up()
    assert sorted((one["op"], one["record"]["name"]) for one in changes) == [("insert", "d"), ("update", "a")]
    assert (await table.delete("/2")).status_code == 204
    assert (await table.delete(ids="3")).status_code == 200
    assert (await table.delete(filter='{"name": "d"}')).status_code == 200
    assert [op for op, _ in await follower.ops()] == ["delete"] * 3
    assert follower.state == {row["id"]: row for row in await table.rows()}
    # What failed has left nothing.
    assert (await table.post({"name": "a"})).status_code == 409
    assert (await table.delete("/77")).status_code == 404
    assert await follower.catch_up() == []


async def test_where_to_begin(workbench: Workbench) -> None:
    table = await fed(workbench)
    await table.add({"name": "a"})
    answer = (await table.get("/changes/")).json()
    assert (answer["data"], answer["has_more"]) == ([], False)
    await table.add({"name": "b"}, {"name": "c"})
    later = Follower(table, answer["next_cursor"])
    assert await later.ops() == [("insert", 2), ("insert", 3)]
    for word in ("0", "start"):
        assert await Follower(table, word).ops() == [("insert", 1), ("insert", 2), ("insert", 3)]
    # Each change is a place to go on from.
    whole = Follower(table)
    await whole.catch_up()
    assert await Follower(table, whole.seen[0]["cursor"]).ops() == [("insert", 2), ("insert", 3)]
    assert await Follower(table, whole.seen[2]["cursor"]).ops() == []
    await table.add({"name": "d"})
    assert await Follower(table, whole.seen[1]["cursor"]).ops() == [("insert", 3), ("insert", 4)]


async def test_pages_of_a_large_insert(workbench: Workbench) -> None:
    table = await fed(workbench)
    await table.get()
    rows = [{"name": f"n{n}", "price": n} for n in range(10_000)]
    assert (await table.post(rows)).status_code == 201
    follower = Follower(table)
    first = await follower.page(999)
    assert (len(first["data"]), first["has_more"]) == (999, True)
    await table.add({"name": "late"})
    await follower.catch_up(999)
    assert [one["key"] for one in follower.seen] == list(range(1, 10_002))
    assert (await follower.page())["data"] == []


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        ("nothing", "not one that a change feed gave out"),
        ("MTs7MTox", "not one that a change feed gave out"),
        ("ä", "not one that a change feed gave out"),
        ("A" * 30_000, "not one that a change feed gave out"),
        # A snapshot whose bounds are the wrong way round, and one with transactions outside of them.
        ("MTs7NToxOg", "not one that a change feed gave out"),
        ("MTs7MTo1OjcsOA", "not one that a change feed gave out"),
    ],
)
async def test_cursors_that_are_none(workbench: Workbench, since: str, reason: str) -> None:
    table = await fed(workbench)
    answer = await table.get("/changes/", since=since)
    assert answer.status_code == 400, answer.text
    assert reason in answer.json()["errors"]["since"][0]


async def test_parameters_that_are_none(workbench: Workbench) -> None:
    table = await fed(workbench)
    for params, name in (
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"page": 1}, "page"),
        ({"populate": "*"}, "populate"),
        ({"colour": "red"}, "colour"),
        ({"filters": "{"}, "filters"),
    ):
        answer = await table.get("/changes/", **params)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [name]), answer.text
    plain = await workbench.table(NAME)
    answer = await plain.get("/changes/")
    assert answer.status_code == 400
    assert '"changes": true' in answer.json()["hint"]
    assert "'changes' is true or false" in await workbench.refused(
        {"name": "id", "type": "integer"}, changes="yes"
    )


async def test_a_transaction_that_ends_late(workbench: Workbench) -> None:
    """Numbers of what commits late lie below those that were read already."""
    table = await fed(workbench)
    await table.add({"name": "first"}, {"name": "second"})
    place = await physical(workbench, table)
    follower = Follower(table)
    await follower.catch_up()
    async with workbench.ctx.db.data.transaction() as slow:
        await slow.execute(place.insert("slow"))
        await table.add({"name": "quick"})
        assert [one["record"]["name"] for one in await follower.catch_up()] == ["quick"]
        async with workbench.ctx.db.data.transaction() as other:
            await other.execute(place.update(1, "1"))
            await slow.execute(place.update(2, "2"))
            assert await follower.catch_up() == []
        assert await follower.ops() == [("update", 1)]
    names = [(one["op"], one["record"]["name"]) for one in await follower.catch_up()]
    assert names == [("insert", "slow"), ("update", "second")]
    assert await follower.catch_up() == []


async def test_of_one_record_the_later_change_comes_later(workbench: Workbench) -> None:
    """The transaction with the lower id changes the record last."""
    table = await fed(workbench)
    await table.add({"name": "a", "price": 0}, {"name": "b", "price": 0})
    place = await physical(workbench, table)
    follower = Follower(table)
    await follower.catch_up()
    async with workbench.ctx.db.data.transaction() as old:
        await old.execute(place.update(2, "1"))
        async with workbench.ctx.db.data.transaction() as young:
            await young.execute(place.update(1, "10"))
        await old.execute(place.update(1, "20"))
    changes = await follower.catch_up()
    assert [one["record"]["price"] for one in changes if one["key"] == 1] == [10, 20]
    assert follower.state[1]["price"] == 20


async def test_many_writers_and_readers(workbench: Workbench) -> None:
    table = await fed(workbench)
    await table.add(*({"name": f"n{n}", "price": 0} for n in range(1, 11)))
    place = await physical(workbench, table)
    followers = [Follower(table) for _ in range(3)]
    done = asyncio.Event()

    async def write(seed: int) -> None:
        choice = random.Random(seed)
        for n in range(15):
            kind = choice.randrange(5)
            if kind == 0:
                await table.add({"name": f"w{seed}-{n}", "price": n}, {"name": "x"})
            elif kind == 1:
                await table.delete(ids=str(choice.randrange(11, 60)))
            elif kind == 2:
                async with workbench.ctx.db.data.transaction() as conn:
                    for key in sorted(choice.sample(range(1, 11), 3)):
                        await conn.execute(place.update(key, "price + 1"))
                        await asyncio.sleep(choice.random() * 0.01)
            else:
                await table.patch({"price": seed * 1000 + n}, f"/{choice.randrange(1, 11)}")

    async def follow(follower: Follower, limit: int) -> None:
        while not done.is_set():
            await follower.page(limit)
        await follower.catch_up(limit)

    async with asyncio.TaskGroup() as readers:
        for follower, limit in zip(followers, (1, 7, 1000), strict=True):
            readers.create_task(follow(follower, limit))
        async with asyncio.TaskGroup() as writers:
            for seed in range(6):
                writers.create_task(write(seed))
        done.set()
    rows = {row["id"]: row for row in await table.rows()}
    for follower in followers:
        assert follower.state == rows
        assert len({one["cursor"] for one in follower.seen}) == len(follower.seen)
    assert len({len(follower.seen) for follower in followers}) == 1


async def test_what_a_condition_lets_through(workbench: Workbench) -> None:
    table = await fed(workbench)
    follower = Follower(table, conditions={"price__gte": 10})
    await table.add({"name": "cheap", "price": 1}, {"name": "dear", "price": 20})
    assert await follower.ops() == [("insert", 2)]
    await table.patch({"price": 15}, "/1")
    await table.patch({"price": 21}, "/2")
    assert await follower.ops() == [("insert", 1), ("update", 2)]
    await table.patch({"price": 5}, "/2")
    await table.patch({"price": 6}, "/2")
    await table.delete("/2")
    await table.delete("/1")
    assert await follower.ops() == [("delete", 2), ("delete", 1)]
    # A page without any is still a step.
    await table.add(*({"name": "cheap", "price": 1} for _ in range(30)), {"name": "dear", "price": 30})
    page = await follower.page(10)
    assert (page["data"], page["has_more"]) == ([], True)
    assert [op for op, _ in await follower.ops()] == ["insert"]


async def test_deleted_records_that_are_kept(workbench: Workbench) -> None:
    table = await fed(workbench, NAME, {"name": "is_deleted", "type": "boolean"})
    follower = Follower(table)
    everything = Follower(table, conditions={"is_deleted__in": "true,false"})
    await table.add({"name": "a"}, {"name": "b"})
    await table.delete("/1")
    assert await follower.ops() == [("insert", 1), ("insert", 2), ("delete", 1)]
    assert (await table.patch({"is_deleted": False}, "/1")).status_code in (200, 404)
    assert [op for op, _ in await everything.ops()][:3] == ["insert", "insert", "update"]


async def test_deletes_that_cascade(workbench: Workbench) -> None:
    parent = await fed(workbench, NAME)
    key = {
        "fields": ["parent_id"],
        "reference": {"resource": parent.name, "fields": ["id"]},
        "x-actions": {"onDelete": "CASCADE"},
    }
    child = await fed(workbench, {"name": "parent_id", "type": "integer"}, foreignKeys=[key])
    loose = await fed(
        workbench,
        {"name": "parent_id", "type": "integer"},
        foreignKeys=[{**key, "x-actions": {"onDelete": "SET NULL"}}],
    )
    await parent.add({"name": "a"}, {"name": "b"})
    await child.add({"parent_id": 1}, {"parent_id": 1}, {"parent_id": 2})
    await loose.add({"parent_id": 1}, {"parent_id": 2})
    followers = [Follower(one) for one in (parent, child, loose)]
    for one in followers:
        await one.catch_up()
    assert (await parent.delete("/1")).status_code == 204
    assert [sorted(await one.ops()) for one in followers] == [
        [("delete", 1)],
        [("delete", 1), ("delete", 2)],
        [("update", 1)],
    ]


async def test_every_type_comes_back_as_it_is_read(workbench: Workbench) -> None:
    kinds = (
        "integer",
        "number",
        "boolean",
        "string",
        "date",
        "time",
        "datetime",
        "year",
        "yearmonth",
        "duration",
    )
    fields = [{"name": f"a_{kind}", "type": kind} for kind in kinds]
    fields += [
        {"name": f"a_{kind}", "type": kind} for kind in ("object", "array", "any", "geopoint", "geojson")
    ]
    fields += [
        {"name": "span", "type": "range", "of": "integer"},
        {"name": "who", "type": "string", "format": "uuid"},
    ]
    table = await fed(workbench, *fields, search_fields=["a_string"])
    row = {
        "a_integer": 2**53 + 1, "a_number": 1.25, "a_boolean": True, "a_string": "Ünï \"quoted\" \\ text\n",
        "a_date": "2024-02-29", "a_time": "12:30:00", "a_datetime": "2024-02-29T12:30:00.123456Z", "a_year": 2024,
        "a_yearmonth": "2024-02", "a_duration": "P1DT2H", "a_object": {"b": [1, {"c": None}]}, "a_array": [1, "x"],
        "a_any": "text", "a_geopoint": [1.5, 2.5], "a_geojson": {"type": "Point", "coordinates": [1, 2]},
        "span": {"lower": 1, "upper": 5}, "who": "7f6a1f0e-6a52-4c3c-9a58-0d3fb2a3c111",
    }  # fmt: skip
    made = await table.post(row)
    assert made.status_code == 201, made.text
    follower = Follower(table)
    await follower.catch_up()
    assert list(follower.state.values()) == await table.rows()
    assert (await table.post({})).status_code == 201
    await follower.catch_up()
    assert list(follower.state.values()) == await table.rows(ordering="id")


async def test_keys_of_several_fields(workbench: Workbench) -> None:
    fields = ({"name": "a", "type": "string"}, {"name": "b", "type": "integer"}, NAME)
    table = await workbench.table(*fields, primaryKey=["a", "b"], changes=True)
    await table.post({"a": "x,y", "b": 2, "name": "n"})
    follower = Follower(table)
    assert await follower.ops() == [("insert", ["x,y", 2])]


@dataclass(frozen=True)
class Physical:
    """Statements past the service; `price` in a price is what it was."""

    place: str
    is_documents: bool

    def insert(self, name: str) -> str:
        if self.is_documents:
            return f"""INSERT INTO {self.place} ("$document") VALUES (jsonb_build_object('name', '{name}'))"""
        return f"INSERT INTO {self.place} (name) VALUES ('{name}')"

    def update(self, key: int, price: str) -> str:
        change = f"price = {price}"
        if self.is_documents:
            value = price.replace("price", "(\"$document\" ->> 'price')::numeric")
            change = f"""\"$document\" = \"$document\" || jsonb_build_object('price', {value})"""
        return f"UPDATE {self.place} SET {change} WHERE id = {key}"


async def physical(workbench: Workbench, table: Records) -> Physical:
    async with workbench.ctx.db.control.transaction() as conn:
        row = await conn.row(
            "SELECT physical_schema, physical_name FROM penstock.data_tables WHERE name = $1", table.name
        )
    assert row is not None
    place = f'"{row["physical_schema"]}"."{row["physical_name"]}"'
    return Physical(place, workbench.provider == "jsonb")
