"""Reading many records: order, both ways of paging, walks by cursors, counting, search, projection."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from penstock.kit.db import Pool
from penstock.tables.records.plan import encode_cursor
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string"}
COUNT = {"name": "count", "type": "integer"}


async def numbered(workbench: Workbench, many: int = 45) -> Records:
    table = await workbench.table(NAME, COUNT)
    await table.add(*({"name": f"n{n:02}", "count": n % 7} for n in range(1, many + 1)))
    return table


# --- pages


async def test_the_envelope(workbench: Workbench) -> None:
    table = await numbered(workbench)
    body = (await table.get()).json()
    assert list(body) == ["data", "total", "page", "page_size"]
    assert (body["total"], body["page"], body["page_size"]) == (45, 1, 20)
    assert [row["id"] for row in body["data"]] == list(range(1, 21))
    assert list(body["data"][0]) == ["id", "name", "count"]
    third = (await table.get(page=3)).json()
    assert (third["page"], [row["id"] for row in third["data"]]) == (3, [41, 42, 43, 44, 45])
    beyond = (await table.get(page=9)).json()
    assert (beyond["data"], beyond["total"], beyond["page"]) == ([], 45, 9)


async def test_the_other_way_of_paging(workbench: Workbench) -> None:
    table = await numbered(workbench)
    body = (await table.get(limit=4, offset=9)).json()
    assert [row["id"] for row in body.pop("data")] == [10, 11, 12, 13]
    assert body == {"total": 45, "page": 3, "page_size": 4, "limit": 4, "offset": 9}
    assert (await table.get(offset=44)).json()["data"][0]["id"] == 45


async def test_counts(workbench: Workbench) -> None:
    table = await numbered(workbench)
    assert (await table.get(_count="true", page_size=1, count__gte=3)).json()["total"] == 25
    assert (await table.get(count="none")).json()["total"] is None
    assert isinstance((await table.get(count="planned")).json()["total"], int)


async def test_a_list_is_one_statement(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await numbered(workbench)
    seen: list[str] = []
    single, transaction = Pool.single, Pool.transaction

    async def counted(self: Pool, sql: str, values: Sequence[Any], *, repeatable: bool) -> Any:
        if self is workbench.ctx.db.data:
            seen.append(sql)
        return await single(self, sql, values, repeatable=repeatable)

    def begun(self: Pool, **options: Any) -> Any:
        if self is workbench.ctx.db.data:
            seen.append("BEGIN")
        return transaction(self, **options)

    monkeypatch.setattr(Pool, "single", counted)
    monkeypatch.setattr(Pool, "transaction", begun)
    await table.get(page=2, ordering="-name", count__gte=2, search="n")
    assert len(seen) == 1, seen
    for request in (table.get("/3"), table.get(after=""), table.post({"name": "x"}), table.delete(ids="1,2")):
        seen.clear()
        assert (await request).status_code < 300
        assert len(seen) == 1, seen


# --- order


async def test_orders_are_made_total_by_the_key(workbench: Workbench) -> None:
    table = await numbered(workbench, 20)
    rows = await table.rows()
    assert await table.ids(ordering="-count") == [
        row["id"] for row in sorted(rows, key=lambda row: (-row["count"], row["id"]))
    ]
    assert await table.ids(ordering="count,-id") == [
        row["id"] for row in sorted(rows, key=lambda row: (row["count"], -row["id"]))
    ]


async def test_null_comes_last_and_in_descending_order_first(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"name": "b"}, {"name": None}, {"name": "a"})
    assert await table.ids(ordering="name") == [3, 1, 2]
    assert await table.ids(ordering="-name") == [2, 1, 3]


async def test_text_is_ordered_by_code_point(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    names = ["a", "B", "Z", "é", "_", "z", "aa", "A", "ß", "😀", "", "ﬀ"]
    await table.add(*({"name": name} for name in names))
    assert [row["name"] for row in await table.rows(ordering="name")] == sorted(names)


@pytest.mark.parametrize(
    ("ordering", "sentence"),
    [
        ("nam", "There is no field 'nam' to order by."),
        ("name;drop", "There is no field 'name;drop' to order by."),
        ("doc", "'doc' is of type object, which has no order."),
        ("name.x", "Records are ordered by their own fields; 'name.x' is of another table."),
    ],
)
async def test_what_cannot_be_ordered_by(workbench: Workbench, ordering: str, sentence: str) -> None:
    table = await workbench.table(NAME, {"name": "doc", "type": "object"})
    answer = await table.get(ordering=ordering)
    assert (answer.status_code, answer.json()["ordering"]) == (400, [sentence])


# --- walks


async def walk(table: Records, **params: Any) -> list[int]:
    found: list[int] = []
    cursor = ""
    for _ in range(1000):
        answer = await table.get(after=cursor, **params)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert len(body["data"]) <= int(params["page_size"])
        found += [row["id"] for row in body["data"]]
        cursor = body["next_cursor"]
        if cursor is None:
            return found
        assert body["data"]
    raise AssertionError("the walk does not end")


async def test_walks_meet_every_record_once(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "a", "type": "string"},
        {"name": "b", "type": "number"},
        {"name": "c", "type": "datetime"},
        {"name": "d", "type": "date"},
        {"name": "e", "type": "boolean", "constraints": {"required": True}},
        {"name": "f", "type": "uuid"},
    )
    rows = [
        {
            "a": a,
            "b": b,
            "c": c,
            "d": d,
            "e": n % 2 == 0,
            "f": f"00000000-0000-0000-0000-00000000000{n % 3}" if n % 4 else None,
        }
        for n, (a, b, c, d) in enumerate(
            itertools.product(
                ("x", "", None),
                (1, 2.5, None),
                ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", None),
                ("0001-01-01", "9999-12-31", None),
            )
        )
    ]
    await table.add(*rows)
    orders = [
        "",
        "id",
        "-id",
        "a",
        "-a",
        "a,b,c",
        "-a,b,-c",
        "a,-b",
        "-d,c",
        "d",
        "e,f",
        "-e,-f,a",
        "f,-id",
        "-c",
    ]
    for ordering in orders:
        whole = await table.ids(ordering=ordering)
        assert len(whole) == 81
        for size in (1, 7, 80, 81, 1000):
            if size > 1 or ordering in ("-a,b,-c", "e,f"):
                assert await walk(table, page_size=size, ordering=ordering) == whole, (ordering, size)
    filtered = await table.ids(ordering="-a", b__gte="2")
    assert await walk(table, page_size=4, ordering="-a", b__gte="2") == filtered


async def test_a_walk_counts_once(workbench: Workbench) -> None:
    table = await numbered(workbench, 5)
    first = (await table.get(after="", page_size=2)).json()
    assert (first["total"], first["page_size"]) == (5, 2)
    assert (await table.get(after=first["next_cursor"], page_size=2)).json()["total"] is None
    again = await table.get(after=first["next_cursor"], page_size=2, count="exact")
    assert again.json()["total"] == 5


async def test_a_walk_is_not_disturbed_by_writes(workbench: Workbench) -> None:
    table = await numbered(workbench, 10)
    first = (await table.get(after="", page_size=4, ordering="name")).json()
    await table.delete(ids="1,2,3,6")
    await table.add({"name": "a"}, {"name": "n05b"})
    rest = (await table.get(after=first["next_cursor"], page_size=100, ordering="name")).json()
    assert [row["id"] for row in rest["data"]] == [5, 12, 7, 8, 9, 10]


async def test_cursors_that_this_list_did_not_give(workbench: Workbench) -> None:
    table = await numbered(workbench, 5)
    cursor = (await table.get(after="", page_size=2, ordering="name")).json()["next_cursor"]
    assert (await table.get(after=cursor, ordering="-name")).status_code == 400
    assert (await table.get(after=cursor, ordering="count")).status_code == 400
    assert (await table.get(after=cursor, page=2)).status_code == 400

    def forged(values: str) -> str:
        return encode_cursor(values, ())

    for text in (
        *("x", "####", "é", cursor[:-4], cursor + "AAAA", cursor.swapcase(), "=" * 9, "A" * 5000),
        *(
            forged(values)
            for values in ("[]", "[1]", "null", '["x", "y"]', '["\\u0000", 1]', '["\\ud800", 1]')
        ),
    ):
        answer = await table.get(after=text, ordering="name")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["after"]), text


# --- search


async def test_search_over_declared_fields(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "title", "type": "string"},
        {"name": "body", "type": "string"},
        COUNT,
        search_fields=[{"field": "title", "weight": "A"}, "body"],
    )
    await table.add(
        {"title": "Flying fish", "body": "They jump out of the water", "count": 1},
        {"title": "Water", "body": "A fish lives there", "count": 2},
        {"title": "Birds", "body": "They fly in the air", "count": 3},
        {"title": None, "body": None, "count": 4},
    )

    async def found(text: str, **params: Any) -> list[int]:
        return await table.ids(search=text, **params)

    assert await found("fish") == [1, 2]
    assert await found("water") == [2, 1]
    assert await found("fish jumps") == [1]
    assert await found('"fish lives"') == [2]
    assert await found("fish -jump") == [2]
    assert sorted(await found("jump OR air")) == [1, 3]
    assert await found("fish", ordering="-id") == [2, 1]
    assert await found("fish", count__gt=1) == [2]
    assert await found("nothing") == []
    assert await found("the") == []
    assert await table.ids(search_vector__search="fly") == [1, 3]
    body = (await table.get(search="fish", page_size=1, page=2)).json()
    assert (body["total"], body["data"][0]["id"]) == (2, 2)
    assert set(body["data"][0]) == {"id", "title", "body", "count", "rank"}
    assert 0 < body["data"][0]["rank"] < 1
    assert "search_vector" not in (await table.rows())[0]
    assert (await table.get(search="fish", after="x")).status_code == 400
    assert await walk(table, page_size=1, search="fish", ordering="-id") == [2, 1]


async def test_search_without_declared_fields_looks_for_a_part_of_any_text(workbench: Workbench) -> None:
    table = await workbench.table(NAME, {"name": "note", "type": "string"}, COUNT)
    await table.add(
        {"name": "Ärger", "note": "100% sure"}, {"name": "b", "note": "ÄRGER_x"}, {"name": "c", "count": 100}
    )
    assert await table.ids(search="ärg") == [1, 2]
    assert await table.ids(search="100%") == [1]
    assert await table.ids(search="r_x") == [2]
    assert await table.ids(search="\\") == []
    assert await table.ids(search="nothing") == []
    assert await table.ids(search="") == [1, 2, 3]
    numbers = await workbench.table(COUNT)
    await numbers.add({"count": 5})
    assert await numbers.ids(search="5") == []


# --- projection


async def test_fields_are_chosen_and_the_key_is_always_there(workbench: Workbench) -> None:
    table = await numbered(workbench, 2)
    assert (await table.get(fields="name")).json()["data"] == [
        {"id": 1, "name": "n01"},
        {"id": 2, "name": "n02"},
    ]
    assert (await table.get("/1", fields="count,name")).json()["data"] == {"id": 1, "name": "n01", "count": 1}
    assert (await table.get(after="", fields="id")).json()["data"] == [{"id": 1}, {"id": 2}]
    wrong = await table.get(fields="nam")
    assert (wrong.status_code, wrong.json()["fields"]) == (400, ["There is no field 'nam'."])
    assert wrong.json()["hint"] == "Did you mean 'name'?"


# --- conditions


async def test_a_condition_that_does_not_fit_says_what_would(workbench: Workbench) -> None:
    table = await numbered(workbench, 1)
    for params, name, words in (
        ({"count__gt": "ten"}, "count__gt", "is not an integer"),
        ({"cout": "1"}, "cout", "There is no field 'cout'."),
        ({"count__near": "1"}, "count__near", "There is no operator 'near'."),
        ({"count__contains": "1"}, "count__contains", "does not apply"),
        ({"count__eq": "9" * 30}, "count", "is not an integer"),
        ({"name": "a\0b"}, "name", "NUL"),
    ):
        answer = await table.get(**params)
        assert answer.status_code == 400
        assert words in answer.json()[name][0], answer.text
    assert (await table.get(filters="{")).status_code == 400
    assert (await table.client.get(f"{table.url}?name=%ff")).status_code == 400


async def test_columns_that_are_called_like_parameters_or_operators(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "page", "type": "integer"},
        {"name": "a__in", "type": "string"},
        {"name": "_x", "type": "string"},
        {"name": "two words", "type": "string"},
        {"name": "select", "type": "string"},
        {"name": "rank", "type": "integer"},
    )
    await table.add({"page": 3, "a__in": "x", "_x": "y", "two words": "z", "select": "s", "rank": 1}, {})
    for params in (
        {"page__eq": "3"},
        {"a__in": "x"},
        {"a__in__eq": "x"},
        {"_x__eq": "y"},
        {"two words": "z"},
        {"select__eq": "s"},
        {"filters": '{"a__in": "x", "page": 3, "_x": "y", "select": "s"}'},
    ):
        assert await table.ids(**params) == [1], params
    assert await table.ids(ordering="-two words,rank") == [2, 1]
