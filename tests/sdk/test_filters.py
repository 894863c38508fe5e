from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from penstock_sdk import Expression, F
from penstock_sdk._filters import condition, flat_parameter


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        (F("a") == 1, {"a__eq": 1}),
        (F("a") != "x", {"a__ne": "x"}),
        (F("a") > 1, {"a__gt": 1}),
        (F("a") >= 1, {"a__gte": 1}),
        (F("a") < 1, {"a__lt": 1}),
        (F("a") <= 1, {"a__lte": 1}),
        (F("a") == None, {"a__null": True}),  # noqa: E711
        (F("a") != None, {"a__null": False}),  # noqa: E711
        (F("a").is_null(), {"a__null": True}),
        (F("a").in_((1, 2)), {"a__in": [1, 2]}),
        (F("a").not_in({1}), {"a__nin": [1]}),
        (F("a").in_("xy", ignore_case=True), {"a__ina": ["x", "y"]}),
        (F("a").between(1, 2), {"a__between": [1, 2]}),
        (F("a").contains("x"), {"a__contains": "x"}),
        (F("a").contains("x", exact_case=True), {"a__containss": "x"}),
        (F("a").startswith("x"), {"a__startswith": "x"}),
        (F("a").endswith("x", exact_case=True), {"a__endswiths": "x"}),
        (F("a").like("x%"), {"a__like": "x%"}),
        (F("a").op("rcontains", 5), {"a__rcontains": 5}),
        (F("a") == datetime(2025, 1, 2, tzinfo=UTC), {"a__eq": "2025-01-02T00:00:00Z"}),
        (F("a") == date(2025, 1, 2), {"a__eq": "2025-01-02"}),
        (F("a") == UUID(int=1), {"a__eq": "00000000-0000-0000-0000-000000000001"}),
        (F("a") == Colour.RED, {"a__eq": "red"}),
    ],
)
def test_comparisons(expression: Expression, tree: dict[str, Any]) -> None:
    assert expression.tree() == tree


def test_conditions_combine_and_flatten() -> None:
    a, b, c = F("a") == 1, F("b") > 2, F("c").is_null()
    assert (a & b & c).tree() == {"and": [{"a__eq": 1}, {"b__gt": 2}, {"c__null": True}]}
    assert ((a | b) & ~c).tree() == {
        "and": [{"or": [{"a__eq": 1}, {"b__gt": 2}]}, {"not": {"c__null": True}}]
    }
    assert (~~a).tree() == a.tree()


def test_a_condition_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="combine"):
        bool((F("a") == 1) and (F("b") == 2))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("carrier", "UA", ("carrier", "UA")),
        ("dep_delay__gt", 10, ("dep_delay__gt", "10")),
        ("active", True, ("active", "true")),
        ("tailnum", None, ("tailnum__null", "true")),
        ("tailnum__ne", None, ("tailnum__null", "false")),
        ("page", 3, ("page__eq", "3")),
        ("_hidden", 3, ("_hidden__eq", "3")),
        ("price", Decimal("1.10"), ("price", "1.10")),
        ("status__in", ["a,b", "c"], ("status__in", '["a,b","c"]')),
        ("at__between", (date(2025, 1, 1), date(2025, 2, 1)), ("at__between", '["2025-01-01","2025-02-01"]')),
        ("at", datetime(2025, 1, 1, tzinfo=UTC), ("at", "2025-01-01T00:00:00Z")),
        ("colour", Colour.RED, ("colour", "red")),
        ("author_id.name", "Ann", ("author_id.name", "Ann")),
    ],
)
def test_flat_parameters(key: str, value: Any, expected: tuple[str, str]) -> None:
    assert flat_parameter(key, value) == expected


def test_none_cannot_be_compared_by_size() -> None:
    with pytest.raises(ValueError, match="a__ne=None"):
        flat_parameter("a__gt", None)


def test_mappings_are_conditions_too() -> None:
    tree = condition({"a__gt": 1, "or": [{"b": 1}, {"not": {"c": None}}]}).tree()
    assert tree == {"and": [{"a__gt": 1}, {"or": [{"b__eq": 1}, {"not": {"c__null": True}}]}]}
    assert condition({"a": 1}).tree() == {"a__eq": 1}
    with pytest.raises(ValueError, match="empty"):
        condition({})


def test_a_field_needs_a_name_and_is_no_key() -> None:
    with pytest.raises(ValueError, match="name"):
        F("")
    with pytest.raises(TypeError):
        hash(F("a"))
