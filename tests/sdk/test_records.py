from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from penstock_sdk import (
    AppHandle,
    AsyncClient,
    Client,
    ConflictError,
    F,
    NotFoundError,
    PreconditionFailedError,
    Records,
    ValidationError,
)
from tests.conftest import RunningServer

PEOPLE = [
    {"id": 1, "name": "Ann", "email": "ann@example.com", "age": 30, "price": 1.5},
    {"id": 2, "name": "bob", "email": "bob@example.com", "age": 20, "price": None},
    {"id": 3, "name": "Çelik, Ö", "email": None, "age": None, "price": 2.25},
    {"id": 4, "name": "Dora", "email": "dora@example.com", "age": 20, "price": -1},
    {"id": 5, "name": "annika", "email": "annika@example.com", "age": 41, "price": 0},
]


@pytest.fixture
def filled(people: Records) -> Records:
    people.create(PEOPLE)
    return people


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["id"] for row in rows]


def test_create_gives_rows_as_stored(people: Records) -> None:
    one = people.create({"name": "Zoe"})
    assert one["id"] == 1
    assert one["active"] is True
    many = people.create([{"name": "a"}, {"name": "b"}])
    assert [row["name"] for row in many] == ["a", "b"]
    assert people.create([]) == []


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"age": 20}, [2, 4]),
        ({"age__gt": 20}, [1, 5]),
        ({"age": None}, [3]),
        ({"age__ne": None}, [1, 2, 4, 5]),
        ({"name__startswith": "ann"}, [1, 5]),
        ({"name__in": ["Çelik, Ö", "Dora"]}, [3, 4]),
        ({"age__between": [20, 30], "name__ne": "bob"}, [1, 4]),
        ({"price": Decimal("2.25")}, [3]),
    ],
)
def test_filters(filled: Records, conditions: dict[str, object], expected: list[int]) -> None:
    assert ids(filled.filter(**conditions).all()) == expected
    assert filled.filter(**conditions).count() == len(expected)


def test_expressions(filled: Records) -> None:
    tree = (F("age") == 20) | F("name").contains("ÇELİK".replace("İ", "i")) & ~F("price").is_null()
    assert ids(filled.where(tree).order_by("-id").all()) == [4, 3, 2]
    assert ids(filled.where({"or": [{"id": 1}, {"id__gt": 4}]}).all()) == [1, 5]
    assert ids(filled.where(~F("name").in_(["Ann", "bob"]), F("age").is_not_null()).all()) == [4, 5]


def test_pages_limits_and_first(filled: Records) -> None:
    page = filled.order_by("-id").page(2, size=2).fetch()
    assert (ids(page.data), page.total, page.page, page.page_size) == ([3, 2], 5, 2, 2)
    assert ids(list(filled.page(2, size=2))) == [3, 4]
    assert ids(filled.limit(3).page_size(2).all()) == [1, 2, 3]
    assert ids(filled.offset(1).page_size(2).all()) == [2, 3, 4, 5]
    assert filled.counting("none").fetch().total is None
    assert filled.order_by("-age", "id").where(F("age").is_not_null()).first()["id"] == 5  # type: ignore[index]
    assert filled.filter(id=99).first() is None
    assert filled.filter(id=99).all() == []


def test_select_keeps_the_key(filled: Records) -> None:
    assert filled.select("name").first() == {"id": 1, "name": "Ann"}


def test_iteration_crosses_pages_in_order_with_ties_and_nulls(people: Records) -> None:
    rows = [{"id": n, "name": f"n{n % 7}", "age": n % 5 or None} for n in range(1, 251)]
    assert people.bulk_create(rows, chunk=100) == 250
    for order in (("-age", "name"), ("age",), ("name", "-id"), ()):
        query = people.order_by(*order).page_size(7)
        walked = ids(list(query))
        assert len(walked) == len(set(walked)) == 250
        assert walked == ids(people.order_by(*order).limit(1000).fetch().data)
    assert [len(page.data) for page in people.page_size(100).pages()] == [100, 100, 50]


