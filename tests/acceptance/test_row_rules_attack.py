"""Nothing of hidden rows and fields is told: whoever is held to rules is answered as if nothing else were there.

The oracle is a second table with the visible rows and fields alone, asked the same by its owner.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature, capabilities
from penstock_sdk import Client
from tests.conftest import RunningServer, running_server
from tests.databases import Databases
from tests.mongodb import replica_set

__all__ = ["replica_set"]

APP = "/api/apps/rules"
# What a restricted user may not know: values of theirs are in no answer.
SECRET = "sesame"
FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer"},
    {"name": "title", "type": "string"},
    {"name": "grade", "type": "integer"},
    {"name": "owner", "type": "string"},
    {"name": "parent_id", "type": "integer"},
    {"name": "tags", "type": "array"},
    {"name": "day", "type": "date"},
]
HIDDEN: list[dict[str, Any]] = [{"name": "salary", "type": "integer"}, {"name": "note", "type": "string"}]
NEAR = {"name": "near", "type": "vector", "dimensions": 3}
NOTES: list[dict[str, Any]] = [
    {"name": "id", "type": "integer"},
    {"name": "item_id", "type": "integer"},
    {"name": "text", "type": "string"},
    {"name": "stars", "type": "integer"},
]
# What each provider lacks decides what the tables have.
PROVIDERS = [ProviderType.FLAT_TABLE, ProviderType.JSONB, ProviderType.MONGODB]


def schema(provider: ProviderType, *, secret: bool) -> dict[str, Any]:
    can = capabilities(provider).can
    vectors = [NEAR] if can(Feature.VECTORS) else []
    hidden = [*HIDDEN, *({**NEAR, "name": "likeness"} for _ in vectors)] if secret else []
    found: dict[str, Any] = {
        "fields": [*FIELDS, *vectors, *hidden],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": "parent_id", "reference": {"resource": "", "fields": "id"}}],
        "graph": {"types": ["link"]},
    }
    if can(Feature.SEARCH):
        found["search_fields"] = ["title", *(["note"] if secret else [])]
    if can(Feature.CHANGES):
        found["changes"] = True
    return found


def notes(name: str, *, secret: bool) -> dict[str, Any]:
    """Records that refer to items, under a rule of their own."""
    return {
        "fields": [*NOTES, *([{"name": "mark", "type": "string"}] if secret else [])],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": "item_id", "reference": {"resource": name, "fields": "id"}}],
    }


@dataclass
class Pair:
    """The guarded table as the restricted user asks it, and the plain one as its owner does."""

    provider: ProviderType
    user: httpx2.Client
    owner: httpx2.Client

    def both(self, path: str, params: dict[str, str]) -> tuple[httpx2.Response, httpx2.Response]:
        return (
            self.user.get(f"{APP}/datatables/items_guarded{path}", params=params),
            self.owner.get(f"{APP}/datatables/items_plain{path}", params=params),
        )

    def require(self, feature: Feature) -> None:
        if not capabilities(self.provider).can(feature):
            pytest.skip(f"{self.provider} has none of it")

    def everything(self) -> list[dict[str, Any]]:
        params = {"page_size": "1000", "ordering": "id"}
        return self.owner.get(f"{APP}/datatables/items_guarded/data", params=params).json()["data"]


@pytest.fixture(scope="module", params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> ProviderType:
    return request.param


@pytest.fixture(scope="module")
def guarding(
    provider: ProviderType,
    databases: Databases,
    pgvector: None,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[RunningServer]:
    with databases.clone() as cloned:
        environment = dict(cloned.environment)
        if provider is ProviderType.MONGODB:
            environment["PENSTOCK_MONGODB_URL"] = f"{request.getfixturevalue('replica_set')}rules"
        with running_server(tmp_path_factory.mktemp("server"), environment) as started:
            yield started


@pytest.fixture(scope="module")
def pair(provider: ProviderType, guarding: RunningServer) -> Iterator[Pair]:
    server = guarding
    with Client(server.url, key=server.key) as client:
        client.apps.create("Rules")
        client.app("rules").sources.create("Main", provider_type=provider)
        tables = client.app("rules").tables
        tables.create("main", "items_guarded", schema(provider, secret=True))
        tables.create("main", "items_plain", schema(provider, secret=False))
        tables.create("main", "notes_guarded", notes("items_guarded", secret=True))
        tables.create("main", "notes_plain", notes("items_plain", secret=False))
        login = _login(client, "mole")
        _fill(client, schema(provider, secret=True))
        hidden = [one["name"] for one in schema(provider, secret=True)["fields"] if one["name"] in _HIDDEN]
        rule = {
            "name": "own", "read": {"owner": "$user.email"},
            "write": {"and": [{"owner": "$user.email"}, {"grade__lt": 90}]},
            "hidden_fields": hidden,
        }  # fmt: skip
        client.request("POST", f"{APP}/datatables/items_guarded/rules", body=rule)
        kept = {"name": "few", "read": {"not": {"text__contains": SECRET}}, "hidden_fields": ["mark"]}
        client.request("POST", f"{APP}/datatables/notes_guarded/rules", body=kept)
    headers = {"Authorization": f"Bearer {login}"}
    with (
        httpx2.Client(base_url=server.url, headers=headers, timeout=60) as mole,
        httpx2.Client(
            base_url=server.url, headers={"Authorization": f"Key {server.key}"}, timeout=60
        ) as owner,
    ):
        yield Pair(provider, mole, owner)


_HIDDEN = ("salary", "note", "likeness")


def _login(client: Client, name: str) -> str:
    password = "long enough for all"
    user = {"username": name, "email": f"{name}@x.org", "password": password, "role": "operator"}
    client.request("POST", "/api/users", body=user)
    login = client.request("POST", "/api/auth/jwt/token", body={"username": name, "password": password})
    return login["access"]


def _fill(client: Client, guarded: dict[str, Any]) -> None:
    chance = random.Random(7)
    rows: list[dict[str, Any]] = []
    known = {one["name"] for one in guarded["fields"]}
    for key in range(1, 61):
        mine = key % 3 != 0
        row = {
            "id": key,
            "title": chance.choice(["red apple", "green pear", "blue plum", "red plum"])
            + ("" if mine else f" {SECRET}"),
            "grade": chance.choice([None, *range(5)]),
            "owner": "mole@x.org" if mine else chance.choice(["other@x.org", None]),
            # A visible record has a visible parent, so that the plain table can have it, too.
            "parent_id": None,
            "tags": chance.sample(["a", "b", "c"], chance.randint(0, 3)),
            "day": f"2026-0{chance.randint(1, 9)}-11",
            "salary": chance.randint(1000, 9999),
            "note": f"{SECRET} {key}",
            "near": [chance.randint(-9, 9) or 1 for _ in range(3)],
            "likeness": [key, 1, 1],
        }
        rows.append({name: value for name, value in row.items() if name in known})
    for row in rows:
        if row["id"] > 6 and chance.random() < 0.7:
            near = [
                one for one in rows if one["id"] < row["id"] and (one["id"] % 3 != 0 or row["id"] % 3 == 0)
            ]
            row["parent_id"] = chance.choice(near)["id"]
    plain = [
        {name: value for name, value in row.items() if name not in _HIDDEN} for row in rows if row["id"] % 3
    ]
    client.app("rules").table("items_guarded").records.create(rows)
    client.app("rules").table("items_plain").records.create(plain)
    written: list[dict[str, Any]] = []
    for key in range(1, 91):
        kept = key % 4 == 0
        item = chance.choice([row for row in rows if kept or row["id"] % 3])
        text = f"{SECRET} of {key}" if kept else chance.choice(["good", "bad", "so so"])
        written.append(
            {"id": key, "item_id": item["id"], "text": text, "stars": chance.randint(0, 5), "mark": SECRET}
        )
    shown = [one["name"] for one in NOTES]
    plainly = [{name: row[name] for name in shown} for row in written if row["id"] % 4]
    client.app("rules").table("notes_guarded").records.create(written)
    client.app("rules").table("notes_plain").records.create(plainly)
    for table, few in (("items_guarded", rows), ("items_plain", plain)):
        ids = {row["id"] for row in few}
        edges = [
            {"from": a, "to": b, "type": "link"}
            for a, b in ((k, (k * 7) % 60 + 1) for k in range(1, 61))
            if a in ids and b in ids and a != b
        ]
        client.request("POST", f"{APP}/datatables/{table}/edges", body=edges)


def conditions(chance: random.Random) -> dict[str, str]:
    """Parameters that pick rows, by visible and by hidden fields."""
    simple = [
        {"grade__gte": "2"}, {"grade__null": "true"}, {"title__contains": "plum"}, {"title__icontains": SECRET},
        {"id__in": "1,2,3,4,5,6,33"}, {"owner": "other@x.org"}, {"owner__ne": "mole@x.org"}, {"tags__aelement": "a"},
        {"day__lt": "2026-05-01"}, {"search": "plum"}, {"search": SECRET}, {"parent.grade": "1"},
        {"parent.title__contains": SECRET}, {"items_guarded.grade": "1"}, {"id__descendants": "5"},
        {"id__ancestors": "3"}, {"id__ancestors": "5"}, {"salary__gt": "5000"}, {"note__contains": SECRET},
        {"parent.salary": "1"}, {"parent.note__contains": "s"},
        {"filters": json.dumps({"or": [{"owner": "other@x.org"}, {"grade": 3}]})},
        {"filters": json.dumps({"not": {"owner": "mole@x.org"}})},
        {"filters": json.dumps({"not": {"or": [{"grade__lt": 2}, {"parent.grade": 2}]}})},
        {"filters": json.dumps({"or": [{"salary__gt": 1}, {"id": 3}]})},
        {"notes_guarded.stars__gte": "4"}, {"notes_guarded.text__contains": SECRET}, {"notes_guarded.mark": SECRET},
        {"notes_guarded.item.notes_guarded.text": "bad"}, {"parent.notes_guarded.stars": "0"},
        {"filters": json.dumps({"not": {"notes_guarded.stars__gte": 1}})},
        {"filters": json.dumps({"not": {"notes_guarded.text__contains": SECRET}})},
        {"filters": json.dumps({"or": [{"notes_guarded.stars": 5}, {"not": {"parent.notes_guarded.stars": 2}}]})},
    ]  # fmt: skip
    found: dict[str, str] = {}
    for one in chance.sample(simple, chance.randint(0, 3)):
        found |= one
    return found


def of_notes(chance: random.Random) -> dict[str, str]:
    """Parameters of a list of notes, by what they refer to."""
    simple = [
        {"item.grade__gte": "2"}, {"item.title__contains": SECRET}, {"item.salary__gt": "1"}, {"text": "good"},
        {"item.parent.grade": "1"}, {"item.owner__ne": "mole@x.org"}, {"mark": SECRET}, {"stars__gt": "2"},
        {"filters": json.dumps({"not": {"item.grade__gte": 0}})},
        {"filters": json.dumps({"or": [{"item.title__contains": SECRET}, {"item.notes_guarded.stars": 3}]})},
        {"item.items_guarded.grade": "1"}, {"item_id__in": "3,6,9,10"}, {"item_id__null": "true"},
    ]  # fmt: skip
    params = {name: text for one in chance.sample(simple, chance.randint(0, 2)) for name, text in one.items()}
    if chance.random() < 0.3:
        params["_aggregate"] = chance.choice(["count(*)", "sum(stars),max(text)", "max(mark)"])
        return params
    params["ordering"] = chance.choice(["id", "-stars,id", "mark"])
    if chance.random() < 0.6:
        params["populate"] = chance.choice(
            ["item", "item.parent", "item.notes_guarded", "*", "item.items_guarded"]
        )
    if chance.random() < 0.3:
        params["fields"] = chance.choice(["id,item.title", "id,item.salary", "text", "mark"])
    params["count"] = chance.choice(["exact", "planned", "none"])
    params["page_size"] = str(chance.choice([3, 20, 100]))
    return params


def request(chance: random.Random) -> tuple[str, dict[str, str]]:
    """A path below the table and its parameters."""
    params = conditions(chance)
    shape = chance.randrange(10)
    if shape == 0:
        outputs = [
            "count(*)",
            "count(*),sum(grade)",
            "max(title),min(day)",
            "sum(salary)",
            "array_agg(title)",
        ]
        params["_aggregate"] = chance.choice(outputs)
        if chance.random() < 0.6:
            params["_group_by"] = chance.choice(["grade", "owner", "salary", "date_trunc('month', day)"])
        if "_group_by" in params and chance.random() < 0.5:
            params["_having"] = chance.choice(["count(*) > 3", "sum(salary) > 1", "count(*) > 0"])
        return "/data", params
    if shape == 1:
        return "/edges", {"ordering": "id"}
    if shape == 2:
        ends = {"from": str(chance.randint(1, 60)), "to": str(chance.randint(1, 60)), "direction": "any"}
        return "/edges/path", ends
    if shape == 3:
        kind = chance.choice(["tree", "graph", "flat"])
        key = chance.randint(1, 60)
        return f"/data/{key}", {
            "format": kind,
            "include": chance.choice(["both", "descendants", "ancestors"]),
        }
    if shape == 4:
        return f"/data/{chance.randint(1, 62)}", {"populate": "parent"} if chance.random() < 0.5 else {}
    if shape == 5:
        return "/data/export", {**params, "format": chance.choice(["csv", "ndjson"])}
    if shape == 6:
        # By another metric than the index has, so that the nearest are exactly these.
        field = chance.choice(["near", "near", "near", "likeness"])
        params |= {f"{field}__vector_near": "[1, 2, -3]", "_vector_metric": "l2"}
        params["_topk"] = str(chance.randint(1, 50))
        if chance.random() < 0.6:
            params["search"] = chance.choice(["plum", "red", SECRET])
            params["_hybrid_alpha"] = chance.choice(["0", "0.3", "1"])
        return "/data", params
    params["ordering"] = chance.choice(["id", "-grade,id", "title,-id", "salary", "-note", "day,title,id"])
    if chance.random() < 0.3:
        params["populate"] = chance.choice(
            ["parent", "*", "parent.parent", "notes_guarded", "notes_guarded.item"]
        )
    if chance.random() < 0.3:
        params["fields"] = chance.choice(["id,title", "id,salary", "title,parent.title", "note"])
    if chance.random() < 0.4:
        params["page_size"] = str(chance.randint(1, 9))
        params["page"] = str(chance.randint(1, 4))
    elif chance.random() < 0.4:
        params["after"] = ""
        params["page_size"] = "7"
    params["count"] = chance.choice(["exact", "planned", "none"])
    return "/data", params


def told(answer: httpx2.Response, params: dict[str, str]) -> Any:
    """What an answer says, without what names the table, the request, and the ids of edges."""
    text = answer.text.replace("_guarded", "_plain")
    text = re.sub(r'"request_id":"[^"]*"', "", text)
    if "/edges" in str(answer.url) or params.get("format") == "graph":
        text = re.sub(r'"(id|created_at)":("[^"]*"|\d+)(?=,"from)', "", text)
        text = re.sub(r'"created_at":"[^"]*"', "", text)
    if params.get("count") == "planned":
        text = re.sub(r'"total":\d+', "", text)
    return answer.status_code, text


def compare(pair: Pair, table: str, path: str, params: dict[str, str]) -> int:
    """Both are asked, and say the same; gives the status."""
    theirs = {
        name.replace("_guarded", "_plain"): text.replace("_guarded", "_plain")
        for name, text in params.items()
    }
    user = pair.user.get(f"{APP}/datatables/{table}_guarded{path}", params=params)
    owner = pair.owner.get(f"{APP}/datatables/{table}_plain{path}", params=theirs)
    if not any(SECRET in text for text in params.values()):
        assert SECRET not in user.text, (path, params, user.text)
    assert told(user, params) == told(owner, params), (path, params)
    return user.status_code


@pytest.mark.parametrize("seed", range(12))
def test_answers_are_those_of_a_table_with_nothing_hidden(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    statuses = {compare(pair, "items", *request(chance)) for _ in range(40)}
    assert 200 in statuses


@pytest.mark.parametrize("seed", range(4))
def test_related_tables_keep_rules_of_their_own(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    statuses = {compare(pair, "notes", "/data", of_notes(chance)) for _ in range(60)}
    assert 200 in statuses


def test_a_walk_by_cursors_carries_nothing_hidden(pair: Pair) -> None:
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"after": cursor, "page_size": "7", "ordering": "-grade,id"}
        body = pair.user.get(f"{APP}/datatables/items_guarded/data", params=params).json()
        seen += [row["id"] for row in body["data"]]
        cursor = body["next_cursor"]
    assert sorted(seen) == [key for key in range(1, 61) if key % 3]


def test_the_vector_of_words_ranks_what_is_visible(pair: Pair) -> None:
    pair.require(Feature.SEARCH)
    mine, theirs = pair.both("/data", {"search": "red plum", "fields": "id"})
    assert mine.json()["data"] == theirs.json()["data"]


def test_writes_tell_nothing_and_change_nothing_hidden(pair: Pair) -> None:
    data = f"{APP}/datatables/items_guarded/data"
    before = pair.everything()
    hidden = [row for row in before if row["id"] % 3 == 0]
    step = {"table": "items_guarded"}
    tries: list[tuple[str, str, Any, dict[str, str]]] = [
        ("PATCH", f"{data}/3", {"title": "x"}, {}),
        ("PATCH", f"{data}/3", {"title": "x"}, {"If-Match": "*"}),
        ("DELETE", f"{data}/3", None, {}),
        ("PATCH", data, [{"id": 3, "title": "x"}], {}),
        ("PATCH", data, [{"id": 1, "title": "x"}, {"id": 3, "title": "x"}], {}),
        ("POST", f"{data}/upsert", [{"id": 3, "title": "x", "owner": "mole@x.org"}], {}),
        ("POST", f"{data}/upsert?unique_fields=salary", [{"salary": 3, "title": "x"}], {}),
        ("DELETE", f"{data}?ids=3,6,9", None, {}),
        ("DELETE", f'{data}?filter={{"owner__ne":"mole@x.org"}}', None, {}),
        ("DELETE", f'{data}?filter={{"salary__gt":1}}', None, {}),
        ("PATCH", f"{data}/1", {"salary": 1}, {}),
        ("POST", data, {"title": "x", "owner": "other@x.org"}, {}),
        ("PATCH", f"{data}/1", {"owner": "other@x.org"}, {}),
        ("PATCH", f"{data}/1", {"grade": 95}, {}),
        ("POST", f"{APP}/batch", {"steps": [{**step, "op": "delete", "filter": {"owner": "other@x.org"}}]}, {}),
        ("POST", f"{APP}/batch", {"steps": [{**step, "op": "update", "key": 3, "data": {"title": "x"}}]}, {}),
        ("POST", f"{APP}/datatables/items_guarded/edges", {"from": 1, "to": 3, "type": "link"}, {}),
        ("DELETE", f"{APP}/datatables/items_guarded/edges", {"edge_ids": list(range(1, 200))[::3]}, {}),
    ]  # fmt: skip
    edges = pair.owner.get(f"{APP}/datatables/items_guarded/edges", params={"page_size": "1000"}).json()[
        "total"
    ]
    for method, path, body, headers in tries[:-1]:
        answer = pair.user.request(method, path, json=body, headers=headers)
        assert answer.status_code in (200, 400, 403, 404), (method, path, answer.text)
        assert SECRET not in answer.text
        if answer.status_code == 200:
            assert (
                answer.json().get(
                    "deleted", answer.json().get("steps", [{}])[0].get("body", {}).get("deleted")
                )
                == 0
            )
    after = pair.everything()
    assert [row for row in after if row["id"] % 3 == 0] == hidden
    assert after == before
    assert (
        pair.owner.get(f"{APP}/datatables/items_guarded/edges", params={"page_size": "1000"}).json()["total"]
        == edges
    )


def write(chance: random.Random, rows: dict[int, Any], edges: dict[int, Any]) -> tuple[str, str, Any]:
    """A write of any kind, of any records: method, path below the table or the app, and body."""

    def key() -> int:
        return chance.choice([*rows, chance.randint(61, 70)])

    def values() -> dict[str, Any]:
        found: dict[str, Any] = {
            "title": chance.choice(["red", "blue"]),
            "owner": chance.choice(["mole@x.org"] * 4 + ["other@x.org", None]),
            "grade": chance.choice([1, 2, 95, None]),
            "parent_id": chance.choice([None, key()]),
            "salary": 1,
            "is_admin": True,
        }
        picked = chance.sample(sorted(found)[1:5], chance.randint(1, 4))
        return {name: found[name] for name in picked} | ({"salary": 1} if chance.random() < 0.05 else {})

    def row() -> dict[str, Any]:
        return {"id": key(), **values()}

    data, name = "/datatables/items_guarded/data", "items_guarded"
    condition = chance.choice(
        [{"grade__gte": 1}, {"owner": "other@x.org"}, {"id__in": [3, 4]}, {"title": "red"}]
    )
    edge = {"from": key(), "to": key(), "type": "link"}
    known = [*edges] or [1]
    return chance.choice(
        [
            ("POST", data, {"owner": "mole@x.org", "grade": 1, **values()}),
            ("POST", data, [{"owner": "mole@x.org", "grade": 1, **values()}, row()]),
            ("PATCH", f"{data}/{key()}", values()),
            ("PATCH", data, [row(), row()]),
            ("POST", f"{data}/upsert", row()),
            ("POST", f"{data}/upsert", [{**row(), "owner": "mole@x.org", "grade": 2}, row()]),
            ("POST", f"{data}/upsert?unique_fields=title", {"title": "blue", **values()}),
            ("DELETE", f"{data}/{key()}", None),
            ("DELETE", f"{data}?ids={key()},{key()}", None),
            ("DELETE", f"{data}?filter={json.dumps(condition)}", None),
            ("POST", f"{data}/import?format=ndjson&mode=upsert&on_error=skip", [row(), row(), row()]),
            ("POST", f"{data}/import?format=ndjson&on_error=skip", [row(), row()]),
            ("POST", "/batch", {"steps": [{"op": "upsert", "table": name, "data": row()}]}),
            ("POST", "/batch", {"steps": [{"op": "update", "table": name, "key": key(), "data": values()}]}),
            ("POST", "/batch", {"steps": [{"op": "delete", "table": name, "filter": condition}]}),
            ("POST", "/datatables/items_guarded/edges", edge),
            ("PATCH", f"/datatables/items_guarded/edges/{chance.choice(known)}", {"to": key()}),
            ("PATCH", f"/datatables/items_guarded/edges/{chance.choice(known)}", {"from": key()}),
            ("DELETE", "/datatables/items_guarded/edges", {"edge_ids": [chance.choice(known)]}),
            ("POST", "/datatables/items_guarded_edges/data", edge),
        ]
    )


def is_writable(row: dict[str, Any] | None) -> bool:
    return row is not None and row["owner"] == "mole@x.org" and row["grade"] is not None and row["grade"] < 90


def may_differ(before: dict[str, Any] | None, after: dict[str, Any] | None) -> bool:
    """Whether somebody under the rule may have made the one the other."""
    if before is not None and not is_writable(before):
        return False
    if after is not None and not is_writable(after):
        return False
    return all((before or {}).get(name) == (after or {}).get(name) for name in _HIDDEN) or after is None


@pytest.mark.parametrize("seed", range(3))
def test_writes_of_any_kind_stay_within_the_rules(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    statuses: set[int] = set()
    for _ in range(40):
        rows = {row["id"]: row for row in pair.everything()}
        edges = _edges(pair)
        method, path, body = write(chance, rows, edges)
        sent = "\n".join(map(json.dumps, body)) if "/import" in path else json.dumps(body)
        answer = pair.user.request(method, f"{APP}{path}", content=None if body is None else sent)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (method, path, body, answer.text)
        assert SECRET not in answer.text and "other@x.org" not in answer.text.replace(sent, "")
        now, links = {row["id"]: row for row in pair.everything()}, _edges(pair)
        for key in rows.keys() | now.keys():
            old, new = rows.get(key), now.get(key)
            assert old == new or may_differ(old, new), (method, path, body, old, new)
        for key in edges.keys() | links.keys():
            old, new = edges.get(key), links.get(key)
            # An edge goes with the records at its ends.
            gone = old is not None and new is None and not {old["from_id"], old["to_id"]} <= now.keys()
            for one in () if old == new or gone else (old, new):
                ends = (
                    [rows.get(one[end]) or now.get(one[end]) for end in ("from_id", "to_id")] if one else []
                )
                assert all(end and end["owner"] == "mole@x.org" for end in ends), (method, path, body, one)
                assert not ends or is_writable(ends[0]), (method, path, body, one)
    if pair.provider is not ProviderType.MONGODB:
        assert statuses & {200, 201, 204} and statuses & {403, 404}


def _edges(pair: Pair) -> dict[int, Any]:
    found = pair.owner.get(f"{APP}/datatables/items_guarded/edges", params={"page_size": "1000"})
    return {one["id"]: one for one in found.json()["data"]}


def test_definitions_and_documents_name_no_hidden_field(pair: Pair) -> None:
    for path in ("/datatables/items_guarded", "/datatables/items_guarded/schema", "/openapi.json"):
        text = pair.user.get(f"{APP}{path}").text
        assert "salary" not in text
        assert "likeness" not in text
        assert '"note"' not in text
    for path in ("/datatables", "/datasources/main/datatables"):
        for query in ("", "?page=1"):
            listed: Any = pair.user.get(f"{APP}{path}{query}").json()
            counts = {one["name"]: one["field_count"] for one in (listed["results"] if query else listed)}
            assert counts["items_guarded"] == counts["items_plain"]


def test_an_index_of_vectors_finds_what_is_visible(pair: Pair) -> None:
    pair.require(Feature.VECTORS)
    for vector in ("[1, 2, -3]", "[-5, 0, 1]"):
        found = pair.user.get(
            f"{APP}/datatables/items_guarded/data",
            params={"near__vector_near": vector, "_topk": "60", "page_size": "100"},
        )
        assert found.status_code == 200, found.text
        assert SECRET not in found.text
        assert sorted(row["id"] for row in found.json()["data"]) == [key for key in range(1, 61) if key % 3]


def imports() -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
    """Files that reach for what is hidden, in every mode."""
    mine = {"owner": "mole@x.org", "grade": 1}
    files: list[list[dict[str, Any]]] = [
        [{"id": 3, "title": "x", **mine}],
        [{"id": 3, "title": "x"}, {"id": 6, "title": "y", **mine}],
        [{"id": 9, "title": "x", "owner": "other@x.org"}],
        [{"id": 1, "title": "x", "owner": "other@x.org", "grade": 1}],
        [{"title": "x", "owner": None}],
        [{"id": 3, "salary": 1}],
        [{"salary": 5000, "title": "x"}],
        [{"id": 1, "parent_id": 999, **mine}],
    ]
    for rows in files:
        for on_error in ("abort", "skip", "quarantine"):
            yield {"on_error": on_error}, rows
            for unique in ("id", "title", "salary", "note", "owner"):
                yield {"on_error": on_error, "mode": "upsert", "unique_fields": unique}, rows


def test_imports_tell_nothing_and_change_nothing_hidden(pair: Pair) -> None:
    data = f"{APP}/datatables/items_guarded/data"
    before = pair.everything()
    hidden = [row for row in before if row["id"] % 3 == 0]
    numbers: set[int] = set()
    for params, rows in imports():
        lines = "\n".join(map(json.dumps, rows))
        answer = pair.user.post(f"{data}/import", params={"format": "ndjson", **params}, content=lines)
        assert answer.status_code in (200, 400, 403, 409), answer.text
        assert SECRET not in answer.text and "other@x.org" not in answer.text
        for name in ("salary", "note"):
            asked = name in str(rows) or name in str(params)
            assert asked or name not in answer.text, (params, rows, answer.text)
        if answer.status_code == 200 and answer.json()["quarantine"]:
            numbers.add(answer.json()["quarantine"])
    after = pair.everything()
    assert [row for row in after if row["id"] % 3 == 0 and row["id"] <= 60] == hidden
    assert [row for row in after if row["id"] in {1, 2, 4}] == [
        row for row in before if row["id"] in {1, 2, 4}
    ]
    for number in numbers:
        found = pair.user.get(f"{APP}/datatables/items_guarded/quarantine/{number}")
        assert found.status_code == 200
        assert SECRET not in found.text


def test_quarantine_is_for_who_filled_it(pair: Pair, guarding: RunningServer) -> None:
    pair.require(Feature.FILES)
    data, place = f"{APP}/datatables/items_guarded/data", f"{APP}/datatables/items_guarded/quarantine"
    line = json.dumps({"id": 3, "title": "mine alone", "owner": "mole@x.org"})
    options = {"format": "ndjson", "on_error": "quarantine"}
    number = pair.user.post(f"{data}/import", params=options, content=line).json()["quarantine"]
    assert number
    with Client(guarding.url, key=guarding.key) as client:
        token = _login(client, "badger")
    with httpx2.Client(base_url=guarding.url, headers={"Authorization": f"Bearer {token}"}) as badger:
        assert badger.get(place).json()["count"] == 0
        for method, path in (("GET", ""), ("GET", "?format=ndjson"), ("DELETE", "")):
            assert badger.request(method, f"{place}/{number}{path}").status_code == 404
    assert "mine alone" in pair.user.get(f"{place}/{number}").text


def test_a_feed_tells_what_becomes_of_visible_records(pair: Pair) -> None:
    """Whoever applies it has what they see, at any time, and is told of nothing else."""
    pair.require(Feature.CHANGES)
    data = f"{APP}/datatables/items_guarded/data"
    chance = random.Random(3)
    state: dict[int, Any] = {}
    cursor = "start"
    for _ in range(25):
        for _ in range(chance.randint(0, 6)):
            _change(pair, data, chance)
        while True:
            page = pair.user.get(f"{data}/changes", params={"since": cursor, "limit": "7"})
            assert page.status_code == 200, page.text
            assert SECRET not in page.text
            body = page.json()
            for one in body["data"]:
                assert one["op"] == ("update" if one["key"] in state else "insert") or one["record"] is None
                if one["record"] is None:
                    assert state.pop(one["key"])
                    continue
                assert state.get(one["key"]) != one["record"], "a change of nothing that is seen"
                state[one["key"]] = one["record"]
            cursor = body["next_cursor"]
            if not body["has_more"]:
                break
        seen = pair.user.get(data, params={"page_size": "1000"}).json()["data"]
        assert state == {row["id"]: row for row in seen}


def _change(pair: Pair, data: str, chance: random.Random) -> None:
    """Some record gets another value, or another owner, or goes."""
    key = chance.choice([row["id"] for row in pair.everything() if row["parent_id"] is None])
    changes: list[dict[str, Any]] = [
        {"salary": chance.randint(1, 9)},
        {"note": f"{SECRET} again"},
        {"grade": chance.randint(0, 4)},
        {"owner": "mole@x.org", "title": "given"},
        {"owner": "other@x.org", "title": SECRET},
    ]
    if chance.random() < 0.2:
        title = chance.choice(["late", SECRET])
        owner = "mole@x.org" if title == "late" else None
        made = pair.owner.post(data, json={"title": title, "owner": owner, "note": SECRET})
        assert made.status_code == 201, made.text
    elif chance.random() < 0.2:
        pair.owner.delete(f"{data}/{key}")
    else:
        changed = pair.owner.patch(f"{data}/{key}", json=chance.choice(changes))
        assert changed.status_code == 200, changed.text
