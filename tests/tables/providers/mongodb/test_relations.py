"""Related records in MongoDB: what holds for tables of PostgreSQL holds here, and each request is one command."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pymongo.monitoring
import pytest

from penstock.identity.models import Role
from penstock.identity.store import people
from penstock.tables.providers.mongodb import joining
from tests.conftest import client_of
from tests.tables.conftest import _member
from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.relations.conftest import Tables, integer, print_magazine, refers, text
from tests.tables.relations.test_filters import (
    test_a_delete_looks_at_its_own_table_only,
    test_five_paths_are_enough,
    test_hints,
    test_lookups_are_bounded,
    test_paths,
    test_they_meet_the_other_filters,
    test_trees,
    test_what_they_refuse,
)
from tests.tables.relations.test_limits import (
    test_a_field_is_not_hidden_by_what_is_related,
    test_hostile_names_never_become_sql,
    test_related_tables_are_made_when_they_are_named,
    test_the_number_of_relations_is_bounded,
    test_too_much_is_refused,
    test_what_is_just_allowed_is_whole,
)
from tests.tables.relations.test_oracle import WORLDS, ask, build
from tests.tables.relations.test_populate import (
    test_a_foreign_key_column_gives_way_to_its_row,
    test_a_hint_names_what_is_near,
    test_a_missing_record_is_not_found,
    test_a_populated_record_has_no_tag_of_its_own,
    test_a_star_is_every_foreign_key,
    test_a_table_may_refer_to_itself,
    test_all_ways_through_a_junction,
    test_dots_go_deeper,
    test_it_goes_with_every_way_to_page,
    test_nothing_asked_for_is_nothing_added,
    test_rows_of_other_tables_come_by_key_and_deleted_ones_do_not,
    test_the_projection_reaches_into_related_rows,
    test_what_it_refuses,
    test_without_the_suffix_the_row_stands_beside_the_column,
)
from tests.tables.relations.test_reach import limited, test_rows_and_fields_beyond_reach
from tests.tables.workbench import APP, Records

__all__ = [
    "limited",
    "test_a_delete_looks_at_its_own_table_only",
    "test_a_field_is_not_hidden_by_what_is_related",
    "test_a_foreign_key_column_gives_way_to_its_row",
    "test_a_hint_names_what_is_near",
    "test_a_missing_record_is_not_found",
    "test_a_populated_record_has_no_tag_of_its_own",
    "test_a_star_is_every_foreign_key",
    "test_a_table_may_refer_to_itself",
    "test_all_ways_through_a_junction",
    "test_dots_go_deeper",
    "test_five_paths_are_enough",
    "test_hints",
    "test_hostile_names_never_become_sql",
    "test_it_goes_with_every_way_to_page",
    "test_lookups_are_bounded",
    "test_nothing_asked_for_is_nothing_added",
    "test_paths",
    "test_related_tables_are_made_when_they_are_named",
    "test_rows_and_fields_beyond_reach",
    "test_rows_of_other_tables_come_by_key_and_deleted_ones_do_not",
    "test_the_number_of_relations_is_bounded",
    "test_the_projection_reaches_into_related_rows",
    "test_they_meet_the_other_filters",
    "test_too_much_is_refused",
    "test_trees",
    "test_what_is_just_allowed_is_whole",
    "test_what_it_refuses",
    "test_what_they_refuse",
    "test_without_the_suffix_the_row_stands_beside_the_column",
]
pytestmark = pytest.mark.anyio


class Listener(pymongo.monitoring.CommandListener):
    """The commands that are sent while it listens; there is no way to take it away again."""

    def __init__(self) -> None:
        self.sent: list[str] | None = None

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        if self.sent is not None:
            self.sent.append(event.command_name)

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None: ...


@pytest.fixture(scope="module")
def listener() -> Listener:
    made = Listener()
    pymongo.monitoring.register(made)
    return made


@pytest.fixture(scope="module")
def workbench(listener: Listener, bench: MongoBench) -> MongoBench:
    """Its clients are made when they are first needed, so that the listener hears them."""
    return bench


@pytest.fixture(scope="module")
async def magazine(workbench: MongoBench) -> Tables:
    return await print_magazine(workbench, refers("post_id", "posts"))


@pytest.fixture
def commands(listener: Listener) -> Iterator[list[str]]:
    listener.sent = []
    yield listener.sent
    listener.sent = None


@pytest.mark.parametrize(("most", "size"), [(joining.MOST_KEYS, 4_000_000), (2, 4_000_000), (0, 0), (9, 40)])
@pytest.mark.parametrize("seed", range(WORLDS))
async def test_random_relations(
    workbench: MongoBench, seed: int, most: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By keys, and where there are more keys than `most`, one record after the other."""
    monkeypatch.setattr(joining, "MOST_KEYS", most)
    monkeypatch.setattr(joining, "_MOST_BYTES", size)
    chance = random.Random(seed)
    await ask(await build(workbench, chance), chance)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("", {"populate": "*"}),
        ("", {"populate": "author.boss,comments.author.boss,tags,pages"}),
        ("", {"populate": "comments", "after": ""}),
        ("", {"comments.author.name": "Cy", "tags.label": "blue", "populate": "tags"}),
        ("", {"comments.author.boss.name": "Ann", "count": "none"}),
        ("/1", {"populate": "*,comments.author,tags"}),
    ],
)
async def test_a_request_is_one_command(
    magazine: Tables, commands: list[str], path: str, params: dict[str, str]
) -> None:
    assert (await magazine["posts"].get(path, **params)).status_code == 200
    commands.clear()
    assert (await magazine["posts"].get(path, **params)).status_code == 200
    assert commands == ["aggregate"]