def test_get_and_update_with_entity_tags(filled: Records) -> None:
    before = filled.get(1)
    assert before["name"] == "Ann"
    assert before.etag
    after = filled.update(1, {"age": 31}, if_match=before.etag)
    assert after["age"] == 31
    with pytest.raises(PreconditionFailedError):
        filled.update(1, {"age": 32}, if_match=before.etag)
    assert filled.get(1, fields=["age"]) == {"id": 1, "age": 31}


def test_update_many_and_bulk_update(filled: Records) -> None:
    assert [row["age"] for row in filled.update_many([{"id": 2, "age": 5}, {"id": 1, "age": 6}])] == [5, 6]
    assert filled.bulk_update(({"id": n, "active": False} for n in range(1, 6)), chunk=2) == 5
    assert filled.filter(active=False).count() == 5
    with pytest.raises(NotFoundError):
        filled.update(99, {"age": 1})


def test_upsert(filled: Records) -> None:
    new = filled.upsert({"name": "Eve", "email": "eve@example.com"}, unique_fields=["email"])
    assert (new.created, new.updated, new.data[0]["name"]) == (1, 0, "Eve")
    both = filled.upsert(
        [{"name": "Eva", "email": "eve@example.com"}, {"name": "Flo", "email": "flo@example.com"}],
        unique_fields=["email"],
    )
    assert (both.created, both.updated) == (1, 1)
    assert filled.bulk_upsert([{"id": 1, "name": "A1"}, {"id": 77, "name": "A77"}]) == 2
    assert filled.get(1)["name"] == "A1"


def test_deletes(filled: Records) -> None:
    filled.delete(1)
    with pytest.raises(NotFoundError):
        filled.delete(1)
    assert filled.delete_many(ids=[2, 99]) == 1
    assert filled.delete_many(filter={"age": 20}) == 1
    assert filled.delete_many(filter=filled.where(F("name").startswith("ç") | (F("id") == 99))) == 1
    assert ids(filled.all()) == [5]
    for wrong in ({}, {"ids": [1], "filter": {"id": 1}}, {"filter": filled.order_by("id")}):
        with pytest.raises(ValueError, match=r"needs"):
            filled.delete_many(**wrong)  # type: ignore[arg-type]
    assert filled.count() == 1


def test_bad_rows_are_named_and_nothing_is_stored(people: Records) -> None:
    with pytest.raises(ValidationError) as caught:
        people.create([{"name": "ok"}, {"name": "x", "age": "old"}, {"age": 1}])
    assert [fault.index for fault in caught.value.rows] == [1, 2]
    assert set(caught.value.rows[0].errors) == {"age"}
    assert people.count() == 0


def test_a_taken_unique_value_is_a_conflict(filled: Records) -> None:
    with pytest.raises(ConflictError):
        filled.create({"name": "x", "email": "ann@example.com"})


def test_a_bulk_says_where_in_the_stream_the_bad_row_is(people: Records) -> None:
    rows = ({"name": f"n{n}", "age": -1 if n == 25 else n} for n in range(40))
    with pytest.raises(ValidationError) as caught:
        people.bulk_create(rows, chunk=10)
    assert [fault.index for fault in caught.value.rows] == [25]
    assert people.count() == 20


def test_a_repeated_key_is_answered_from_memory(people: Records) -> None:
    first = people.create({"name": "once"}, idempotency_key="k-1")
    assert people.create({"name": "once"}, idempotency_key="k-1") == first
    assert people.count() == 1


