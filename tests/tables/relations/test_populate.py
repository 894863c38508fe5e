"""What `populate` adds to records, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables.relations.conftest import Tables

pytestmark = pytest.mark.anyio

ANN: dict[str, Any] = {"id": 1, "name": "Ann", "boss_id": None}
BOB: dict[str, Any] = {"id": 2, "name": "Bob", "boss_id": 1}


async def one(magazine: Tables, table: str, key: Any, populate: str, **more: Any) -> Any:
    answer = await magazine[table].get(f"/{key}", populate=populate, **more)
    assert answer.status_code == 200, answer.text
    (listed,) = await magazine[table].rows(populate=populate, id=key, **more)
    assert answer.json()["data"] == listed
    return listed


async def refused(magazine: Tables, table: str, **params: Any) -> Any:
    answer = await magazine[table].get(**params)
    assert answer.status_code == 400, answer.text
    return answer.json()


async def test_a_foreign_key_column_gives_way_to_its_row(magazine: Tables) -> None:
    post = await one(magazine, "posts", 1, "author_id,editor")
    assert post == {"id": 1, "title": "One", "author_id": ANN, "editor": BOB}
    assert (await one(magazine, "posts", 3, "author_id"))["author_id"] is None


async def test_without_the_suffix_the_row_stands_beside_the_column(magazine: Tables) -> None:
    post = await one(magazine, "posts", 1, "author")
    assert post == {"id": 1, "title": "One", "author_id": 1, "editor": 2, "author": ANN}
    assert (await one(magazine, "posts", 1, "editor:authors"))["editor:authors"] == BOB


async def test_rows_of_other_tables_come_by_key_and_deleted_ones_do_not(magazine: Tables) -> None:
    post = await one(magazine, "posts", 1, "comments,tags")
    assert [row["id"] for row in post["comments"]] == [1, 2]
    assert post["tags"] == [{"id": 1, "label": "red"}, {"id": 2, "label": "blue"}]
    assert [row["id"] for row in (await one(magazine, "posts", 2, "comments"))["comments"]] == [3]
    none = await one(magazine, "posts", 3, "comments,tags")
    assert (none["comments"], none["tags"]) == ([], [])


async def test_dots_go_deeper(magazine: Tables) -> None:
    post = await one(magazine, "posts", 1, "comments.author.boss,comments.post_id")
    assert [row["author"]["name"] for row in post["comments"]] == ["Bob", "Cy"]
    assert post["comments"][0]["author"]["boss"] == ANN
    assert post["comments"][0]["post_id"] == {"id": 1, "title": "One", "author_id": 1, "editor": 2}
    assert "author" not in post
    author = await one(magazine, "authors", 1, "posts:author_id.comments.author")
    assert [row["author"]["name"] for row in author["posts:author_id"][0]["comments"]] == ["Bob", "Cy"]


async def test_a_star_is_every_foreign_key(magazine: Tables) -> None:
    post = await one(magazine, "posts", 1, "*")
    assert post == {
        "id": 1,
        "title": "One",
        "author_id": 1,
        "editor": 2,
        "author": ANN,
        "editor:authors": BOB,
    }
    assert set(await one(magazine, "posts", 1, "author,*,comments.*")) == {*post, "comments"}


async def test_a_table_may_refer_to_itself(magazine: Tables) -> None:
    assert (await one(magazine, "authors", 2, "boss_id"))["boss_id"] == ANN
    author = await one(magazine, "authors", 1, "authors:boss_id")
    assert [row["name"] for row in author["authors:boss_id"]] == ["Bob", "Cy"]


async def test_keys_of_two_columns(magazine: Tables) -> None:
    page = await one(magazine, "pages", 1, "*")
    assert page["editions"] == {"year": 2024, "number": 1, "cover": "sea"}
    assert page["post"]["title"] == "One"
    assert (await one(magazine, "pages", 1, "editions"))["editions"]["cover"] == "sea"
    assert (await one(magazine, "pages", 2, "editions"))["editions"] is None
    assert (await one(magazine, "pages", 1, "year:editions"))["year:editions"]["cover"] == "sea"
    edition = (await magazine["editions"].get("/2024,1", populate="pages.post")).json()["data"]
    assert [row["post"]["title"] for row in edition["pages"]] == ["One"]


@pytest.mark.parametrize(
    ("table", "populate", "says"),
    [
        ("posts", "auther", "'auther' is no relation of 'posts'; it has: author_id, editor, author"),
        ("posts", "authors", "write one of: author_id:authors, editor:authors"),
        ("authors", "posts", "write one of: posts:author_id, posts:editor"),
        ("authors", "authors", "write one of: boss_id:authors, authors:boss_id"),
        ("posts", "comments.title", "'title' is no relation of 'comments'"),
        ("posts", "comments.author.boss.boss", "has 4 hops"),
        ("posts", "comments..author", "empty step"),
        ("posts", "*.author", "Nothing follows '*'"),
        ("pages", "year", "'year' is no relation of 'pages'"),
        ("tags", "title", "'title' is no relation of 'tags'; it has: post_tags, posts."),
        ("posts", "a" * 5000, "characters"),
        ("posts", "tags:post_tags:x", "no relation"),
        ("posts", "tags:comments", "no relation"),
        ("posts", "author:::", "no relation"),
    ],
)
async def test_what_it_refuses(magazine: Tables, table: str, populate: str, says: str) -> None:
    body = await refused(magazine, table, populate=populate)
    assert says in body["populate"][0]


async def test_a_hint_names_what_is_near(magazine: Tables) -> None:
    assert (await refused(magazine, "posts", populate="coments"))["hint"] == "Did you mean 'comments'?"


async def test_all_ways_through_a_junction(magazine: Tables) -> None:
    for token in ("tags", "tags:post_tags", "tags:post_tags:tag_id"):
        post = await one(magazine, "posts", 1, token)
        assert [row["label"] for row in post[token]] == ["red", "blue"]


async def test_the_projection_reaches_into_related_rows(magazine: Tables) -> None:
    post = await one(magazine, "posts", 1, "author,comments.author", fields="title,author.name,comments.body")
    assert post == {
        "id": 1,
        "title": "One",
        "author": {"id": 1, "name": "Ann"},
        "comments": [
            {"id": 1, "body": "good", "author": {"id": 2, "name": "Bob", "boss_id": 1}},
            {"id": 2, "body": "bad", "author": {"id": 3, "name": "Cy", "boss_id": 1}},
        ],
    }
    whole = await one(magazine, "posts", 1, "author_id", fields="author_id.name")
    assert whole == {"id": 1, "title": "One", "author_id": {"id": 1, "name": "Ann"}, "editor": 2}
    body = await refused(magazine, "posts", populate="author", fields="editor.name")
    assert body["fields"] == ["'editor' is not populated, so it has no fields to pick."]
    body = await refused(magazine, "posts", populate="author", fields="author.nme")
    assert (body["fields"], body["hint"]) == (["There is no field 'author.nme'."], "Did you mean 'name'?")
    assert "not populated" in (await refused(magazine, "posts", fields="author.name"))["fields"][0]


async def test_it_goes_with_every_way_to_page(magazine: Tables) -> None:
    posts = magazine["posts"]
    page = (await posts.get(populate="comments", ordering="-title", page_size=2, page=1)).json()
    assert ([row["id"] for row in page["data"]], page["total"]) == ([2, 3], 3)
    assert [len(row["comments"]) for row in page["data"]] == [1, 0]
    seen, cursor = [], ""
    while cursor is not None:
        step = (await posts.get(populate="comments", after=cursor, page_size=1)).json()
        seen += [(row["id"], len(row["comments"])) for row in step["data"]]
        cursor = step["next_cursor"]
    assert seen == [(1, 2), (2, 1), (3, 0)]
    rest = (await posts.get(populate="author", limit=5, offset=1, count="none")).json()
    assert ([row["id"] for row in rest["data"]], rest["total"]) == ([2, 3], None)
    found = (await posts.get(populate="comments", search="two")).json()
    assert ([row["id"] for row in found["data"]], found["total"]) == ([2], 1)
    assert (await posts.get(populate="comments", id=99)).json()["data"] == []


async def test_a_missing_record_is_not_found(magazine: Tables) -> None:
    assert (await magazine["posts"].get("/99", populate="author")).status_code == 404


async def test_a_populated_record_has_no_tag_of_its_own(magazine: Tables) -> None:
    assert "etag" in (await magazine["posts"].get("/1")).headers
    assert "etag" not in (await magazine["posts"].get("/1", populate="author")).headers


async def test_nothing_asked_for_is_nothing_added(magazine: Tables) -> None:
    assert (await one(magazine, "posts", 3, "")).keys() == {"id", "title", "author_id", "editor"}