async def test_what_one_record_leads_to_is_at_most_a_document(workbench: MongoBench) -> None:
    parents = await workbench.table()
    children = await workbench.table(
        integer("parent_id"), text("body"), foreignKeys=[refers("parent_id", parents.name)]
    )
    await parents.add({"id": 1})
    for _ in range(3):
        await children.add(*({"parent_id": 1, "body": "x" * 2_000_000} for _ in range(3)))
    for path in ("", "/1"):
        answer = await parents.get(path, populate=children.name)
        assert answer.status_code == 400, answer.text[:1000]
        assert "more than" in answer.json()["populate"][0]
        assert (
            await parents.get(path, populate=children.name, fields=f"{children.name}.id")
        ).status_code == 200
    assert await parents.ids(**{f"{children.name}.body__startswith": "xx"}) == [1]


async def test_fields_that_are_called_like_parts_of_pipelines(workbench: MongoBench) -> None:
    names = ("n", "k", "t", "size", "before", "near", "_id")
    parents = await workbench.table(*map(text, names))
    children = await workbench.table(
        *map(text, names), integer("parent_id"), foreignKeys=[refers("parent_id", parents.name)]
    )
    links = await workbench.table(
        *map(text, names),
        integer("l"),
        integer("r"),
        foreignKeys=[refers("l", parents.name), refers("r", children.name)],
    )
    row = dict.fromkeys(names, "x")
    await parents.add({"id": 1, **row}, {"id": 2})
    await children.add({"id": 1, "parent_id": 1, **row}, {"id": 2, "parent_id": 2})
    await links.add({"l": 1, "r": 1, **row})
    for name in names:
        assert await parents.ids(**{f"{children.name}:parent_id.{name}": "x"}) == [1]
        assert await children.ids(**{f"parent.{name}": "x"}) == [1]
        assert await parents.ids(**{f"{children.name}:{links.name}.{name}": "x"}) == [1]
    (found,) = await parents.rows(populate=f"{children.name}:parent_id", id=1)
    assert found[f"{children.name}:parent_id"] == [{"id": 1, "parent_id": 1, **row}]


async def test_tables_elsewhere_are_no_relations(workbench: MongoBench) -> None:
    """A definition may name them; no statement reads both."""
    parent = await workbench.table()
    schema = {
        "fields": [{"name": "id", "type": "integer"}, integer("up")],
        "primaryKey": ["id"],
        "foreignKeys": [refers("up", parent.name)],
    }
    made = await workbench.define(schema, source="flat")
    answer = await parent.get(populate=made.json()["name"])
    assert "is no relation of" in answer.json()["populate"][0]


