"""Conditions on related records, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tables.relations.conftest import Tables

pytestmark = pytest.mark.anyio


async def matching(magazine: Tables, table: str, tree: Any = None, **conditions: str) -> list[int]:
    params = dict(conditions) if tree is None else {**conditions, "filters": json.dumps(tree)}
    answer = await magazine[table].get(**params)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["total"] == len(body["data"])
    return [row["id"] for row in body["data"]]


@pytest.mark.parametrize(
    ("table", "conditions", "found"),
    [
        ("posts", {"author_id.name": "Ann"}, [1]),
        ("posts", {"author.name__contains": "B"}, [2]),
        ("posts", {"editor.name": "Bob"}, [1]),
        ("posts", {"editor:authors.name": "Bob"}, [1]),
        ("posts", {"author.boss.name": "Ann"}, [2]),
        ("comments", {"post.author.boss_id.name": "Ann"}, [3]),
        ("posts", {"comments.body": "good"}, [1, 2]),
        ("posts", {"comments.id__gt": "0"}, [1, 2]),
        ("posts", {"tags.label__in": "red,blue"}, [1, 2]),
        ("posts", {"tags.label": "old"}, []),
        ("tags", {"posts.author.name": "Ann"}, [1, 2]),
        ("tags", {"posts:post_tags.title": "Two"}, [2]),
        ("authors", {"authors:boss_id.name": "Bob"}, [1]),
        ("authors", {"posts:author_id.comments.body": "bad"}, [1]),
        # One row for all conditions on a path: no comment is both.
        ("posts", {"comments.body": "good", "comments.author.name": "Cy"}, [2]),
        ("posts", {"comments.body": "good", "comments.author_id.name": "Cy", "title": "Two"}, [2]),
        # Related to a deleted one only through what asks for deleted ones.
        ("posts", {"comments.body": "spam"}, []),
        ("posts", {"comments.is_deleted": "true"}, [2]),
        ("posts", {"author.name__null": "true"}, []),
        ("authors", {"posts:author_id.id__null": "false"}, [1, 2]),
    ],
)
async def test_paths(magazine: Tables, table: str, conditions: dict[str, str], found: list[int]) -> None:
    assert await matching(magazine, table, **conditions) == found


async def test_paths_by_keys_of_two_columns(magazine: Tables) -> None:
    assert await matching(magazine, "pages", **{"editions.cover": "sea"}) == [1]
    assert await matching(magazine, "posts", **{"pages.editions.year__gte": "2024"}) == [1]


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ({"and": [{"comments.body": "good"}, {"and": [{"comments.author.name": "Cy"}]}]}, [2]),
        ({"or": [{"comments.body": "bad"}, {"author.name": "Bob"}]}, [1, 2]),
        # Two branches are two rows; a `not` says that no row fulfils what is in it.
        ({"and": [{"or": [{"comments.body": "good"}]}, {"or": [{"comments.author.name": "Cy"}]}]}, [1, 2]),
        ({"not": {"comments.body": "bad"}}, [2, 3]),
        ({"comments.body__ne": "bad"}, [1, 2]),
        ({"not": {"and": [{"comments.body": "good"}, {"comments.author.name": "Cy"}]}}, [1, 3]),
        ({"not": {"author.name": "Ann"}}, [2, 3]),
        ([{"field": "tags.label", "operator": "eq", "value": "red"}], [1]),
        ({"or": [{"comments.is_deleted": True}, {"comments.body": "spam"}]}, [2]),
        ({"or": [{"comments.is_deleted": False}, {"comments.body": "spam"}]}, [1, 2]),
        ({"or": [{"comments.author.name": "Bob"}, {"comments.author.id": 3}, {"title": "Three"}]}, [1, 2, 3]),
        ({"or": []}, []),
        ({"comments.body__in": []}, []),
    ],
)
async def test_trees(magazine: Tables, tree: Any, found: list[int]) -> None:
    assert await matching(magazine, "posts", tree) == found


async def test_they_meet_the_other_filters(magazine: Tables) -> None:
    tree = {"or": [{"tags.label": "blue"}, {"title": "Three"}]}
    assert await matching(magazine, "posts", tree, ordering="-id", populate="tags") == [3, 2, 1]
    assert await matching(magazine, "posts", tree, search="o") == [1, 2]
    planned = (await magazine["posts"].get(**{"comments.body": "good", "count": "planned"})).json()
    assert isinstance(planned["total"], int)


@pytest.mark.parametrize(
    ("table", "params", "at", "says"),
    [
        ("posts", {"author.nme": "x"}, "author.nme", "There is no field 'author.nme'."),
        ("posts", {"author.name__glows": "x"}, "author.name__glows", "There is no operator 'glows'."),
        ("posts", {"comments.id": "x"}, "comments.id", "'x' is not an integer"),
        ("posts", {"comments.id__contains": "x"}, "comments.id__contains", "does not apply to 'comments.id'"),
        ("posts", {"nobody.name": "x"}, "nobody.name", "'nobody' is no relation of 'posts'; it has:"),
        ("posts", {"title.name": "x"}, "title.name", "'title' is no relation of 'posts'"),
        ("posts", {"authors.name": "x"}, "authors.name", "means several relations of 'posts'"),
        ("posts", {"a.b.c.d.e": "x"}, "a.b.c.d.e", "has 4 hops"),
        ("posts", {".name": "x"}, ".name", "no relation"),
        ("posts", {"author.": "x"}, "author.", "There is no field"),
        ("posts", {"_x.name": "x"}, "_x.name", "no relation"),
        ("posts", {"ordering": "author.name"}, "ordering", "Records are ordered by their own fields"),
    ],
)
async def test_what_they_refuse(
    magazine: Tables, table: str, params: dict[str, str], at: str, says: str
) -> None:
    answer = await magazine[table].get(**params)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()[at][0]


async def test_hints(magazine: Tables) -> None:
    answer = await magazine["posts"].get(**{"author.nme": "x"})
    assert answer.json()["hint"] == "Did you mean 'author.name'?"


async def test_five_paths_are_enough(magazine: Tables) -> None:
    ways = ["author", "editor", "comments", "tags", "pages", "comments.author"]
    five = {f"{way}.id": "1" for way in ways[:5]}
    assert (await magazine["posts"].get(**five)).status_code == 200
    refused = await magazine["posts"].get(**{f"{way}.id": "1" for way in ways})
    assert "at most 5 related paths" in refused.json()["comments.author.id"][0]


async def test_lookups_are_bounded(magazine: Tables) -> None:
    many = [{"not": {"comments.id": number}} for number in range(31)]
    refused = await magazine["posts"].get(filters=json.dumps(many))
    assert "at most 30 times" in refused.json()["comments.id"][0]
    joined = {"not": {"or": [{"comments.id": number} for number in range(199)]}}
    assert await matching(magazine, "posts", joined) == [3]
    # A deleted row is looked for only where it is asked for.
    tree = {"or": [{"comments.is_deleted": True, "comments.body": "x"}, {"comments.body": "spam"}]}
    assert await matching(magazine, "posts", tree) == []


async def test_a_delete_looks_at_its_own_table_only(magazine: Tables) -> None:
    total = await magazine["comments"].total()
    answer = await magazine["comments"].delete(filter=json.dumps({"author.name": "Cy"}))
    assert answer.status_code == 400
    assert "takes fields of its own table only" in answer.json()["author.name"][0]
    assert await magazine["comments"].total() == total
