"""How much a request may relate, what it costs, and that tables nobody has asked for yet are made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from penstock.tables.settings import TablesSettings
from tests.tables.relations.conftest import Tables, integer, refers, text
from tests.tables.workbench import ID, Records, Workbench, counted

__all__ = ["counted"]
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "params",
    [
        {"populate": "*"},
        {"populate": "author.boss,comments.author.boss,tags,pages.editions"},
        {"populate": "comments", "after": ""},
        {"comments.author.name": "Cy", "tags.label": "blue"},
    ],
)
async def test_a_request_is_one_statement(
    magazine: Tables, counted: Counter[str], params: dict[str, str]
) -> None:
    await magazine["posts"].rows(**params)
    counted.clear()
    await magazine["posts"].rows(**params)
    assert counted["data"] == 1


async def test_a_record_is_one_statement(magazine: Tables, counted: Counter[str]) -> None:
    await magazine["posts"].get("/1", populate="*")
    counted.clear()
    assert (await magazine["posts"].get("/1", populate="*,comments.author")).status_code == 200
    assert counted["data"] == 1


@contextmanager
def limits(workbench: Workbench, **values: int) -> Iterator[None]:
    settings = workbench.ctx.settings(TablesSettings)
    workbench.ctx.sections[TablesSettings] = replace(settings, **values)
    try:
        yield
    finally:
        workbench.ctx.sections[TablesSettings] = settings


@pytest.mark.parametrize(
    ("values", "populate", "says"),
    [
        ({"max_related_per_record": 1}, "comments", "more than 1 records in 'comments'"),
        ({"max_related_per_record": 1}, "author,tags", "more than 1 records in 'tags'"),
        ({"max_related_per_record": 1}, "pages,author.authors:boss_id", "in 'author.authors:boss_id'"),
        ({"max_related_rows": 2}, "comments", "more than 2 related records"),
        ({"max_related_rows": 5}, "comments,tags", "more than 5 related records"),
        ({"max_related_rows": 3}, "comments.author.posts:author_id", "more than 3 related records"),
        ({"max_populated_bytes": 300}, "comments.author", "more than 300 bytes"),
    ],
)
async def test_too_much_is_refused(
    magazine: Tables, workbench: Workbench, values: dict[str, int], populate: str, says: str
) -> None:
    assert (await magazine["posts"].get(populate=populate)).status_code == 200
    with limits(workbench, **values):
        answer = await magazine["posts"].get(populate=populate)
        assert answer.status_code == 400, answer.text
        assert says in answer.json()["populate"][0]
        assert (await magazine["posts"].get(populate="author,editor", page_size=1)).status_code == 200


async def test_what_is_just_allowed_is_whole(magazine: Tables, workbench: Workbench) -> None:
    with limits(workbench, max_related_per_record=2, max_related_rows=6):
        rows = await magazine["posts"].rows(populate="comments,tags")
    assert [(len(row["comments"]), len(row["tags"])) for row in rows] == [(2, 2), (1, 1), (0, 0)]


async def test_the_number_of_relations_is_bounded(magazine: Tables, workbench: Workbench) -> None:
    fields = [integer(f"f{number}") for number in range(31)]
    keys = [refers(one["name"], "authors") for one in fields]
    wide = await workbench.table(*fields, foreignKeys=keys)
    assert "at most 30 relations" in (await wide.get(populate="*")).json()["populate"][0]
    thirty = ",".join(one["name"] for one in fields[:30])
    assert (await wide.get(populate=thirty)).status_code == 200


async def test_related_tables_are_made_when_they_are_named(workbench: Workbench) -> None:
    parent = await workbench.table(name="made_first")
    await parent.add({"id": 1})
    schema = {
        "fields": [ID, integer("up")],
        "primaryKey": ["id"],
        "foreignKeys": [refers("up", "made_first")],
    }
    for name, params in (("made_a", {"populate": "made_a"}), ("made_b", {"made_b.id": "1"})):
        assert (await workbench.define(schema, name)).status_code == 201
        rows = await parent.rows(**params)
        assert rows == ([{"id": 1, "made_a": []}] if "populate" in params else [])
        assert (await workbench.details(Records(parent.client, name)))["is_materialized"]


async def test_a_field_is_not_hidden_by_what_is_related(workbench: Workbench) -> None:
    people = await workbench.table(text("name"), name="people")
    tickets = await workbench.table(
        text("owner"),
        integer("owner_id"),
        text("notes"),
        name="tickets",
        foreignKeys=[refers("owner_id", "people")],
    )
    await workbench.table(integer("ticket_id"), name="notes", foreignKeys=[refers("ticket_id", "tickets")])
    await people.add({"id": 1, "name": "Ann"})
    await tickets.add({"id": 1, "owner": "x", "owner_id": 1, "notes": "y"})
    for token, instead in (("owner", "owner_id:people"), ("notes", "notes:ticket_id")):
        answer = await tickets.get(populate=token)
        assert answer.status_code == 400
        assert f"write '{instead}'" in answer.json()["populate"][0]
        assert instead in (await tickets.get(populate=instead)).json()["data"][0]
    (row,) = await tickets.rows(populate="*")
    assert row == {"id": 1, "owner": "x", "owner_id": 1, "notes": "y", "people": {"id": 1, "name": "Ann"}}


async def test_a_rank_gives_way_to_a_table_of_that_name(workbench: Workbench) -> None:
    officers = await workbench.table(text("name"), name="officers", search_fields=["name"])
    await workbench.table(integer("officer_id"), name="rank", foreignKeys=[refers("officer_id", "officers")])
    await officers.add({"id": 1, "name": "Ann"})
    (row,) = await officers.rows(search="ann", populate="rank")
    assert row == {"id": 1, "name": "Ann", "rank": []}
    (row,) = await officers.rows(**{"search": "ann", "rank.id__null": "true"}) or [None]
    assert row is None


async def test_foreign_keys_are_indexed_once(workbench: Workbench) -> None:
    await workbench.table(name="indexed_parent")
    fields = [integer(name) for name in ("a", "b", "c", "d")]
    fields[1]["constraints"] = {"unique": True}
    schema: dict[str, Any] = {
        "foreignKeys": [refers(one["name"], "indexed_parent") for one in fields],
        "indexes": [
            {"name": "by_c", "fields": ["c", "a"]},
            {"name": "by_d", "fields": ["d"], "where": "d > 5"},
        ],
    }
    table = await workbench.table(*fields, **schema)
    assert await table.rows() == []
    declared = ["(a)", "(b)", "(c, a)", "(d > 5)", "(d)", "(id)"]
    assert await _indexes(workbench, table) == declared
    # A foreign key that goes takes its index along, one that comes brings one.
    for keys, left in ((schema["foreignKeys"][1:], declared[1:]), (schema["foreignKeys"], declared)):
        changed = {"fields": [ID, *fields], "primaryKey": ["id"], **schema, "foreignKeys": keys}
        answer = await workbench.client.patch(
            f"/api/apps/bench/datatables/{table.name}", json={"json_schema": changed}
        )
        assert answer.status_code == 200, answer.text
        assert await _indexes(workbench, table) == left


async def _indexes(workbench: Workbench, table: Records) -> list[str]:
    """But for that over the members of documents."""
    rows = await workbench.fetch(
        "SELECT indexdef FROM pg_indexes WHERE tablename LIKE $1 AND indexdef NOT LIKE '%USING gin%'",
        f"%_{table.name}",
    )
    return sorted(f"({row['indexdef'].rpartition('(')[2]}" for row in rows)


async def test_no_statement_of_another_org(magazine: Tables, anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.get(magazine["posts"].url, params={"populate": "author"})
    assert answer.status_code == 401


async def test_hostile_names_never_become_sql(magazine: Tables) -> None:
    for name in ('author"; DROP TABLE x; --', "author' OR 1=1", "author\0", "#1", "t.id", 'author:"x"', "🙂"):
        for params in ({"populate": name}, {f"{name}.id": "1"}, {"filters": json.dumps({f"{name}.id": 1})}):
            answer = await magazine["posts"].get(**params)
            assert answer.status_code == 400, (name, answer.text)
