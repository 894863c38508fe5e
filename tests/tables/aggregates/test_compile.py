"""Aggregates of real tables: functions, keys, order, pages, conditions, and what only the records decide."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from penstock.kit import http
from penstock.tables.aggregates.tree import Function
from penstock.tables.catalog import Table
from penstock.tables.models import DataTable, ProviderType
from penstock.tables.openapi import examples
from penstock.tables.records import service
from tests.server.test_openapi import EVERYTHING
from tests.tables.openapi.test_conditions import NOW
from tests.tables.workbench import Records, Workbench, exact

pytestmark = pytest.mark.anyio

FIELDS = (
    {"name": "category", "type": "string"},
    {"name": "price", "type": "number"},
    {"name": "stock", "type": "integer"},
    {"name": "at", "type": "datetime"},
    {"name": "day", "type": "date"},
    {"name": "clock", "type": "time"},
    {"name": "code", "type": "uuid"},
    {"name": "ok", "type": "boolean"},
    {"name": "doc", "type": "object"},
    {"name": "span", "type": "range", "of": "integer"},
    {"name": "made", "type": "year"},
    {"name": "lasts", "type": "duration"},
    {"name": "a-b", "type": "integer"},
)
A, B = "00000000-0000-4000-8000-00000000000a", "f0000000-0000-4000-8000-00000000000b"
ROWS: list[dict[str, Any]] = [
    {
        **{
            "category": "books",
            "price": "10.50",
            "stock": 7,
            "at": "2025-01-31T23:30:00Z",
            "day": "2025-01-31",
        },
        **{"clock": "09:30:00", "code": B, "ok": True, "doc": {"a": 1}, "span": {"lower": 1, "upper": 5}},
        **{"made": 1999, "lasts": "P1D", "a-b": 1},
    },
    {
        **{
            "category": "books",
            "price": "20.25",
            "stock": 2,
            "at": "2025-02-01T00:30:00Z",
            "day": "2025-02-01",
        },
        **{
            "clock": "18:00:00.5",
            "code": A,
            "ok": False,
            "doc": {"a": 2},
            "made": 2001,
            "lasts": "PT1H",
            "a-b": 2,
        },
    },
    {
        "category": "toys",
        "price": "0.10",
        "stock": 0,
        "at": "2025-02-15T12:00:00Z",
        "day": "2025-02-15",
        "ok": True,
    },
    {"category": "toys"},
    {"category": None, "price": "1e30", "stock": 2**63 - 1, "at": "2024-12-31T22:59:59.5Z"},
]


@pytest.fixture(scope="module")
async def table(workbench: Workbench) -> Records:
    found = await workbench.table(*FIELDS, name="goods")
    rows = [{**row, **({"price": Decimal(row["price"])} if "price" in row else {})} for row in ROWS]
    text = "[" + ",".join(_json(row) for row in rows) + "]"
    assert (await found.post(text)).status_code == 201
    return found


def _json(row: dict[str, Any]) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(row).decode()


async def one(table: Records, aggregate: str, **params: Any) -> dict[str, Any]:
    answer = await table.get(_aggregate=aggregate, **params)
    assert answer.status_code == 200, answer.text
    body = exact(answer)
    assert body["data"] == [body["aggregates"]]
    assert body["total"] == 1
    return body["aggregates"]


async def groups(table: Records, aggregate: str, by: str, **params: Any) -> list[dict[str, Any]]:
    answer = await table.get(_aggregate=aggregate, _group_by=by, **params)
    assert answer.status_code == 200, answer.text
    assert "aggregates" not in exact(answer)
    return exact(answer)["data"]


async def test_the_envelope(table: Records) -> None:
    body = exact(await table.get(_aggregate="count(*)", _group_by="category", page_size=2))
    assert body == {
        "data": [{"category": "books", "count": 2}, {"category": "toys", "count": 2}],
        "total": 3,
        "page": 1,
        "page_size": 2,
    }
    assert exact(await table.get(_aggregate="count(*)")) == {
        "data": [{"count": 5}],
        "total": 1,
        "page": 1,
        "page_size": 20,
        "aggregates": {"count": 5},
    }


async def test_every_function(table: Records) -> None:
    found = await one(
        table,
        "count(*), count(price), COUNT(distinct category) as kinds, sum(price), avg(stock), min(price), max(at),"
        "stddev(made), variance(made), array_agg(made), string_agg(category), json_agg(distinct category) as names",
        category__in="books,toys",
    )
    assert found == {
        "count": 4,
        "count_price": 3,
        "kinds": 2,
        "sum_price": Decimal("30.85"),
        "avg_stock": 3,
        "min_price": Decimal("0.10"),
        "max_at": "2025-02-15T12:00:00Z",
        "stddev_made": pytest.approx(Decimal("1.4142135623730950488")),
        "variance_made": 2,
        "array_agg_made": [1999, 2001, None, None],
        "string_agg_category": "books, books, toys, toys",
        "names": ["books", "toys"],
    }


async def test_digits_are_kept(table: Records) -> None:
    found = await one(table, "sum(price), sum(stock), max(stock), sum(stock + stock) as twice")
    assert found["sum_price"] == Decimal("1000000000000000000000000000030.85")
    assert found["sum_stock"] == 2**63 + 8
    assert found["twice"] == 2 * (2**63 + 8)


async def test_nothing_and_null(table: Records) -> None:
    every = (
        "count(*), count(price), sum(price), avg(price), min(price), max(day), stddev(price), variance(price),"
        "array_agg(price), string_agg(category), json_agg(price)"
    )
    found = await one(table, every, category="none such")
    assert found.pop("count") == found.pop("count_price") == 0
    assert set(found.values()) == {None}
    assert await groups(table, every, "category", category="none such") == []
    found = await one(table, "count(price), sum(price), string_agg(code), array_agg(code)", id=4)
    assert found == {"count_price": 0, "sum_price": None, "string_agg_code": None, "array_agg_code": [None]}


async def test_least_and_greatest_of_every_type(table: Records) -> None:
    found = await one(table, "min(code),max(code),min(clock),max(day),min(category),max(made),min(at)")
    assert found == {
        "min_code": A,
        "max_code": B,
        "min_clock": "09:30:00",
        "max_day": "2025-02-15",
        "min_category": "books",
        "max_made": 2001,
        "min_at": "2024-12-31T22:59:59.5Z",
    }


async def test_collections_show_items_as_records_do(table: Records) -> None:
    found = await one(
        table,
        "array_agg(at),json_agg(doc),array_agg(span),string_agg(at) as ats,string_agg(price),"
        "array_agg(distinct ok) as oks,string_agg(distinct clock) as clocks,"
        "array_agg(date_trunc('month',at)) as months",
        id__in="1,2",
    )
    assert found == {
        "array_agg_at": ["2025-01-31T23:30:00Z", "2025-02-01T00:30:00Z"],
        "json_agg_doc": [{"a": 1}, {"a": 2}],
        "array_agg_span": [{"lower": 1, "upper": 5, "bounds": "[)", "empty": False}, None],
        "ats": "2025-01-31T23:30:00Z, 2025-02-01T00:30:00Z",
        "string_agg_price": "10.50, 20.25",
        "oks": [False, True],
        "clocks": "09:30:00, 18:00:00.5",
        "months": ["2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"],
    }
    assert await groups(table, "array_agg(id) as ids", "category") == [
        {"category": "books", "ids": [1, 2]},
        {"category": "toys", "ids": [3, 4]},
        {"category": None, "ids": [5]},
    ]


async def test_arithmetic_is_decimal(table: Records) -> None:
    found = await one(
        table,
        "sum(price*stock) as value, avg(stock/2) as half, max(-stock + 2 * (3 - 1)) as most, sum(stock/stock) as ones",
        id__in="1,2",
    )
    assert found == {"value": Decimal("114"), "half": Decimal("2.25"), "most": 2, "ones": 2}
    assert await one(table, 'sum("a-b"), sum("a-b" - 1) as less') == {"sum_a-b": 3, "less": 1}


async def test_parts_of_moments(table: Records) -> None:
    found = await one(
        table,
        "max(extract(year from at)) as y, min(extract(quarter from day)) as q, max(extract(hour from clock)) as h,"
        "min(extract(hour from at at time zone 'Europe/Berlin')) as berlin, max(extract('second' from clock)) as s,"
        "max(extract(epoch from day)) as e",
        id__in="1,2",
    )
    assert found == {"y": 2025, "q": 1, "h": 18, "berlin": 0, "s": Decimal("0.5"), "e": 1738368000}


async def test_groups_by_period(table: Records) -> None:
    assert await groups(table, "count(*)", "date_trunc('month', at)") == [
        {"at_month": "2024-12-01T00:00:00Z", "count": 1},
        {"at_month": "2025-01-01T00:00:00Z", "count": 1},
        {"at_month": "2025-02-01T00:00:00Z", "count": 2},
        {"at_month": None, "count": 1},
    ]
    assert await groups(
        table, "count(*)", "date_trunc('month', at AT TIME ZONE 'Europe/Berlin') as month"
    ) == [
        {"month": "2024-12-01T00:00:00", "count": 1},
        {"month": "2025-02-01T00:00:00", "count": 3},
        {"month": None, "count": 1},
    ]
    assert await groups(table, "count(*)", "date_trunc('week',day)", day__null="false") == [
        {"day_week": "2025-01-27", "count": 2},
        {"day_week": "2025-02-10", "count": 1},
    ]
    assert await groups(table, "count(*)", "extract(isodow from day)", day__null="false") == [
        {"day_isodow": 5, "count": 1},
        {"day_isodow": 6, "count": 2},
    ]


async def test_keys_of_several_types(table: Records) -> None:
    found = await groups(table, "count(*)", 'ok,made,lasts,"a-b",code,clock', id__in="1,4")
    assert found == [
        {"ok": True, "made": 1999, "lasts": "P1D", "a-b": 1, "code": B, "clock": "09:30:00", "count": 1},
        {"ok": None, "made": None, "lasts": None, "a-b": None, "code": None, "clock": None, "count": 1},
    ]


@pytest.mark.parametrize(
    ("having", "categories"),
    [
        ("count(*) > 1", ["books", "toys"]),
        ("count__gt=1", ["books", "toys"]),
        ("count__gte=2,sum_price__lt=1", ["toys"]),
        ("sum_price >= 30.75 and sum_price < 100", ["books"]),
        ("sum_price >= 30.75 and sum_price < 100 or count = 1", ["books", None]),
        ("(count = 1 or count = 2) and max(stock) != 7", ["toys", None]),
        ("max(stock) <> 7", ["toys", None]),
        ("avg(price) > -5 AND min(price*2) <= 21", ["books", "toys"]),
        ("stddev(price) > 0", ["books"]),
        ("count__ne=1", ["books", "toys"]),
    ],
)
async def test_conditions_on_groups(table: Records, having: str, categories: list[str | None]) -> None:
    found = await table.get(_aggregate="count(*),sum(price)", _group_by="category", _having=having)
    assert found.status_code == 200, found.text
    assert [row["category"] for row in found.json()["data"]] == categories
    assert found.json()["total"] == len(categories)


async def test_conditions_without_groups(table: Records) -> None:
    kept = (await table.get(_aggregate="count(*)", _having="count > 1")).json()
    assert (kept["data"], kept["total"]) == ([{"count": 5}], 1)
    dropped = (await table.get(_aggregate="count(*)", _having="count > 9")).json()
    assert (dropped["data"], dropped["total"], dropped["aggregates"]) == ([], 0, {})
    assert (await table.get(_aggregate="sum(stock)", _group_by="made", _having="made > 1999")).json()[
        "total"
    ] == 1


async def test_order_is_total(table: Records) -> None:
    for ordering, expected in (
        ("", ["books", "toys", None]),
        ("-category", [None, "toys", "books"]),
        ("count", [None, "books", "toys"]),
        ("-count", ["books", "toys", None]),
        ("-sum_price", [None, "books", "toys"]),
        ("-count,-category", ["toys", "books", None]),
    ):
        found = await groups(table, "count(*),sum(price)", "category", ordering=ordering)
        assert [row["category"] for row in found] == expected, ordering
    pages = [
        await groups(table, "count(*)", "category", ordering="-count", limit=1, offset=offset)
        for offset in range(4)
    ]
    assert [[row["category"] for row in page] for page in pages] == [["books"], ["toys"], [None], []]


async def test_pages(table: Records) -> None:
    body = (await table.get(_aggregate="count(*)", _group_by="id", limit=2, offset=4)).json()
    assert (body["total"], body["page"], body["limit"], body["offset"]) == (5, 3, 2, 4)
    assert body["data"] == [{"id": 5, "count": 1}]
    body = (await table.get(_aggregate="count(*)", _group_by="id", count="none", page=2, page_size=3)).json()
    assert (body["total"], len(body["data"])) == (None, 2)
    assert (await table.get(_aggregate="count(*)", _group_by="id", count="planned")).json()["total"] == 5
    body = (await table.get(_aggregate="count(*)", page=2)).json()
    assert (body["data"], body["total"], body["aggregates"]) == ([], 1, {"count": 5})


async def test_filters_and_search_come_first(workbench: Workbench, table: Records) -> None:
    tree = '{"or": [{"category": "toys"}, {"stock__gt": 5}]}'
    assert await one(table, "count(*)", filters=tree, ok="true") == {"count": 2}
    assert await one(table, "count(*)", search="OOK") == {"count": 2}
    searched = await workbench.table(
        {"name": "body", "type": "string"}, {"name": "n", "type": "integer"}, search_fields=["body"]
    )
    await searched.add(
        {"body": "red apple", "n": 1}, {"body": "green apple", "n": 2}, {"body": "pear", "n": 4}
    )
    assert await one(searched, "sum(n)", search="apple -red") == {"sum_n": 2}
    assert await groups(searched, "sum(n * 2) as twice", "body", search="apple", n__gte=2) == [
        {"body": "green apple", "twice": 4}
    ]


async def test_deleted_records_are_left_out(workbench: Workbench) -> None:
    table = await workbench.table({"name": "n", "type": "integer"}, {"name": "is_deleted", "type": "boolean"})
    await table.add({"n": 1}, {"n": 2}, {"n": 4})
    await table.delete("/2")
    assert await one(table, "sum(n),array_agg(n)") == {"sum_n": 5, "array_agg_n": [1, 4]}
    assert await one(table, "sum(n)", is_deleted="true") == {"sum_n": 2}


async def test_relations_have_no_part_in_it(workbench: Workbench) -> None:
    parents = await workbench.table({"name": "name", "type": "string"}, name="parents")
    reference = {"fields": ["parent_id"], "reference": {"resource": "parents", "fields": ["id"]}}
    children = await workbench.table(
        {"name": "parent_id", "type": "integer"}, {"name": "n", "type": "integer"}, foreignKeys=[reference]
    )
    await parents.add({"name": "a"}, {"name": "b"})
    await children.add({"parent_id": 1, "n": 1}, {"parent_id": 1, "n": 2}, {"parent_id": 2, "n": 4})
    assert await groups(children, "sum(n)", "parent_id", populate="*") == [
        {"parent_id": 1, "sum_n": 3},
        {"parent_id": 2, "sum_n": 4},
    ]
    for params in (
        {"parent_id.name": "a"},
        {"filters": '{"or": [{"n": 1}, {"parent_id.name__contains": "a"}]}'},
        {"_group_by": "parent_id.name"},
        {"ordering": "parent_id.name"},
    ):
        answer = await children.get(**{"_aggregate": "count(*)", "_group_by": "n", **params})
        assert answer.status_code == 400, params


async def test_it_is_one_statement(
    workbench: Workbench, table: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one(table, "count(*)")
    seen: list[str] = []
    single = service.Pool.single

    async def counted(self: Any, sql: str, values: Any, *, repeatable: bool) -> Any:
        seen.append(sql)
        return await single(self, sql, values, repeatable=repeatable)

    monkeypatch.setattr(service.Pool, "single", counted)
    for least, zone in (("1.5", "Europe/Berlin"), ("7", "Asia/Tokyo")):
        await groups(
            table,
            f"sum(price * {least}) as s, array_agg(id) as ids",
            f"date_trunc('day', at at time zone '{zone}')",
            _having=f"s > {least}",
            stock__gt=least.partition(".")[0],
        )
    assert len(seen) == 2
    assert seen[0] == seen[1], "the text depends on the shape alone"


# --- what only the records decide


async def test_divisions_by_zero(table: Records) -> None:
    answer = await table.get(_aggregate="sum(price / stock) as p")
    assert answer.status_code == 400
    assert answer.json()["_aggregate"] == ["An expression divides by zero in at least one of the records."]
    assert (await table.get(_aggregate="sum(price / stock) as p", stock__ne=0)).status_code == 200
    assert (await table.get(_aggregate="sum(price / 0) as p")).status_code == 400


async def test_numbers_without_end(workbench: Workbench) -> None:
    table = await workbench.table({"name": "n", "type": "number"})
    assert (await table.post('{"n": 1e999}')).status_code == 201
    big = "*".join(["n"] * 20)
    assert len((await table.get(_aggregate=f"sum({big}) as p")).text) > 19_000
    assert (await table.get(_aggregate=f"variance({big}) as p, stddev(-n * n) as q")).status_code == 200


async def test_collections_are_bounded(workbench: Workbench) -> None:
    table = await workbench.table({"name": "n", "type": "integer"}, {"name": "k", "type": "integer"})
    for start in range(0, 10_001, 5_000):
        many = min(5_000, 10_001 - start)
        await table.add(*({"n": number % 7, "k": number % 2} for number in range(start, start + many)))
    for aggregate in ("array_agg(n)", "json_agg(n)", "string_agg(n)", "array_agg(distinct id)"):
        answer = await table.get(_aggregate=aggregate)
        assert answer.status_code == 400, aggregate
        assert "at most 10,000 items" in answer.json()["_aggregate"][0]
    assert (await one(table, "array_agg(distinct n)"))["array_agg_n"] == list(range(7))
    assert len((await one(table, "array_agg(id)", id__ne=1))["array_agg_id"]) == 10_000
    # Both groups are within it, the page is not; a page of one is.
    assert (await table.get(_aggregate="array_agg(id)", _group_by="k")).status_code == 400
    page = await groups(table, "array_agg(id)", "k", page_size=1)
    assert len(page[0]["array_agg_id"]) == 5_001
    await table.add(*({"n": None, "k": -1} for _ in range(20)))
    assert (await table.get(_aggregate="string_agg(n)")).status_code == 400, "empty values take no place"
    assert (await one(table, "string_agg(n)", id__ne=1))["string_agg_n"].count(",") == 9_999
    together = await table.get(_aggregate="array_agg(id), string_agg(id)", id__lt=6000)
    assert together.status_code == 400


async def test_long_values_are_bounded(workbench: Workbench) -> None:
    table = await workbench.table(
        {"name": "text", "type": "string"},
        {"name": "doc", "type": "object"},
        {"name": "k", "type": "integer"},
    )
    await table.add({"k": 0}, {"k": 0, "text": "short", "doc": {}})
    for _ in range(4):
        await table.add(*({"k": 1, "text": "x" * 2**20, "doc": {"a": "x" * 2**20}} for _ in range(9)))
    for aggregate in ("array_agg(text)", "string_agg(text)", "json_agg(doc)", "array_agg(distinct text)"):
        answer = await table.get(_aggregate=aggregate)
        assert answer.status_code == 400, aggregate
        assert "10,000 items and 32 MiB in one answer" in answer.json()["_aggregate"][0]
        assert (await table.get(_aggregate=aggregate, _group_by="k")).status_code == 400
        first = await groups(table, aggregate, "k", page_size=1)
        assert list(first[0].values())[1] in ([None, "short"], "short", [None, {}], ["short", None])
    whole = await one(table, "array_agg(text),count(distinct text)", id__lte=32)
    assert whole["count_text"] == 2
    assert sum(len(text or "") for text in whole["array_agg_text"]) == 30 * 2**20 + 5
    await table.add({"k": 2, "text": "y" * 3000})
    assert len((await one(table, "string_agg(distinct text)", k=2))["string_agg_text"]) == 3000


async def test_every_function_of_every_type(workbench: Workbench) -> None:
    """Answered or refused, and what is answered is the same for a key and for a group of one record."""
    table = await workbench.table(
        *EVERYTHING["fields"], primaryKey=EVERYTHING["primaryKey"], search_fields=EVERYTHING["search_fields"]
    )
    definition = DataTable(1, 1, 1, "t", "", EVERYTHING, "h", "s", "p", True, True, NOW, NOW, None, None)
    example = examples.whole(Table(definition, ProviderType.FLAT_TABLE, "a", is_audited=False).schema)
    await table.post(http.encode([example]))
    await table.add({"code": "ABC-99", "short": "123456789", "stock": 9, "ok": False})
    stored = (await table.rows())[0]
    answered: Counter[str] = Counter()
    for field in EVERYTHING["fields"]:
        name = field["name"]
        for function in Function:
            for distinct in ("", "distinct "):
                answer = await table.get(_aggregate=f'{function}({distinct}"{name}") as x', id=stored["id"])
                assert answer.status_code in (200, 400), answer.text
                if answer.status_code == 200:
                    answered[function] += 1
                    found = exact(answer)["aggregates"]["x"]
                    if function in ("min", "max"):
                        assert found == stored[name]
                    elif function in ("array_agg", "json_agg"):
                        assert found == [stored[name]]
        answer = await table.get(_aggregate="count(*)", _group_by=f'"{name}"', ordering=f"-{name}")
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            answered["key"] += 1
            assert stored[name] in [row[name] for row in exact(answer)["data"]]
    # Seven are documents or ranges, six are numbers.
    every = len(EVERYTHING["fields"])
    assert answered["key"] == every - 7
    assert answered["array_agg"] == answered["json_agg"] == answered["count"] == every + every - 7
    assert answered["sum"] == answered["avg"] == answered["stddev"] == answered["variance"] == 2 * 6
