"""A tree meets the columns: errors name parameter, value and what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.kit import errors
from penstock.kit.filters import (
    And,
    Column,
    Compare,
    Condition,
    Not,
    ValueType,
    bind,
    parse_json,
    parse_pairs,
)
from penstock.kit.operators import BY_NAME

COLUMNS = {
    "age": Column("age", '"age"', ValueType.INTEGER),
    "name": Column("name", '"name"', ValueType.TEXT),
    "first__name": Column("first__name", '"first__name"', ValueType.TEXT),
    "active": Column("active", '"active"', ValueType.BOOLEAN),
    "seen": Column("seen", '"seen"', ValueType.DATETIME),
    "tags": Column("tags", '"tags"', ValueType.JSON_ARRAY),
    "days": Column("days", '"days"', ValueType.JSON_ARRAY, ValueType.DATE),
    "span": Column("span", '"span"', ValueType.RANGE, ValueType.DATE),
}


def bound(tree: Any) -> Any:
    return bind(tree, COLUMNS.get, COLUMNS)


def pair(key: str, value: str) -> Any:
    return bound(parse_pairs([(key, value)], COLUMNS))


def test_values_are_cast_by_the_column() -> None:
    assert pair("age", "5") == Condition(COLUMNS["age"], BY_NAME["eq"], 5)
    assert pair("age__in", "1, 2") == Condition(COLUMNS["age"], BY_NAME["in"], (1, 2))
    assert pair("name__in", "a, b").value == ("a", " b")
    assert pair("name__icontains", "x").operator is BY_NAME["contains"]
    assert pair("first__name__gt", "x").column is COLUMNS["first__name"]
    assert pair("tags__acontains", "5,a").value == ((5, "5"), ("a",))
    assert pair("days__aelement", "2024-01-01").value == (("2024-01-01",),)
    tree = bound(parse_json({"not": {"age": None, "active": True}}))
    assert tree == Not(
        And(
            (
                Condition(COLUMNS["age"], BY_NAME["null"], True),
                Condition(COLUMNS["active"], BY_NAME["eq"], True),
            )
        )
    )
    assert hash(tree) == hash(bound(parse_json({"not": {"age": None, "active": True}})))


@pytest.mark.parametrize(
    ("source", "param", "words", "hint"),
    [
        ({"agee": 1}, "agee", "There is no field 'agee'.", "Did you mean 'age'?"),
        ({"agee__gt": 1}, "agee__gt", "There is no field 'agee'.", "Did you mean 'age'?"),
        ({"zzzz": 1}, "zzzz", "There is no field 'zzzz'.", None),
        ({"age_gt": 1}, "age_gt", "There is no field 'age_gt'.", "Did you mean 'age'?"),
        (
            {"age__grt": 1},
            "age__grt",
            "There is no operator 'grt'. It takes eq, ne, gt,",
            "Did you mean 'gt'?",
        ),
        ({"field": "age", "operator": "~", "value": 1}, "age__~", "There is no operator '~'.", None),
        (
            {"age__contains": "5"},
            "age__contains",
            "does not apply to 'age', which is of type integer. It takes eq,",
            None,
        ),
        ({"age__icontains": "5"}, "age__icontains", "does not apply to 'age'", None),
        ({"age__descendants": 5}, "age__descendants", "'descendants' is not available on this table.", None),
        ({"author.name": "x"}, "author.name", "takes fields of its own table only", None),
        ({"age": "abc"}, "age", "'abc' is not an integer between", None),
        ({"age__gt": "abc"}, "age__gt", "'abc' is not an integer between", None),
        ({"age": True}, "age", "true is not an integer", None),
        ({"age": [1]}, "age", "[1] is not an integer", "Lists go with 'in' and 'nin'."),
        ({"age__in": [1, "x"]}, "age__in", "[1,\"x\"] holds 'x', which is not an integer", None),
        ({"age__in": [1, None]}, "age__in", "holds null", None),
        ({"age__in": 5}, "age__in", "5 is not a list", None),
        ({"age__in": list(range(1001))}, "age__in", "has 1001 items; a list takes at most 1000", None),
        ({"age__between": "1"}, "age__between", "'1' is not two values", None),
        ({"age__between": [1, "x"]}, "age__between", "holds 'x', which is not an integer", None),
        ({"age__gt": None}, "age__gt", "null is no value for 'gt'; only eq and ne", None),
        ({"age__null": "maybe"}, "age__null", "'maybe' is not a boolean", None),
        ({"active": "False!"}, "active", "'False!' is not a boolean", None),
        ({"name": 5}, "name", "5 is not text", None),
        ({"name__contains": 5}, "name__contains", "5 is not text", None),
        ({"name__like": "a\\"}, "name__like", "ends with a lone backslash", None),
        ({"name": "a\0"}, "name", "contains a NUL character", None),
        ({"seen__gt": "yesterday"}, "seen__gt", "'yesterday' is not a datetime such as", None),
        ({"span__roverlaps": "2024-01-02,2024-01-01"}, "span__roverlaps", "lower end is above", None),
        ({"days__acontains": ["x"]}, "days__acontains", "holds 'x', which is not a date", None),
    ],
)
def test_errors(source: Any, param: str, words: str, hint: str | None) -> None:
    with pytest.raises(errors.Invalid) as caught:
        bound(parse_json(source))
    assert list(caught.value.errors or {}) == [param]
    assert words in caught.value.message
    assert caught.value.hint == hint


def test_a_pattern_may_end_with_an_escaped_backslash() -> None:
    assert pair("name__like", "a\\\\").value == "a\\\\"


def test_joined_trees_have_limits_too() -> None:
    with pytest.raises(errors.Invalid, match="at most 200 conditions"):
        bound(And(tuple(Compare("age", "eq", 1) for _ in range(201))))
    tree: Any = Compare("age", "eq", 1)
    for _ in range(5000):
        tree = Not(tree)
    with pytest.raises(errors.Invalid, match="too deeply"):
        bound(tree)


def test_errors_carry_valid_unicode_only() -> None:
    with pytest.raises(errors.Invalid) as caught:
        pair("\ud800", "\ud800")
    assert str(caught.value.body("r")).encode()
