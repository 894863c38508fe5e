"""What a caller may not read of a related table is in no answer, and decides nothing."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.identity import Grant
from penstock.kit.filters import Compare, bind
from penstock.tables.catalog import Table
from penstock.tables.records import plan
from penstock.tables.records.reach import Reach, reach
from penstock.tables.relations import hop
from tests.tables.relations.conftest import Tables

pytestmark = pytest.mark.anyio

HIDDEN = {"comments": "author_id", "post_tags": "tag_id"}
RULES = {"comments": ("body", "ne", "bad"), "posts": ("id", "lt", "3"), "tags": ("label", "in", "red,old")}


@pytest.fixture(params=["fields", "rows"])
def limited(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Some rows, or some fields, are nobody's business."""

    def narrowed(table: Table, grant: Grant) -> Reach:
        whole = reach(table, grant)
        if request.param == "fields":
            fields = tuple(name for name in whole.fields if name != HIDDEN.get(table.name))
            return Reach(table, fields, whole.rows)
        if table.name not in RULES:
            return whole
        return Reach(table, whole.fields, bind(Compare(*RULES[table.name]), table.columns.get))

    for module in (hop, plan):
        monkeypatch.setattr(module, "reach", narrowed)
    return request.param


async def test_rows_and_fields_beyond_reach(magazine: Tables, limited: str) -> None:
    posts = magazine["posts"]
    if limited == "fields":
        (post,) = await posts.rows(id=1, populate="comments")
        assert post["comments"][0].keys() == {"id", "body", "post_id", "is_deleted"}
        for params in (
            {"populate": "comments.author"},
            {"populate": "comments.author_id"},
            {"populate": "tags"},
            {"populate": "comments", "fields": "comments.author_id"},
            {"comments.author_id": "2"},
            {"comments.author.name": "Bob"},
            {"tags.label": "red"},
        ):
            assert (await posts.get(**params)).status_code == 400, params
        return
    rows = await posts.rows(populate="comments,tags", title__contains="o", search="o")
    assert [(row["id"], [one["id"] for one in row["comments"]]) for row in rows] == [(1, [1]), (2, [3])]
    assert [[one["label"] for one in row["tags"]] for row in rows] == [["red"], []]
    assert await posts.ids(**{"comments.body": "bad"}) == []
    assert await posts.ids(
        **{"tags.label__in": "red,blue", "comments.body": "good", "title__contains": "n"}
    ) == [1]
    assert (await posts.get("/3")).status_code == 404
    assert (await posts.get("/3", populate="comments")).status_code == 404
    (post,) = await magazine["comments"].rows(id=1, populate="post_id,post.tags", **{"post.title": "One"})
    assert (post["post_id"]["id"], [one["label"] for one in post["post"]["tags"]]) == (1, ["red"])
