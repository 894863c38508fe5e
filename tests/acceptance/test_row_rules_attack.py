"""Nothing of hidden rows and fields is told: whoever is held to rules is answered as if nothing else were there.

The oracle is a second table with the visible rows and fields alone, asked the same by its owner.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

import httpx2
import pytest

from penstock.tables.providers import Feature
from tests.acceptance.guarded import APP, SECRET, Pair, features, guarding, pair, provider
from tests.mongodb import replica_set

__all__ = ["features", "guarding", "pair", "provider", "replica_set"]


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
