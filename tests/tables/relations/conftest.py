"""A small magazine: authors with a boss, posts, comments, tags through a junction, editions keyed by two columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.tables.workbench import Records, Workbench, module_database, workbench

__all__ = ["module_database", "workbench"]

Tables = Mapping[str, Records]


def refers(field: str | list[str], table: str, target: str | list[str] = "id") -> dict[str, Any]:
    return {"fields": field, "reference": {"resource": table, "fields": target}}


def integer(name: str) -> dict[str, Any]:
    return {"name": name, "type": "integer"}


def text(name: str) -> dict[str, Any]:
    return {"name": name, "type": "string"}


@pytest.fixture(scope="module")
async def magazine(workbench: Workbench) -> Tables:
    return await print_magazine(
        workbench, refers(["year", "number"], "editions", ["year", "number"]), refers("post_id", "posts")
    )


async def print_magazine(workbench: Workbench, *of_pages: Mapping[str, Any]) -> Tables:
    """Its tables and records; `of_pages` are the foreign keys of `pages`."""
    make = workbench.table
    tables = {
        "authors": await make(
            text("name"), integer("boss_id"), name="authors", foreignKeys=[refers("boss_id", "")]
        ),
        "posts": await make(
            text("title"),
            integer("author_id"),
            integer("editor"),
            name="posts",
            foreignKeys=[refers("author_id", "authors"), refers("editor", "authors")],
        ),
        "comments": await make(
            text("body"),
            integer("post_id"),
            integer("author_id"),
            {"name": "is_deleted", "type": "boolean"},
            name="comments",
            foreignKeys=[refers("post_id", "posts"), refers("author_id", "authors")],
        ),
        "tags": await make(text("label"), name="tags"),
        "post_tags": await make(
            integer("post_id"),
            integer("tag_id"),
            name="post_tags",
            primaryKey=["post_id", "tag_id"],
            foreignKeys=[refers("post_id", "posts"), refers("tag_id", "tags")],
        ),
        "editions": await make(
            integer("year"), integer("number"), text("cover"), name="editions", primaryKey=["year", "number"]
        ),
        "pages": await make(
            integer("year"),
            integer("number"),
            integer("post_id"),
            name="pages",
            foreignKeys=list(of_pages),
        ),
    }
    await tables["authors"].add(
        {"id": 1, "name": "Ann"},
        {"id": 2, "name": "Bob", "boss_id": 1},
        {"id": 3, "name": "Cy", "boss_id": 1},
    )
    await tables["posts"].add(
        {"id": 1, "title": "One", "author_id": 1, "editor": 2},
        {"id": 2, "title": "Two", "author_id": 2},
        {"id": 3, "title": "Three"},
    )
    await tables["comments"].add(
        {"id": 1, "body": "good", "post_id": 1, "author_id": 2},
        {"id": 2, "body": "bad", "post_id": 1, "author_id": 3},
        {"id": 3, "body": "good", "post_id": 2, "author_id": 3},
        {"id": 4, "body": "spam", "post_id": 2, "author_id": 3, "is_deleted": True},
    )
    await tables["tags"].add({"id": 1, "label": "red"}, {"id": 2, "label": "blue"}, {"id": 3, "label": "old"})
    await tables["post_tags"].add(
        {"post_id": 1, "tag_id": 2}, {"post_id": 1, "tag_id": 1}, {"post_id": 2, "tag_id": 2}
    )
    await tables["editions"].add({"year": 2024, "number": 1, "cover": "sea"}, {"year": 2024, "number": 2})
    await tables["pages"].add({"id": 1, "year": 2024, "number": 1, "post_id": 1}, {"id": 2, "post_id": 2})
    return tables
