"""Full-text search of documents: the bytes that ordinary tables answer, with their ranks, or a refusal."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from penstock.identity.models import Role
from penstock.identity.store import people
from penstock.tables.settings import TablesSettings
from tests.conftest import client_of
from tests.tables.conftest import _member
from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.relations.conftest import integer, refers
from tests.tables.workbench import APP, Records

pytestmark = pytest.mark.anyio

TITLE = {"name": "title", "type": "string"}
BODY = {"name": "body", "type": "string"}
SEARCHED = [{"field": "title", "weight": "A"}, "body"]
WORDS = (
    "run", "running", "runner", "ran", "quick-brown", "quick", "brown", "fox", "foxes", "the", "of", "and", "über",
    "straße", "STRASSE", "e.mail", "me@example.org", "naïve", "3.14", "it's", "don't", "jump", "jumping", "jumped",
    "http://example.org/a/b", "café", "cafe", "\u4f60\u597d", "x_y",
)  # fmt: skip
QUERIES = (
    "fox", "run", "running fox", '"quick brown"', '"fox jumped"', "fox or über", "fox -run", "-fox", "the", "", " ",
    "!!! & | ()", "straße", "me@example.org", "x' OR 1=1 --", '"unclosed fox', "jump*", "café", "3.14", "$where {}",
)  # fmt: skip


async def twins(bench: MongoBench, *fields: Any, **schema: Any) -> tuple[Records, Records]:
    flat, mongo = await bench.twin(TITLE, BODY, *fields, search_fields=SEARCHED, **schema)
    chance = random.Random(3)
    rows: list[dict[str, Any]] = []
    for number in range(1, 61):
        words = [chance.choice(WORDS) for _ in range(chance.randint(0, 12))]
        cut = chance.randint(0, len(words))
        rows.append({"title": " ".join(words[:cut]) or None, "body": " ".join(words[cut:])})
        rows[-1].update({one["name"]: number % 3 for one in fields})
    for table in (flat, mongo):
        await table.add(*rows)
    return flat, mongo


async def same(tables: tuple[Records, Records], path: str = "", **params: Any) -> httpx2.Response:
    answers = [await table.get(path, **params) for table in tables]
    assert answers[0].text == answers[1].text, params
    assert answers[0].status_code == 200, answers[0].text
    return answers[1]


async def test_words_are_found_and_ranked_alike(bench: MongoBench) -> None:
    tables = await twins(bench, integer("kind"))
    found = 0
    for query in QUERIES:
        for more in (
            {},
            {"page_size": "3", "page": "2"},
            {"ordering": "-title,id", "page_size": "50"},
            {"kind": "1", "count": "none"},
            {"fields": "title", "limit": "2", "offset": "1"},
            {"_aggregate": "count(*),max(title)", "_group_by": "kind"},
        ):
            answer = (await same(tables, search=query, **more)).json()
            found += len(answer["data"])
        step: dict[str, Any] = {"search": query, "ordering": "kind,-id", "page_size": "7", "after": ""}
        while step["after"] is not None:
            answers = [(await table.get(**step)).json() for table in tables]
            cursors = [answer.pop("next_cursor") for answer in answers]
            assert answers[0] == answers[1]
            assert (cursors[0] is None) == (cursors[1] is None)
            step["after"] = cursors[1]
    assert found > 500


async def test_other_languages(bench: MongoBench) -> None:
    for language in ("simple", "german"):
        flat, mongo = await bench.twin(TITLE, search_fields=["title"], search_language=language)
        for table in (flat, mongo):
            await table.add({"title": "Die Läufer liefen"}, {"title": "the running of the bulls"})
        for query in ("laufen", "läufer", "the", "Running"):
            await same((flat, mongo), search=query)


async def test_keys_of_other_kinds(bench: MongoBench) -> None:
    for kind, keys in (("string", ["b", "B", "ä", "a"]), ("number", [1.5, 2, 10, 0.1])):
        fields = [{"name": "k", "type": kind}, TITLE]
        found: list[Records] = []
        for source in ("flat", "main"):
            schema = {"fields": fields, "primaryKey": ["k"], "search_fields": ["title"]}
            made = await bench.define(schema, source=source)
            assert made.status_code == 201, made.text
            found.append(Records(bench.client, made.json()["name"]))
            await found[-1].add(*({"k": key, "title": "fox"} for key in keys))
        await same((found[0], found[1]), search="fox")
    pair = [integer("a"), integer("b"), TITLE]
    found = []
    for source in ("flat", "main"):
        schema = {"fields": pair, "primaryKey": ["a", "b"], "search_fields": ["title"]}
        made = await bench.define(schema, source=source)
        found.append(Records(bench.client, made.json()["name"]))
        await found[-1].add(*({"a": n % 2, "b": n, "title": "fox"} for n in range(6)))
    await same((found[0], found[1]), search="fox", page_size="4", page="1")


async def test_with_relations(bench: MongoBench) -> None:
    table = await bench.table(TITLE, search_fields=["title"])
    notes = await bench.table(integer("page_id"), foreignKeys=[refers("page_id", table.name)])
    await table.add({"title": "red fox"}, {"title": "fox fox"}, {"title": "hen"})
    await notes.add({"page_id": 2})
    rows = await table.rows(search="fox", populate=notes.name, **{f"{notes.name}.id": "1"})
    assert [(row["id"], len(row[notes.name]), row["rank"] > 0) for row in rows] == [(2, 1, True)]


async def test_walks_that_begin_with_what_is_found(bench: MongoBench) -> None:
    tables = await bench.twin(TITLE, search_fields=["title"], graph={"types": ["knows"]})
    for table in tables:
        await table.add(
            {"title": "red fox"}, {"title": "fox fox"}, {"title": "hen"}, {"title": "owl fox owl"}
        )
        edges = f"/api/apps/{APP}/datatables/{table.name}/edges"
        sent = [{"from": 2, "to": 3, "type": "knows"}, {"from": 4, "to": 2, "type": "knows"}]
        assert (await bench.client.post(edges, json=sent)).status_code == 201
    for more in (
        {"include": "descendants", "depth": "2"},
        {"include": "both", "depth": "2", "format": "graph", "ordering": "-id"},
        {"format": "tree", "limit": "1"},
    ):
        assert (await same(tables, search="fox", **more)).json()["data"]


async def test_conditions_on_the_search_vector_are_refused(bench: MongoBench) -> None:
    table = await bench.table(TITLE, search_fields=["title"])
    for params in ({"search_vector__search": "fox"}, {"search_vector__null": "true"}):
        answer = await table.get(**params)
        assert answer.status_code == 400, answer.text
        assert "search vectors" in answer.json()["detail"]


async def test_what_a_search_looks_through_is_bounded(bench: MongoBench) -> None:
    table = await bench.table(TITLE, search_fields=["title"])
    await table.add({"title": "fox"}, {"title": "fox"}, {"title": "hen"})
    settings = bench.ctx.settings(TablesSettings)
    bench.ctx.sections[TablesSettings] = replace(settings, mongodb_max_searched=2)
    try:
        refused = await table.get(search="fox")
        assert (refused.status_code, "at most 2 records" in refused.json()["detail"]) == (400, True)
        assert await table.ids(search="fox", id__gt="1") == [2]
    finally:
        bench.ctx.sections[TablesSettings] = settings


async def test_nothing_is_found_by_what_is_hidden(bench: MongoBench) -> None:
    table = await bench.table(TITLE, BODY, search_fields=SEARCHED)
    await table.add({"title": "fox", "body": "hen"}, {"title": "owl", "body": "fox"}, {"title": "fox"})
    url = f"/api/apps/{APP}/datatables/{table.name}/rules/"
    rule = {"name": "some", "read": {"id__lt": 3}, "hidden_fields": ["body"]}
    assert (await bench.client.post(url, json=rule)).status_code == 201
    async with bench.ctx.db.control.transaction() as conn:
        org = await people.org_by_slug(conn, "main")
        assert org is not None
        key = await _member(conn, org, "operator-of-search", Role.OPERATOR)
    assert bench.app is not None
    async with client_of(bench.app, key) as client:
        theirs = Records(client, table.name)
        assert await theirs.ids(search="fox") == [1]
        assert await theirs.ids(search="hen") == []
        counted = await theirs.get(search="fox or hen", _aggregate="count(*)")
        assert counted.json()["aggregates"] == {"count": 1}