def test_numbers_and_times_keep_their_value(server: RunningServer, people: Records, app: AppHandle) -> None:
    price = Decimal("12345678901234567890.123456789")
    seen = datetime(2025, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
    made = people.create(
        {"id": 2**62 + 1, "name": "x", "price": price, "seen_at": seen, "tags": ["a", {"b": 1}]}
    )
    assert made["id"] == 2**62 + 1
    assert made["price"] == float(price)
    assert made["seen_at"] == "2025-03-01T09:30:00.123456Z"
    with Client(server.url, key=server.key, decimals=True) as exact:
        records = exact.app(app.slug).table(people._path.split("/")[-3]).records
        assert records.get(2**62 + 1)["price"] == price
        assert records.filter(seen_at=seen, price=price).count() == 1
    with pytest.raises(ValueError, match="no JSON form"):
        people.create({"name": "x", "price": float("nan")})


def test_composite_keys(app: AppHandle) -> None:
    schema = {
        "fields": [
            {"name": "a", "type": "string"},
            {"name": "b", "type": "datetime"},
            {"name": "c", "type": "integer"},
        ],
        "primaryKey": ["a", "b"],
    }
    app.tables.create("main", "composite", schema)
    records = app.table("composite").records
    at = datetime(2025, 1, 1, tzinfo=UTC)
    records.create([{"a": "x/y", "b": at, "c": 1}, {"a": "ü", "b": at, "c": 2}])
    assert records.get(("x/y", at))["c"] == 1
    assert records.update(("ü", at), {"c": 3})["c"] == 3
    records.delete(("x/y", at))
    assert records.count() == 1


def test_the_async_client_does_the_same(server: RunningServer, filled: Records, app: AppHandle) -> None:
    name = filled._path.split("/")[-3]

    async def run() -> None:
        async with AsyncClient(server.url, key=server.key) as client:
            records = client.app(app.slug).table(name).records
            assert [row["id"] async for row in records.page_size(2)] == [1, 2, 3, 4, 5]
            assert await records.filter(age=20).count() == 2
            assert (await records.get(1))["name"] == "Ann"
            created = await asyncio.gather(*(records.create({"name": f"p{n}"}) for n in range(10)))
            assert len({row["id"] for row in created}) == 10
            assert [app_.slug async for app_ in client.apps.list(page_size=1)].count(app.slug) == 1

    asyncio.run(run())


def test_aggregates(filled: Records) -> None:
    (row,) = filled.aggregate("count(*)", "sum(price) as total", "avg(age)").all()
    assert row == {"count": 5, "total": 2.75, "avg_age": 27.75}
    by_age = filled.filter(name__ne="bob").aggregate("count(*)").group_by("age")
    assert by_age.order_by("-count").all() == [
        {"age": 20, "count": 1},
        {"age": 30, "count": 1},
        {"age": 41, "count": 1},
        {"age": None, "count": 1},
    ]
    assert (by_age.count(), by_age.first()) == (4, {"age": 20, "count": 1})
    assert [page.data for page in by_age.page_size(3).pages()] == [
        [{"age": 20, "count": 1}, {"age": 30, "count": 1}, {"age": 41, "count": 1}],
        [{"age": None, "count": 1}],
    ]
    page = by_age.having("count(*) = 1", age__gt=25).page(1, size=1).fetch()
    assert (page.data, page.total) == ([{"age": 30, "count": 1}], 2)
    with pytest.raises(ValidationError) as caught:
        filled.aggregate("sum(name)").all()
    assert caught.value.errors == {"_aggregate": ["sum takes numbers; 'name' is of type string."]}


def test_related_records(app: AppHandle, client: Client) -> None:
    key = {"fields": "boss_id", "reference": {"resource": "", "fields": "id"}}
    fields = [{"name": "id", "type": "integer"}, {"name": "name"}, {"name": "boss_id", "type": "integer"}]
    app.tables.create("main", "staff", {"fields": fields, "primaryKey": ["id"], "foreignKeys": [key]})
    staff = app.table("staff").records
    staff.create(
        [
            {"id": 1, "name": "Ann"},
            {"id": 2, "name": "Bob", "boss_id": 1},
            {"id": 3, "name": "Cy", "boss_id": 2},
        ]
    )
    (bob,) = staff.populate("boss").populate("staff:boss_id").filter(**{"boss.name": "Ann"})
    assert (bob["boss"]["name"], ids(bob["staff:boss_id"])) == ("Ann", [3])
    assert ids(staff.where(~F("boss_id.boss.name").is_not_null()).all()) == [1, 2]
    assert ids(staff.where(F("boss.name").startswith("b")).populate("*").page_size(1).all()) == [3]
    one = staff.get(3, populate=["boss_id.boss"], fields=["name", "boss_id.name"])
    assert one == {
        "id": 3,
        "name": "Cy",
        "boss_id": {"id": 2, "name": "Bob", "boss": {"id": 1, "name": "Ann", "boss_id": None}},
    }
    assert one.etag is None
    with pytest.raises(ValidationError, match="no relation"):
        staff.populate("nobody").fetch()
