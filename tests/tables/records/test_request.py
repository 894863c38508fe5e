"""Parameters of a read, before any column is looked at."""

from __future__ import annotations

import pytest

from penstock.kit import errors
from penstock.kit.filters import EVERYTHING, And, Compare
from penstock.tables.records.request import Count, Sort, Window, parse_detail, parse_list

COLUMNS = ("id", "name", "page", "a__in")


def faults(*pairs: tuple[str, str]) -> dict[str, list[str]]:
    with pytest.raises(errors.Invalid) as caught:
        parse_list(pairs, COLUMNS)
    return {name: list(messages) for name, messages in (caught.value.errors or {}).items()}


def test_nothing_asked_for_is_the_first_page() -> None:
    asked = parse_list([], COLUMNS)
    assert (asked.filters, asked.order, asked.count) == (EVERYTHING, (), Count.EXACT)
    assert asked.window == Window(20, 0)
    assert (asked.search, asked.fields) == (None, None)


@pytest.mark.parametrize(
    ("pairs", "window"),
    [
        ([("page", "3"), ("page_size", "7")], Window(7, 14)),
        ([("page_size", "1000")], Window(1000, 0)),
        ([("limit", "5")], Window(5, 0, by_offset=True)),
        ([("offset", "40")], Window(20, 40, by_offset=True)),
        ([("limit", "5"), ("offset", "10"), ("page", "9")], Window(5, 10, by_offset=True)),
        ([("after", ""), ("page_size", "5")], Window(5, 0, after="")),
        ([("after", "abc"), ("limit", "5")], Window(5, 0, by_offset=True, after="abc")),
        ([("page", "1"), ("page", "2")], Window(20, 20)),
    ],
)
def test_windows(pairs: list[tuple[str, str]], window: Window) -> None:
    assert parse_list(pairs, COLUMNS).window == window


@pytest.mark.parametrize("name", ["page", "page_size", "limit", "offset"])
@pytest.mark.parametrize("text", ["-1", "1.5", "x", "", "1e3", "٣", "9" * 30])
def test_numbers_that_are_none(name: str, text: str) -> None:
    assert list(faults((name, text))) == [name]


def test_windows_that_are_none() -> None:
    assert list(faults(("page", "0"))) == ["page"]
    assert list(faults(("limit", "0"))) == ["limit"]
    assert list(faults(("page_size", "1001"))) == ["page_size"]
    assert list(faults(("page", "99999999999999999"))) == ["page"]
    assert list(faults(("after", "x"), ("page", "2"))) == ["after"]
    assert list(faults(("after", "x"), ("offset", "2"))) == ["after"]


def test_orders() -> None:
    asked = parse_list([("ordering", "-name, id,,name,-")], COLUMNS)
    assert asked.order == (Sort("name", True), Sort("id", False))


def test_counts() -> None:
    assert parse_list([("count", "planned")], COLUMNS).count is Count.PLANNED
    assert parse_list([("after", "x")], COLUMNS).count is Count.NONE
    assert parse_list([("after", "")], COLUMNS).count is Count.EXACT
    assert parse_list([("after", "x"), ("count", "exact")], COLUMNS).count is Count.EXACT
    assert parse_list([("_count", "true")], COLUMNS).count is Count.EXACT
    assert faults(("count", "maybe")) == {"count": ["'maybe' is not one of: exact, planned, none."]}


def test_conditions_of_both_kinds_are_joined() -> None:
    asked = parse_list([("name", "x"), ("filters", '{"a__in": 1}'), ("page__eq", "3")], COLUMNS)
    assert asked.filters == And(
        (Compare("name", "eq", "x"), Compare("page", "eq", "3"), Compare("a__in", "eq", 1))
    )


def test_populate() -> None:
    asked = parse_list([("populate", "author, comments.author"), ("populate", "*,author")], COLUMNS)
    assert asked.populate == (("author",), ("comments", "author"), ("*",))
    assert asked.names_relations
    assert not parse_list([("populate", ","), ("name", "x")], COLUMNS).names_relations
    assert parse_list([("author.name", "x")], COLUMNS).names_relations
    assert parse_detail([("fields", "author.name")]).names_relations
    assert list(faults(("populate", "a.b.c.d"))) == ["populate"]


def test_fields() -> None:
    assert parse_list([("fields", "name, id")], COLUMNS).fields == ("name", "id")
    assert parse_list([("select", "name")], COLUMNS).fields == ("name",)
    assert parse_list([("fields", "")], COLUMNS).fields is None
    assert parse_detail([("fields", "name")]).fields == ("name",)
    with pytest.raises(errors.Invalid):
        parse_detail([("name", "x")])


@pytest.mark.parametrize(
    "name",
    [
        *("_aggregate", "_group_by", "_having", "include", "depth", "relationship_type", "types"),
        *("graph_types", "allowed_actions", "filter", "ids", "unique_fields", "materialize", "datasource"),
        *("_topk", "_nothing"),
    ],
)
def test_what_would_change_the_answer_is_not_ignored(name: str) -> None:
    assert list(faults((name, "x"))) == [name]


def test_formats_and_keys() -> None:
    assert parse_list([("format", "flat"), ("api_key", "secret")], COLUMNS).filters == EVERYTHING
    assert list(faults(("format", "xml"))) == ["format"]
    assert list(faults(("search", "a\0b"))) == ["search"]
