from __future__ import annotations

import json

import pytest

from penstock_sdk import F
from penstock_sdk._query import QueryBuilder, Selection


class Query(QueryBuilder):
    @property
    def selection(self) -> Selection:
        return self._selection

    def _with(self, selection: Selection) -> Query:
        return Query(selection)


def test_every_method_gives_a_new_query() -> None:
    first = Query(Selection())
    second = first.filter(a=1).order_by("-b", "c").select("a", "b").search("x y").page(2, size=50)
    assert first.selection == Selection()
    chosen = second.selection
    assert chosen.conditions() == [("a", "1"), ("search", "x y")]
    assert chosen.shape() == [("ordering", "-b,c"), ("fields", "a,b")]
    assert chosen.paging() == [("page", "2"), ("page_size", "50")]


def test_the_same_filter_twice_is_sent_twice() -> None:
    assert Query(Selection()).filter(a__ne=1).filter(a__ne=2).selection.conditions() == [
        ("a__ne", "1"),
        ("a__ne", "2"),
    ]


def test_expressions_are_joined_into_one_tree() -> None:
    query = Query(Selection()).where(F("a") > 1).where({"b": 2}, F("c") == 3)
    ((name, text),) = query.selection.conditions()
    assert name == "filters"
    assert json.loads(text) == {"and": [{"a__gt": 1}, {"b__eq": 2}, {"c__eq": 3}]}


def test_limit_and_offset_replace_the_page() -> None:
    query = Query(Selection()).page(3, size=10).limit(5).offset(7).counting("none").parameter("populate", "x")
    assert query.selection.paging() == [("limit", "5"), ("offset", "7"), ("count", "none")]
    assert query.selection.shape() == [("populate", "x")]


def test_relations_add_up() -> None:
    query = Query(Selection()).populate("author", "comments.author").populate("author", "tags")
    assert query.selection.shape() == [("populate", "author,comments.author,tags")]
    assert query.populate().selection == query.selection
    assert F("author.name").contains("x").tree() == {"author.name__contains": "x"}


def test_a_delete_keeps_every_condition() -> None:
    query = Query(Selection()).filter(a__ne=1).filter(a__ne=2).filter(b=3).where(F("c") == 4)
    assert query.selection.deletion() == {
        "a__ne": "1",
        "b": "3",
        "filters": {"and": [{"c__eq": 4}, {"a__ne": "2"}]},
    }
    with pytest.raises(ValueError, match="condition"):
        Query(Selection()).order_by("a").selection.deletion()


def test_groups() -> None:
    query = Query(Selection()).aggregate("count(*)", "sum(a) as s").aggregate("max(b)").group_by("c", "d")
    query = query.having("s > 5 or count = 1", s__lt=9).order_by("-s").filter(a=1)
    assert query.selection.groups() == [
        ("_aggregate", "count(*),sum(a) as s,max(b)"),
        ("_group_by", "c,d"),
        ("_having", "s > 5 or count = 1,s__lt=9"),
    ]
    assert query.selection.shape() == [*query.selection.groups(), ("ordering", "-s")]
    assert query.selection.conditions() == [("a", "1")]
    with pytest.raises(ValueError, match="groups"):
        query.selection.deletion()


def test_nearness_is_sent_with_its_options() -> None:
    query = Query(Selection()).search("a").near("e", [1, 1 / 3], top=3, threshold=0.25, metric="l2", alpha=0)
    assert query.selection.conditions() == [
        ("search", "a"),
        ("e__vector_near", "[1.0,0.333333333]"),
        ("_topk", "3"),
        ("_vector_threshold", "0.25"),
        ("_vector_metric", "l2"),
        ("_hybrid_alpha", "0"),
    ]
    assert Query(Selection()).near("e", [1], ef_search=9).selection.near[1:] == (("_vector_ef_search", "9"),)
    with pytest.raises(ValueError, match="not by nearness"):
        query.filter(a=1).selection.deletion()
