"""The published client `taruvi`, unmodified, against a running server: every call of its database module.

Each scenario runs with the client's blocking and with its asynchronous half, on each storage provider. What a provider
declares that it cannot do must be refused with the reason it declares.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import taruvi
from taruvi import exceptions

from penstock.tables.providers import Feature
from tests.acceptance.providers import PROVIDERS, refusal, server_for
from tests.conftest import RunningServer
from tests.databases import ADMIN_EMAIL, ADMIN_KEY, ADMIN_PASSWORD, Databases
from tests.mongodb import replica_set

__all__ = ["replica_set"]

Row = dict[str, Any]
SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {"name": "code", "type": "string", "constraints": {"unique": True}},
        {"name": "name", "type": "string"},
        {"name": "age", "type": "integer"},
        {"name": "price", "type": "number"},
        {"name": "active", "type": "boolean"},
        {"name": "at", "type": "datetime"},
        {"name": "tags", "type": "array"},
        {"name": "span", "type": "range", "of": "integer"},
        {"name": "body", "type": "string"},
    ],
    "primaryKey": ["id"],
    "search_fields": ["body"],
}


def span(lower: int | None, upper: int | None) -> Row:
    return {"lower": lower, "upper": upper, "bounds": "[)"}


ROWS: list[Row] = [
    {"name": "Ann", "age": 30, "price": 1.5, "active": True, "tags": ["a", "b"], "span": span(1, 5)},
    {"name": "anna", "age": 18, "price": 2.25, "active": False, "tags": ["b"], "span": span(5, 9)},
    {"name": "Bob%", "age": 45, "price": None, "active": None, "tags": [], "span": span(10, 20)},
    {
        "name": "Bo_b",
        "age": None,
        "price": 10,
        "active": True,
        "tags": ["a", "b", "c"],
        "span": span(None, 3),
    },
    {"name": "Écl", "age": 30, "price": 0.1, "active": True, "tags": ["c"], "span": span(15, None)},
    {"name": "éclair", "age": 61, "price": 99.99, "active": False, "tags": None, "span": None},
    {"name": None, "age": 0, "price": -3, "active": None, "tags": ["x,y"], "span": span(4, 6)},
]
for _number, _row in enumerate(ROWS, 1):
    _row.update(
        id=_number, code=f"c{_number}", at=f"2024-01-{_number:02}T10:00:00Z", body=f"word{_number} shared"
    )


def of(name: str, holds: Callable[[Any], bool]) -> list[int]:
    """The rows whose value is not null and holds."""
    return [row["id"] for row in ROWS if row[name] is not None and holds(row[name])]


def within(value: Row, number: int) -> bool:
    low, high = value["lower"], value["upper"]
    return (low is None or low <= number) and (high is None or number < high)


FILTERS: list[tuple[str, str, Any, list[int]]] = [
    ("name", "eq", "Ann", of("name", lambda v: v == "Ann")),
    ("active", "eq", True, of("active", lambda v: v)),
    ("active", "eq", "False", of("active", lambda v: not v)),
    ("age", "ne", 30, of("age", lambda v: v != 30)),
    ("age", "gt", 30, of("age", lambda v: v > 30)),
    ("age", "gte", 30, of("age", lambda v: v >= 30)),
    ("price", "lt", 1.5, of("price", lambda v: v < 1.5)),
    ("price", "lte", 1.5, of("price", lambda v: v <= 1.5)),
    ("at", "gt", "2024-01-03T10:00:00Z", of("at", lambda v: v > "2024-01-03T10:00:00Z")),
    ("age", "in", [18, 45], of("age", lambda v: v in (18, 45))),
    ("name", "in", ("Ann", "Bob%"), of("name", lambda v: v in ("Ann", "Bob%"))),
    ("age", "nin", [18, 45], of("age", lambda v: v not in (18, 45))),
    ("name", "ina", ["ANN", "ÉCL"], of("name", lambda v: v.lower() in ("ann", "écl"))),
    ("name", "nina", ["ANN", "ÉCL"], of("name", lambda v: v.lower() not in ("ann", "écl"))),
    ("name", "contains", "NN", of("name", lambda v: "nn" in v.lower())),
    ("name", "ncontains", "NN", of("name", lambda v: "nn" not in v.lower())),
    ("name", "icontains", "NN", of("name", lambda v: "nn" in v.lower())),
    ("name", "nicontains", "NN", of("name", lambda v: "nn" not in v.lower())),
    ("name", "contains", "%", of("name", lambda v: "%" in v)),
    ("name", "containss", "nn", of("name", lambda v: "nn" in v)),
    ("name", "containss", "NN", []),
    ("name", "ncontainss", "A", of("name", lambda v: "A" not in v)),
    ("name", "startswith", "an", of("name", lambda v: v.lower().startswith("an"))),
    ("name", "nstartswith", "an", of("name", lambda v: not v.lower().startswith("an"))),
    ("name", "istartswith", "É", of("name", lambda v: v.lower().startswith("é"))),
    ("name", "nistartswith", "É", of("name", lambda v: not v.lower().startswith("é"))),
    ("name", "startswiths", "an", of("name", lambda v: v.startswith("an"))),
    ("name", "nstartswiths", "an", of("name", lambda v: not v.startswith("an"))),
    ("name", "endswith", "B", of("name", lambda v: v.lower().endswith("b"))),
    ("name", "nendswith", "B", of("name", lambda v: not v.lower().endswith("b"))),
    ("name", "iendswith", "NA", of("name", lambda v: v.lower().endswith("na"))),
    ("name", "niendswith", "NA", of("name", lambda v: not v.lower().endswith("na"))),
    ("name", "endswiths", "b", of("name", lambda v: v.endswith("b"))),
    ("name", "nendswiths", "b", of("name", lambda v: not v.endswith("b"))),
    ("name", "like", "_n%", of("name", lambda v: v[1:2] == "n")),
    ("name", "ilike", "AN_", of("name", lambda v: len(v) == 3 and v.lower().startswith("an"))),
    ("age", "between", [18, 30], of("age", lambda v: 18 <= v <= 30)),
    ("age", "nbetween", (18, 30), of("age", lambda v: not 18 <= v <= 30)),
    ("age", "null", True, [4]),
    ("age", "null", "false", of("age", lambda v: True)),
    ("age", "nnull", True, of("age", lambda v: True)),
    ("search_vector", "search", "word3", [3]),
    ("tags", "acontains", ["a", "b"], of("tags", lambda v: {"a", "b"} <= set(v))),
    ("tags", "nacontains", ["a", "b"], of("tags", lambda v: not {"a", "b"} <= set(v))),
    ("tags", "acontainedby", ["a", "b"], of("tags", lambda v: set(v) <= {"a", "b"})),
    ("tags", "nacontainedby", ["a", "b"], of("tags", lambda v: not set(v) <= {"a", "b"})),
    ("tags", "aoverlap", ["a", "c"], of("tags", lambda v: bool({"a", "c"} & set(v)))),
    ("tags", "naoverlap", ["a", "c"], of("tags", lambda v: not {"a", "c"} & set(v))),
    ("tags", "aelement", "x,y", of("tags", lambda v: "x,y" in v)),
    ("tags", "naelement", "b", of("tags", lambda v: "b" not in v)),
    ("span", "rcontains", 4, of("span", lambda v: within(v, 4))),
    ("span", "rcontainedby", [0, 10], [1, 2, 7]),
    ("span", "roverlaps", [2, 5], [1, 4, 7]),
    ("span", "radjacent", [5, 9], [1]),
    ("span", "rstrictleft", [6, 9], [1, 4, 7]),
    ("span", "rstrictright", [0, 4], [2, 3, 5, 7]),
]


@dataclass
class Caller:
    """A client and the loop that its coroutines, if any, run on."""

    client: Any
    loop: asyncio.AbstractEventLoop
    admin: httpx2.Client
    provider: str

    @property
    def database(self) -> Any:
        return self.client.database

    def do(self, value: Any) -> Any:
        return self.loop.run_until_complete(value) if inspect.isawaitable(value) else value

    def ids(self, query: Any) -> list[int]:
        found = self.do(query.execute())
        assert set(found) == {"data", "total"}
        return [row["id"] for row in found["data"]]

    def is_refused(self, feature: Feature, ask: Callable[[], Any]) -> bool:
        """Whether the provider lacks the feature, and then says so."""
        reason = refusal(self.provider, feature)
        if reason is None:
            return False
        with pytest.raises(exceptions.ValidationError) as caught:
            self.do(ask())
        assert caught.value.message.endswith(f"provider '{self.provider}': {reason}")
        return True

    def stored(self) -> list[Row]:
        """What is in the table, as another caller sees it."""
        answer = self.admin.get("/api/apps/shop/datatables/people/data", params={"page_size": 1000})
        return answer.json()["data"]


@pytest.fixture(scope="module", params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    provider: str,
    request: pytest.FixtureRequest,
) -> Iterator[RunningServer]:
    with server_for(provider, databases, tmp_path_factory.mktemp(provider), request) as started:
        yield started


@pytest.fixture(scope="module")
def admin(server: RunningServer, provider: str) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Api-Key {ADMIN_KEY}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
        assert client.post("/api/apps", json={"name": "Shop"}).status_code == 201
        source = {"name": "Main", "provider_type": provider}
        assert client.post("/api/apps/shop/datasources", json=source).status_code == 201
        yield client


@pytest.fixture(params=["sync", "async"])
def caller(
    server: RunningServer, admin: httpx2.Client, provider: str, request: pytest.FixtureRequest
) -> Iterator[Caller]:
    """Signed in by password, with the rows in a fresh table `people`."""
    admin.delete("/api/apps/shop/datatables/people")
    made = admin.post(
        "/api/apps/shop/datasources/main/datatables", json={"name": "people", "json_schema": SCHEMA}
    )
    assert made.status_code == 201, made.text
    loop = asyncio.new_event_loop()
    stranger = taruvi.Client(api_url=server.url, app_slug="shop", mode=request.param)
    found = Caller(stranger, loop, admin, provider)
    found.client = found.do(stranger.auth.signInWithPassword(ADMIN_EMAIL, ADMIN_PASSWORD))
    assert found.do(found.database.create("people", ROWS)) == found.stored()
    yield found
    found.do(found.client.close())
    found.do(stranger.close())
    loop.close()


def test_who_is_signed_in(caller: Caller) -> None:
    user = caller.do(caller.client.auth.get_current_user())
    assert user.get("data", user)["email"] == ADMIN_EMAIL


def test_keys_and_refusals(server: RunningServer, caller: Caller) -> None:
    mode = "async" if inspect.isawaitable(probe := caller.client.auth.get_current_user()) else "sync"
    caller.do(probe)
    known = taruvi.Client(api_url=server.url, app_slug="shop", mode=mode, api_key=ADMIN_KEY)
    assert caller.do(known.database.from_("people").count()) == len(ROWS)
    unknown = taruvi.Client(api_url=server.url, app_slug="shop", mode=mode, api_key="x" * 40)
    with pytest.raises(exceptions.AuthenticationError):
        caller.do(unknown.database.get("people", 1))
    stranger = taruvi.Client(api_url=server.url, app_slug="shop", mode=mode)
    with pytest.raises(exceptions.AuthenticationError):
        caller.do(stranger.auth.signInWithPassword(ADMIN_EMAIL, "wrong"))
    for client in (known, unknown, stranger):
        caller.do(client.close())


def test_every_operator(caller: Caller) -> None:
    for name, operator, value, expected in FILTERS:
        query = caller.database.from_("people").filter(name, operator, value)
        if operator == "search" and caller.is_refused(Feature.SEARCH_CONDITIONS, query.execute):
            continue
        assert caller.ids(query) == expected, (name, operator, value)
        assert caller.do(query.count()) == len(expected)


def test_filters_together(caller: Caller) -> None:
    people = caller.database.from_
    assert caller.ids(people("people").filter("age", "ne", 30).filter("age", "ne", 18)) == [3, 6, 7]
    assert caller.ids(people("people").filter("age", "in", [30, 18]).filter("age", "in", [18, 45])) == [2]
    tree = {"or": [{"age__gte": 60}, {"and": [{"active": True}, {"not": {"name": "Ann"}}]}]}
    assert caller.ids(people("people").filter(tree)) == [4, 5, 6]
    assert caller.ids(people("people").filter(tree).filter("price", "lt", 50)) == [4, 5]
    nodes = [
        {
            "operator": "or",
            "value": [
                {"field": "name", "operator": "eq", "value": "Ann"},
                {"field": "name", "operator": "in", "value": ["Bob%", "x,y"]},
            ],
        }
    ]
    assert caller.ids(people("people").filter(nodes)) == [1, 3]


def test_order_pages_and_search(caller: Caller) -> None:
    people = caller.database.from_
    assert caller.ids(people("people").sort("age", "desc")) == [4, 6, 3, 1, 5, 2, 7]
    assert caller.ids(people("people").sort("-age,-id")) == [4, 6, 3, 5, 1, 2, 7]
    assert caller.ids(people("people").order_by(("active", "asc"), "-price")) == [6, 2, 4, 1, 5, 3, 7]
    page = caller.do(people("people").page_size(3).page(2).execute())
    assert ([row["id"] for row in page["data"]], page["total"]) == ([4, 5, 6], 7)
    assert caller.ids(people("people").search("word3 OR word5").sort("id")) == [3, 5]
    assert caller.ids(people("people").search("shared -word1").sort("id")) == [2, 3, 4, 5, 6, 7]
    assert caller.ids(people("people").search("nonsense")) == []


def test_aggregates(caller: Caller) -> None:
    people = caller.database.from_

    def rows(query: Any) -> list[Row]:
        found = caller.do(query.execute())
        assert found["total"] == len(found["data"])
        return found["data"]

    assert rows(people("people").aggregate("count(*)")) == [{"count": len(ROWS)}]
    everything = people("people").aggregate(
        "sum(price)", "avg(age) as mean", "min(name)", "max(at)", "count(age)"
    )
    assert rows(everything) == [
        {
            "sum_price": 110.84,
            "mean": pytest.approx(184 / 6),
            "min_name": "Ann",
            "max_at": "2024-01-07T10:00:00Z",
            "count_age": 6,
        }
    ]
    by_active = people("people").aggregate("count(*)", "sum(age) as years").group_by("active")
    groups = [
        {"active": False, "count": 2, "years": 79},
        {"active": True, "count": 3, "years": 60},
        {"active": None, "count": 2, "years": 45},
    ]
    assert rows(by_active) == groups
    assert rows(by_active.having("count(*) > 2")) == groups[1:2]
    assert rows(by_active.having("count__lt=3,years__gt=50")) == groups[:1]
    assert rows(by_active.having("years >= 60 and years < 79 or count = 2").sort("-years")) == groups
    assert caller.do(by_active.having("count(*) < 3").count()) == 2
    assert caller.do(people("people").aggregate("count(*)").filter("age", "gt", 29).first()) == {"count": 4}
    month = people("people").aggregate("count(distinct age) as ages").group_by("date_trunc('month', at)")
    assert rows(month.search("shared -word1")) == [{"at_month": "2024-01-01T00:00:00Z", "ages": 5}]
    page = caller.do(people("people").aggregate("count(*)").group_by("id").page_size(3).page(3).execute())
    assert page == {"data": [{"id": 7, "count": 1}], "total": 7}
    with pytest.raises(exceptions.ValidationError) as caught:
        caller.do(people("people").aggregate("sum(name)").execute())
    assert caught.value.details == {"_aggregate": ["sum takes numbers; 'name' is of type string."]}


def test_first_count_get(caller: Caller) -> None:
    people = caller.database.from_
    assert caller.do(people("people").sort("age").first())["id"] == 7
    assert caller.do(people("people").page_size(2).page(3).first())["id"] == 5
    assert caller.do(people("people").filter("age", "gt", 100).first()) is None
    assert caller.do(people("people").count()) == 7
    assert caller.do(people("people").filter("active", "eq", False).count()) == 2
    assert caller.do(caller.database.get("people", 6)) == caller.stored()[5]
    got = caller.do(people("people").get(6).execute())
    assert got["data"]["name"] == "éclair"
    assert caller.do(people("people").get(6).first())["name"] == "éclair"
    with pytest.raises(exceptions.NotFoundError) as caught:
        caller.do(caller.database.get("people", 99))
    assert (caught.value.status_code, caught.value.code, caught.value.message) == (
        404,
        "NOT_FOUND",
        "Not found.",
    )


def test_create(caller: Caller) -> None:
    one = caller.do(caller.database.create("people", {"name": "Zed", "price": 0.30}))
    assert (one["id"], one["name"], one["price"], one["age"]) == (8, "Zed", 0.3, None)
    many = caller.do(caller.database.create("people", [{"name": "x"}, {"name": "y"}]))
    assert [row["id"] for row in many] == [9, 10]
    staged = caller.do(caller.database.from_("people").create({"name": "z"}).execute())
    assert staged["data"]["id"] == 11
    assert [row["name"] for row in caller.stored()[7:]] == ["Zed", "x", "y", "z"]
    with pytest.raises(exceptions.ConflictError):
        caller.do(caller.database.create("people", {"code": "c1"}))
    with pytest.raises(exceptions.ValidationError) as caught:
        caller.do(caller.database.create("people", {"age": "old", "nmae": "x"}))
    assert set(caught.value.details) == {"age", "nmae"}
    assert len(caller.stored()) == 11


def test_update(caller: Caller) -> None:
    before = caller.stored()
    one = caller.do(caller.database.update("people", 1, {"age": 31}))
    assert one == {**before[0], "age": 31}
    many = caller.do(caller.database.update("people", [{"id": 3, "name": "Rob"}, {"id": 2, "age": None}]))
    assert many == [{**before[2], "name": "Rob"}, {**before[1], "age": None}]
    staged = caller.do(caller.database.from_("people").get(4).update({"active": False}).execute())
    assert staged["data"] == {**before[3], "active": False}
    listed = caller.do(caller.database.from_("people").update([{"id": 5, "age": 1}]).execute())
    assert listed["data"] == [{**before[4], "age": 1}]
    assert caller.stored() == [one, *reversed(many), staged["data"], *listed["data"], *before[5:]]
    with pytest.raises(exceptions.NotFoundError):
        caller.do(caller.database.update("people", 99, {"age": 1}))


def test_upsert(caller: Caller) -> None:
    people = caller.database.from_
    updated = caller.do(people("people").upsert({"id": 1, "age": 31}).execute())
    assert (updated["created"], updated["data"]["age"], updated["data"]["name"]) == (False, 31, "Ann")
    created = caller.do(people("people").upsert({"code": "c8", "age": 8}, unique_fields=["code"]).execute())
    assert (created["created"], created["data"]["id"]) == (True, 8)
    rows = [{"code": "c8", "age": 9}, {"code": "c9", "age": 10}]
    both = caller.do(people("people").upsert(rows, unique_fields=["code"]).execute())
    assert (both["created"], both["updated"]) == (1, 1)
    assert [(row["code"], row["age"]) for row in caller.stored()[7:]] == [("c8", 9), ("c9", 10)]


def test_delete(caller: Caller) -> None:
    people = caller.database.from_
    assert caller.do(caller.database.delete("people", 1)) is None
    assert caller.do(caller.database.delete("people", ids=[2, 3, 99])) == {"deleted": 2, "ids": [2, 3]}
    assert caller.do(caller.database.delete("people", filter={"age__gte": 60})) == {"deleted": 1}
    assert caller.do(people("people").delete(4).execute()) == {}
    assert caller.do(people("people").bulk_delete([5]).execute()) == {"deleted": 1, "ids": [5]}
    assert [row["id"] for row in caller.stored()] == [7]


def test_delete_filtered(caller: Caller) -> None:
    people = caller.database.from_
    query = people("people").filter("age", "ne", 30).filter("age", "ne", 18).filter("active", "null", True)
    assert caller.do(query.delete_filtered().execute()) == {"deleted": 2}
    tree = {"or": [{"name": "Ann"}, {"name": "anna"}]}
    mixed = people("people").filter(tree).filter("active", "eq", False)
    assert caller.do(mixed.delete_filtered().execute()) == {"deleted": 1}
    assert caller.do(people("people").filter("id", "in", [1, 4]).delete_filtered().execute()) == {
        "deleted": 2
    }
    with pytest.raises(ValueError, match="at least one filter"):
        caller.do(people("people").delete_filtered().execute())
    with pytest.raises(exceptions.ValidationError):
        caller.do(people("people").filter("nothing", "eq", 1).delete_filtered().execute())
    assert [row["id"] for row in caller.stored()] == [5, 6]


def test_edges_and_walks(caller: Caller) -> None:
    staff = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}],
        "primaryKey": ["id"],
        "graph": {"types": [{"name": "manager", "inverse": "reports"}, "dotted_line"]},
    }
    caller.admin.delete("/api/apps/shop/datatables/staff")
    made = caller.admin.post(
        "/api/apps/shop/datasources/main/datatables", json={"name": "staff", "json_schema": staff}
    )
    assert made.status_code == 201, made.text
    database, do = caller.database, caller.do
    do(database.create("staff", [{"name": name} for name in ("Alice", "Bob", "Carol", "Dan")]))
    links = [
        {"from_id": 2, "to_id": 1, "type": "manager", "metadata": {"since": "2024"}},
        {"from_id": 3, "to_id": 1, "type": "manager"},
        {"from_id": 4, "to_id": 2, "type": "dotted_line"},
    ]
    created = do(database.from_("staff").edges().create(links).execute())["data"]
    assert [(one["id"], one["from_id"], one["to_id"]) for one in created] == [(1, 2, 1), (2, 3, 1), (3, 4, 2)]

    def edges() -> Any:
        return database.from_("staff").edges()

    assert caller.ids(edges().filter("type", "eq", "manager")) == [1, 2]
    assert caller.ids(edges().types(["dotted_line"])) == [3]
    assert caller.ids(edges().sort("id", "desc").page_size(1)) == [3]
    assert do(edges().update({"metadata": {"since": "2025"}}).get(1).execute())["data"]["metadata"] == {
        "since": "2025"
    }

    def walk(way: str) -> Any:
        return database.from_("staff").include(way)

    flat = do(walk("both").depth(1).types(["manager", "dotted_line"]).get(2).execute())["data"]
    assert (flat["data"]["name"], [one["id"] for one in flat["manager"]]) == ("Bob", [1])
    assert ([one["id"] for one in flat["dotted_line_inverse"]], flat["reports"]) == ([4], [])
    tree = do(walk("descendants").format("tree").types(["manager"]).get(1).execute())
    assert ([one["id"] for one in tree["data"][0]["children"]], tree["total"]) == ([2, 3], 3)
    graph = do(walk("descendants").format("graph").filter("id", "eq", 1).execute())
    assert (len(graph["data"]["nodes"]), len(graph["data"]["edges"]), graph["total"]) == (4, 3, 4)
    assert do(edges().delete([1, 2]).execute())["deleted"] == 2
    assert caller.ids(edges()) == [3]


def test_related_records(caller: Caller, admin: httpx2.Client) -> None:
    fields = [{"name": "id", "type": "integer"}, {"name": "text"}, {"name": "person_id", "type": "integer"}]
    schema = {
        "fields": fields,
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": "person_id", "reference": {"resource": "people", "fields": "id"}}],
    }
    admin.delete("/api/apps/shop/datatables/notes")
    body = {"name": "notes", "json_schema": schema}
    assert admin.post("/api/apps/shop/datasources/main/datatables", json=body).status_code == 201
    notes = [{"id": 1, "text": "a", "person_id": 6}, {"id": 2, "text": "b", "person_id": None}]
    caller.do(caller.database.create("notes", notes))
    person = caller.stored()[5]
    try:
        query = caller.database.from_
        found = caller.do(query("notes").populate("person").sort("id").execute())
        assert found["data"] == [{**notes[0], "person": person}, {**notes[1], "person": None}]
        every = caller.do(query("notes").populate_all().sort("id").execute())
        assert (every["data"], every["total"]) == (found["data"], 2)
        first = caller.do(query("people").filter("id", "eq", 6).populate("notes").first())
        assert first == {**person, "notes": [notes[0]]}
        assert caller.ids(query("people").filter("notes.text", "eq", "a")) == [6]
        assert caller.ids(query("notes").filter("person_id.name", "startswith", "é")) == [1]
        assert caller.do(query("notes").filter("person.id", "eq", 6).count()) == 1
    finally:
        assert admin.delete("/api/apps/shop/datatables/notes").status_code == 204


@pytest.mark.usefixtures("pgvector")
def test_vector_and_hybrid_search(caller: Caller) -> None:
    schema = {
        "fields": [
            {"name": "id", "type": "integer"},
            {"name": "body", "type": "string"},
            {"name": "embedding", "type": "vector", "dimensions": 2},
        ],
        "primaryKey": ["id"],
        "search_fields": ["body"],
    }
    caller.admin.delete("/api/apps/shop/datatables/notes")
    body = {"name": "notes", "json_schema": schema}
    assert caller.admin.post("/api/apps/shop/datasources/main/datatables", json=body).status_code == 201
    rows = [
        {"id": 1, "body": "red sea", "embedding": [1, 0]},
        {"id": 2, "body": "blue sea", "embedding": [1, 1]},
        {"id": 3, "body": "blue hill", "embedding": [0, 1]},
        {"id": 4, "body": "nothing", "embedding": None},
    ]
    if caller.is_refused(Feature.VECTORS, lambda: caller.database.create("notes", rows)):
        return
    assert caller.do(caller.database.create("notes", rows)) == rows
    notes = caller.database.from_

    def near(**options: Any) -> Any:
        return notes("notes").vector_search("embedding", [1.0, 0.0], **options)

    found = caller.do(near().execute())
    assert (found["total"], [row["id"] for row in found["data"]]) == (3, [1, 2, 3])
    assert set(found["data"][0]) == {"id", "body", "embedding", "_vector_score", "_similarity_score"}
    assert [row["_vector_score"] for row in found["data"]] == pytest.approx([0, 1 - 0.5**0.5, 1])
    assert [row["_similarity_score"] for row in found["data"]] == pytest.approx([1, 0.5**0.5, 0])
    assert caller.ids(near(topk=2)) == [1, 2]
    assert caller.ids(near(threshold=0.5, ef_search=100, metric="cosine")) == [1, 2]
    assert caller.ids(near().filter("id", "gt", 1)) == [2, 3]
    hybrid = caller.do(near(topk=3).search("blue").hybrid(alpha=0.5).execute())
    assert [row["id"] for row in hybrid["data"]] == [2, 3, 1]
    assert {"_hybrid_score", "_fts_score"} <= set(hybrid["data"][0])
    assert caller.ids(near().search("blue").hybrid(strategy="rrf", alpha=0.0)) == [2, 3]
    assert caller.ids(near().search("blue").hybrid(alpha=1.0)) == [1, 2, 3]
    for wrong in (
        notes("notes").vector_search("embedding", [1.0]),
        notes("notes").vector_search("body", [1.0, 0.0]),
        near(metric="hamming"),
        near(topk=0),
    ):
        with pytest.raises(exceptions.ValidationError):
            caller.do(wrong.execute())


def test_under_row_rules(server: RunningServer, caller: Caller) -> None:
    """What a rule keeps back is as if it were not there; what may be done with a record is told on demand."""
    key = caller.admin.post(
        "/api/keys", json={"name": "desk", "kind": "service", "role": "operator", "claims": {"age": 30}}
    ).json()
    rule = {
        "name": "thirty",
        "read": {"or": [{"age": "$token.age"}, {"id": 2}]},
        "write": {"age": "$token.age"},
        "hidden_fields": ["price"],
    }
    made = caller.admin.post("/api/apps/shop/datatables/people/rules", json=rule)
    assert made.status_code == 201, made.text
    mode = "async" if inspect.isawaitable(probe := caller.client.auth.get_current_user()) else "sync"
    caller.do(probe)
    desk = taruvi.Client(api_url=server.url, app_slug="shop", mode=mode, api_key=key["key"])
    people = desk.database.from_
    found = caller.do(people("people").sort("id").execute())
    assert [(row["id"], "price" in row) for row in found["data"]] == [(1, False), (2, False), (5, False)]
    assert found["total"] == 3

    def actions() -> Any:
        return people("people").sort("id").allowed_actions(["update", "delete"]).execute()

    if not caller.is_refused(Feature.ALLOWED_ACTIONS, actions):
        told = [(row["id"], row["_allowed_actions"]) for row in caller.do(actions())["data"]]
        assert told == [(1, ["update", "delete"]), (2, []), (5, ["update", "delete"])]
        assert caller.do(desk.database.update("people", 1, {"name": "Ada"}))["name"] == "Ada"
    assert caller.do(people("people").count()) == 3
    assert caller.do(desk.database.get("people", 2))["name"] == "anna"
    with pytest.raises(exceptions.NotFoundError):
        caller.do(desk.database.get("people", 3))
    with pytest.raises(exceptions.AuthorizationError):
        caller.do(desk.database.update("people", 2, {"name": "x"}))
    with pytest.raises(exceptions.ValidationError):
        caller.do(people("people").filter("price", "gt", 1).execute())
    rows = caller.do(people("people").aggregate("count(*) as n").execute())["data"]
    assert rows == [{"n": 3}]
    caller.do(desk.close())
