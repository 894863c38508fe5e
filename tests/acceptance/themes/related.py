"""People, their orders, and labels of these: foreign keys, a junction, soft delete, a field of most types."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.acceptance.themes.shape import KEYS, NAME, WORD, Shape, described, pool, refers, texts, typed

PEOPLE_CONDITIONS: list[tuple[str, st.SearchStrategy[str]]] = [
    ("id__in", texts("1,2,3", "4", "1,x", "9")),
    ("name", texts("Ann", "ann", "")),
    ("name__ne", texts("Ann", "Bob")),
    ("name__contains", texts("n", "É", "%", "")),
    ("name__nstartswith", texts("a", "é")),
    ("name__ina", texts("ANN,bob", "éVA")),
    ("name__like", texts("_nn", "%a%")),
    ("age__gt", texts("17", "30", "abc", "9007199254740993")),
    ("age__between", texts("0,30", "30,0", "1")),
    ("age__null", texts("true", "false")),
    ("score__lte", texts("1.5", "1.50", "-3", "1e3")),
    ("score__nin", texts("0,1.5", "")),
    ("active", texts("true", "false", "maybe")),
    ("born__gte", texts("2000-01-01", "1969-12-31", "2000-13-01")),
    ("seen__lt", texts("2024-01-31T00:00:00Z", "2024-01-31T23:30:00+02:00")),
    ("tags__acontains", texts("a", "a,b")),
    ("tags__naoverlap", texts("b,c")),
    ("info__contains", texts("x")),
    ("team__endswith", texts("D", "e")),
    ("colour", texts("red")),
    ("name__near", texts("red")),
]
PEOPLE_TREES: list[Any] = [
    {"or": [{"name": "Ann"}, {"age__gt": 17}]},
    {"and": [{"not": {"name__contains": "n"}}, {"score__gte": Decimal("0.5")}]},
    [{"field": "age", "operator": "in", "value": [0, 30]}, {"active": True}],
    {"not": {"or": [{"age__null": True}, {"tags__acontains": ["a"]}]}},
    {"info": {"x": 1}},
    {"info__ne": {"x": 1, "y": [True, None]}},
    {"or": []},
    {"age": "old"},
    {"colour": 1},
]
RELATED_TREES: list[Any] = [
    {"not": {"orders.title__contains": "fox"}},
    {"or": [{"orders.total__gte": 2}, {"name": "Bob"}]},
    {"and": [{"orders.title": "red"}, {"orders.labels.weight__gt": 1}]},
    {"orders.nothing": 1},
]


PEOPLE = Shape(
    described(
        typed("id", "integer"),
        typed("code", "string", unique=True),
        typed("name", "string", maxLength=20),
        typed("age", "integer", minimum=-5),
        typed("score", "number"),
        typed("active", "boolean"),
        typed("born", "date"),
        typed("seen", "datetime"),
        typed("tags", "array"),
        typed("info", "object"),
        typed("team", "string", enum=["red", "Red", "blue"]),
        typed("created_at", "datetime"),
    ),
    {
        "id": KEYS,
        "code": pool("a", "b", "C", "c", "é", None),
        "name": NAME,
        "age": pool(0, 1, 18, 30, 30, -5, 2**53 + 1, None),
        "score": pool(
            Decimal("1.50"), Decimal("1.5"), 0, Decimal("-3.25"), Decimal("1e10"), Decimal("0.1"), None
        ),
        "active": pool(True, False, None),
        "born": pool("2000-01-01", "1969-12-31", "2024-02-29", None),
        "seen": pool(
            "2024-01-31T23:30:00Z", "2024-02-01T00:15:00.123456+02:00", "1970-01-01T00:00:00Z", None
        ),
        "tags": pool(["a", "b"], ["b"], [], ["a", 1, True], None),
        "info": pool({"x": 1}, {"x": Decimal("1.0"), "y": [True, None]}, {}, None),
        "team": pool("red", "Red", "blue", None),
    },
    [
        *PEOPLE_CONDITIONS,
        ("orders.title", texts("red", "Red fox")),
        ("orders.total__gt", texts("1", "x")),
        ("orders.labels.weight", texts("1", "2")),
        ("orders.labels.id__in", texts("a,b")),
        ("orders.nothing", texts("1")),
    ],
    ["orders", "orders.labels", "orders.person", "*", "orders.*", "nothing", "labels"],
    [
        "count(*)", "count(*) as n", "count(age) as n", "count(distinct name) as names", "sum(age)", "sum(score)",
        "avg(age)", "avg(score)", "min(name)", "max(seen)", "min(born)", "min(active)", "max(team)", "array_agg(age)",
        "string_agg(name)", "json_agg(name)", "array_agg(distinct team)", "stddev(age)", "variance(score)",
        "sum(age * 2 + 1) as twice", "sum(score / 2) as half", "sum(score) as n", "sum(distinct age)",
        "max(-age) as least", "avg(extract(year from seen)) as years", "min(date_trunc('month', seen)) as month",
        "median(age)", "sum(name)", "count(nothing)", "max(age + score) as both", "json_agg(info) as infos",
        "string_agg(seen) as moments", "sum(distinct score) as scores", "count(tags)",
    ],
    [
        "team", "active", "name", "age", "date_trunc('month', seen)", "date_trunc('week', born)",
        "date_trunc('day', seen at time zone 'Europe/Berlin') as day", "extract(dow from seen) as weekday",
        "extract(quarter from born) as quarter", "date_trunc('hour', seen) as hour", "score", "info", "nothing",
    ],
    ["id", "code", "team,active", "name", "nothing"],
)  # fmt: skip
ORDERS = Shape(
    described(
        typed("id", "integer"),
        typed("title", "string", required=True),
        typed("total", "number", minimum=0),
        typed("person_id", "integer"),
        typed("is_deleted", "boolean"),
        typed("created_at", "datetime"),
        typed("updated_at", "datetime"),
        foreignKeys=[refers("person_id", "people")],
    ),
    {
        "id": KEYS,
        "title": WORD,
        "total": pool(0, 1, Decimal("2.50"), 10, -1, None),
        "person_id": st.none() | KEYS,
    },
    [
        ("title__contains", texts("fox", "é", "%")),
        ("total__gte", texts("1", "2.5")),
        ("is_deleted", texts("true", "false")),
        ("is_deleted__null", texts("true")),
        ("person.name", texts("Ann", "Bob")),
        ("person_id.age__gt", texts("17", "x")),
        ("people.active", texts("true")),
        ("labels.weight__gte", texts("2")),
        ("labels.id", texts("a")),
        ("person.orders.title", texts("red")),
    ],
    ["person", "person_id", "people", "labels", "*", "person.orders", "labels.orders", "order_labels"],
    ["count(*) as n", "sum(total)", "avg(total)", "max(title)", "string_agg(title)", "count(person_id)"],
    ["person_id", "title"],
    ["id", "title", "person_id,title"],
)
LABELS = Shape(
    described(typed("id", "string"), typed("weight", "integer")),
    {"id": pool("a", "b", "B", "c,d"), "weight": pool(1, 2, 3, None)},
    [("weight__gt", texts("1")), ("orders.title__startswith", texts("red"))],
    ["orders", "orders.person"],
    ["count(*) as n", "avg(weight)"],
    ["weight"],
)
ORDER_LABELS = Shape(
    described(
        typed("order_id", "integer"),
        typed("label_id", "string"),
        key=("order_id", "label_id"),
        foreignKeys=[refers("order_id", "orders", "CASCADE"), refers("label_id", "labels", "CASCADE")],
    ),
    {"order_id": KEYS, "label_id": pool("a", "b", "B", "z")},
    [("order.title", texts("red")), ("label.weight", texts("1"))],
    ["order", "label", "*", "order.person"],
    unique=["order_id,label_id"],
)
# Without the others there is nothing that leads to them.
ALONE = replace(PEOPLE, conditions=PEOPLE_CONDITIONS, relations=())
RELATED = {"people": PEOPLE, "orders": ORDERS, "labels": LABELS, "order_labels": ORDER_LABELS}
