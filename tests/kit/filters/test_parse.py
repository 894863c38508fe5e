"""Filters as callers write them, to trees."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from penstock.kit import errors
from penstock.kit.filters import And, Compare, Not, Or, parse_delete, parse_json, parse_pairs

AGE, NAME = Compare("age", "gte", 18), Compare("name", "eq", "x")


def refused(call: Any, *args: Any) -> errors.Invalid:
    with pytest.raises(errors.Invalid) as caught:
        call(*args)
    assert caught.value.status == 400
    assert caught.value.errors
    return caught.value


@pytest.mark.parametrize(
    ("pair", "fields", "wanted"),
    [
        (("age", "5"), (), Compare("age", "eq", "5")),
        (("age__eq", "5"), (), Compare("age", "eq", "5")),
        (("age__gt", "5"), (), Compare("age", "gt", "5")),
        (("name__icontains", "x"), (), Compare("name", "icontains", "x")),
        (("first__name", "x"), (), Compare("first__name", "eq", "x")),
        (("first__name__in", "x"), (), Compare("first__name", "in", "x")),
        (("age__gt", "5"), ("age", "age__gt"), Compare("age__gt", "eq", "5")),
        (("age__gt__gt", "5"), ("age", "age__gt"), Compare("age__gt", "gt", "5")),
        (("age_gt", "5"), ("age",), Compare("age_gt", "eq", "5")),
        (("age__near", "5"), ("age",), Compare("age__near", "eq", "5")),
        (("__gt", "5"), (), Compare("__gt", "eq", "5")),
        (("a.b__gt", "5"), (), Compare("a.b", "gt", "5")),
        (("tags__aelement", "x"), (), Compare("tags", "aelement", "x")),
        (("tags__aelement", "5"), (), Compare("tags", "aoverlap", "5")),
        (("tags__naelement", "true"), (), Compare("tags", "naoverlap", "true")),
        (("page__eq", "3"), (), Compare("page", "eq", "3")),
    ],
)
def test_pairs(pair: tuple[str, str], fields: tuple[str, ...], wanted: Compare) -> None:
    assert parse_pairs([pair], fields) == wanted


def test_pairs_are_anded_and_repeated_keys_kept() -> None:
    assert parse_pairs([]) == And(())
    pairs = [("a__ne", "1"), ("a__ne", "2"), ("b", "x,y")]
    assert parse_pairs(pairs) == And(
        (Compare("a", "ne", "1"), Compare("a", "ne", "2"), Compare("b", "eq", "x,y"))
    )


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{}", And(())),
        ("[]", And(())),
        ({"age__gte": 18}, AGE),
        ({"age__gte": 18, "name": "x"}, And((AGE, NAME))),
        ([{"age__gte": 18}, {"name": "x"}], And((AGE, NAME))),
        ({"and": [{"age__gte": 18}, {"or": [{"name": "x"}]}]}, And((AGE, Or((NAME,))))),
        ({"not": {"name": "x"}}, Not(NAME)),
        ({"not": {"operator": "not", "value": {"name": "x"}}}, Not(Not(NAME))),
        ({"not": [{"name": "x"}, {"age__gte": 18}]}, Not(And((NAME, AGE)))),
        (
            [{"operator": "or", "value": [{"field": "age", "operator": "gte", "value": 18}, {"name": "x"}]}],
            And((Or((AGE, NAME)),)),
        ),
        ({"field": "name", "operator": "eq", "value": "x"}, NAME),
        ({"field": "age", "operator": "null"}, Compare("age", "null", True)),
        ({"field": "age", "operator": "near", "value": 1}, Compare("age", "near", 1)),
        ({"or": []}, Or(())),
        ({"operator__eq": "x", "value": 1}, And((Compare("operator", "eq", "x"), Compare("value", "eq", 1)))),
        ({"and__eq": "x"}, Compare("and", "eq", "x")),
        ({"age": None}, Compare("age", "eq", None)),
        ('{"n": 1.50}', Compare("n", "eq", Decimal("1.50"))),
        ('{"n": 123456789012345678901234567890}', Compare("n", "eq", 123456789012345678901234567890)),
        ('{"t__in": ["a,b", "c"]}', Compare("t", "in", ("a,b", "c"))),
        ('{"o": {"k": [1, {"m": null}]}}', Compare("o", "eq", {"k": (1, {"m": None})})),
    ],
)
def test_json(source: Any, wanted: Any) -> None:
    assert parse_json(source) == wanted
    if not isinstance(source, str):
        assert parse_json(json.dumps(source)) == wanted
        assert parse_json(json.dumps(source).encode()) == wanted


def test_numbers_keep_their_digits() -> None:
    tree = parse_json('{"n__gt": 0.1000000000000000000000000000000001}')
    assert isinstance(tree, Compare)
    assert str(tree.value) == "0.1000000000000000000000000000000001"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("{'a': 1}", "not valid JSON"),
        ("[NaN]", "NaN is not JSON"),
        ('{"a": 1, "a": 2}', "'a' occurs twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1e99999999999999999999}', "too large"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ("5", "holds 5 where a condition"),
        ("null", "holds null where a condition"),
        ('["age"]', "holds 'age' where a condition"),
        ("[{}]", "empty condition"),
        ('{"or": {"a": 1}}', "takes a list"),
        ('{"and": 5}', "takes a list"),
        ('{"not": 5}', "holds 5 where"),
        ('{"not": {}}', "empty condition"),
        ('{"operator": "xor", "value": []}', "only and, or, not do without"),
        ('{"operator": "or", "value": [], "more": 1}', "has a node with 'more'"),
        ('{"operator": 5, "value": []}', "the operator 5"),
        ('{"field": 5, "operator": "eq", "value": 1}', "has the field 5"),
        ('{"field": "a", "operator": "eq"}', "no value for 'a' eq"),
        ('{"field": "a", "operator": "eq", "value": 1, "x": 1}', "has a node with 'x'"),
        ('{"operator": "or", "value": {"a": 1}}', "takes a list"),
    ],
)
def test_json_that_is_refused(source: Any, words: str) -> None:
    error = refused(parse_json, source)
    assert list(error.errors or {}) == ["filters"]
    assert words in error.message


def test_values_nest_to_a_limit() -> None:
    value: Any = 1
    for _ in range(40):
        value = [value]
    assert "deeper than 32" in refused(parse_json, {"a": value}).message


def nested(levels: int) -> Any:
    tree: Any = {"a": 1}
    for level in range(levels):
        tree = {"not": tree} if level % 2 else {"or": [tree]}
    return tree


def test_limits() -> None:
    parse_json(nested(10))
    assert "deeper than 10 levels" in refused(parse_json, nested(11)).message
    assert "deeper than 10 levels" in refused(parse_json, {"not": {"x": 1, "and": [nested(8)]}}).message
    parse_json([{"a": 1}] * 200)
    assert "at most 200 conditions" in refused(parse_json, [{"a": 1}] * 201).message
    parse_pairs([("a", "1")] * 200)
    assert "at most 200 conditions" in refused(parse_pairs, [("a", "1")] * 201).message
    assert "at most 200 conditions" in refused(parse_delete, {"a": 1, "filters": [{"a": 1}] * 200}).message


STATUS = Compare("status", "eq", "draft")


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ({"status": "draft"}, STATUS),
        (
            {"status": "draft", "created_at__lt": "2023-01-01"},
            And((STATUS, Compare("created_at", "lt", "2023-01-01"))),
        ),
        ({"status__in": ["a", "b"]}, Compare("status", "in", ("a", "b"))),
        ({"status__in": "a,b"}, Compare("status", "in", "a,b")),
        ({"or": [{"status": "draft"}, {"age__gte": 18}]}, Or((STATUS, AGE))),
        ({"not": {"status": "draft"}}, Not(STATUS)),
        ({"status": "draft", "filters": {"or": [{"age__gte": 18}]}}, And((STATUS, Or((AGE,))))),
        ({"status": "draft", "filters": '{"or": [{"age__gte": 18}]}'}, And((STATUS, Or((AGE,))))),
        ({"filters": '[{"status": "draft"}, {"age__gte": 18}]'}, And((STATUS, AGE))),
        ({"status": "draft", "filters": "{}"}, STATUS),
        ({"filters__eq": "x"}, Compare("filters", "eq", "x")),
        ({"age__ne": [1, 2]}, And((Compare("age", "ne", 1), Compare("age", "ne", 2)))),
        (
            {"name__contains": ["a", "b"]},
            And((Compare("name", "contains", "a"), Compare("name", "contains", "b"))),
        ),
        ({"age__between": [1, 2]}, Compare("age", "between", (1, 2))),
        ({"id__in": []}, Compare("id", "in", ())),
    ],
)
def test_delete(source: Any, wanted: Any) -> None:
    assert parse_delete(json.dumps(source)) == wanted
    assert parse_delete(source) == wanted


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "not valid JSON"),
        ("[]", "must be a JSON object"),
        ('[{"a": 1}]', "must be a JSON object"),
        ("null", "must be a JSON object"),
        ("{}", "holds for every row"),
        ({"filters": "{}"}, "holds for every row"),
        ({"filters": "[]"}, "holds for every row"),
        ({"filters": ""}, "not valid JSON"),
        ({"filters": None}, "holds null"),
        ({"and": []}, "holds for every row"),
        ({"not": {"or": []}}, "holds for every row"),
        ({"or": [{"status": "draft"}, {"and": []}]}, "holds for every row"),
        ({"id__nin": []}, "holds for every row"),
        ({"id__nin": ""}, "holds for every row"),
        ({"id__nin": "[]"}, "holds for every row"),
        ({"not": {"id__in": []}}, "holds for every row"),
        ({"or": [{"a": 1}, {"name__nina": []}]}, "holds for every row"),
        ({"status__nin": ["a,b", "c"]}, "item with a comma"),
        ({"status": "draft", "filters": '{"a": 1'}, "not valid JSON"),
    ],
)
def test_delete_that_is_refused(source: Any, words: str) -> None:
    assert words in refused(parse_delete, source).message


def test_delete_names_the_parameter_at_fault() -> None:
    assert list(refused(parse_delete, {"filters": "{"}).errors or {}) == ["filters"]
    assert list(refused(parse_delete, "{").errors or {}) == ["filter"]
    assert list(refused(parse_delete, {"s__in": ["a,b"]}).errors or {}) == ["s__in"]