@pytest.fixture(scope="module")
async def operator(workbench: MongoBench) -> AsyncIterator[httpx2.AsyncClient]:
    async with workbench.ctx.db.control.transaction() as conn:
        org = await people.org_by_slug(conn, "main")
        assert org is not None
        key = await _member(conn, org, "operator-of-relations", Role.OPERATOR)
    assert workbench.app is not None
    async with client_of(workbench.app, key) as client:
        yield client


async def rule(workbench: MongoBench, table: Records, **what: Any) -> None:
    url = f"/api/apps/{APP}/datatables/{table.name}/rules/"
    made = await workbench.client.post(url, json={"name": "some", **what})
    assert made.status_code == 201, made.text


async def test_rules_of_related_tables_hold(workbench: MongoBench, operator: httpx2.AsyncClient) -> None:
    make = workbench.table
    people = await make(text("name"), text("secret"))
    notes = await make(integer("person_id"), text("body"), foreignKeys=[refers("person_id", people.name)])
    marks = await make(
        integer("note_id"),
        integer("person_id"),
        foreignKeys=[refers("note_id", notes.name), refers("person_id", people.name)],
    )
    await people.add({"id": 1, "name": "a", "secret": "s"}, {"id": 2, "name": "b", "secret": "t"})
    await notes.add({"id": 1, "person_id": 1, "body": "x"}, {"id": 2, "person_id": 2, "body": "y"})
    await marks.add(
        {"id": 1, "note_id": 1, "person_id": 1},
        {"id": 2, "note_id": 1, "person_id": 2},
        {"id": 3, "note_id": 2, "person_id": 1},
    )
    await rule(workbench, people, read={"name": "a"}, hidden_fields=["secret"])
    await rule(workbench, marks, read={"id__ne": 3})
    theirs = Records(operator, notes.name)
    rows = await theirs.rows(populate=f"person_id,{people.name}:{marks.name}")
    through = f"{people.name}:{marks.name}"
    assert [(row["person_id"], row[through]) for row in rows] == [
        ({"id": 1, "name": "a"}, [{"id": 1, "name": "a"}]),
        (None, []),
    ]
    assert await theirs.ids(**{"person_id.name__null": "false"}) == [1]
    assert await theirs.ids(**{f"{through}.id": "1"}) == [1]
    assert await theirs.ids(**{f"{through}.id": "2"}) == []
    assert await theirs.ids(filters=f'{{"not": {{"{marks.name}.id": 3}}}}') == [1, 2]
    for params in (
        {"person_id.secret": "s"},
        {"populate": "person_id", "fields": "person_id.secret"},
        {f"{through}.secret__contains": "s"},
    ):
        assert (await theirs.get(**params)).status_code == 400, params
    assert "secret" not in (await theirs.get("/1", populate=f"*,{marks.name}.person_id")).text


async def test_edges_between_records_beyond_reach(
    workbench: MongoBench, operator: httpx2.AsyncClient, commands: list[str]
) -> None:
    table = await workbench.table(text("kind"), graph={"types": ["knows"]})
    await table.add(*({"id": number, "kind": kind} for number, kind in enumerate("aabb", 1)))
    url = f"/api/apps/{APP}/datatables/{table.name}"
    pairs = [(1, 2), (2, 3), (3, 4), (2, 1)]
    sent = [{"from": near, "to": far, "type": "knows"} for near, far in pairs]
    assert (await workbench.client.post(f"{url}/edges", json=sent)).status_code == 201
    await rule(workbench, table, read={"kind": "a"})
    commands.clear()
    answer = (await operator.get(f"{url}_edges/data")).json()
    assert [(one["from_id"], one["to_id"]) for one in answer["data"]] == [(1, 2), (2, 1)]
    assert (answer["total"], set(commands)) == (2, {"aggregate"})
    counted = (await operator.get(f"{url}_edges/data", params={"_aggregate": "count(*)"})).json()
    assert counted["aggregates"] == {"count": 2}
    assert (await operator.get(f"{url}_edges/data/2")).status_code == 404
    assert (await operator.get(f"{url}_edges/data/1")).status_code == 200
    nodes = Records(operator, table.name)
    (row,) = await nodes.rows(populate=f"{table.name}_edges:from_id.to_id", id=2)
    assert [one["to_id"]["id"] for one in row[f"{table.name}_edges:from_id"]] == [1]
