"""Trees as text: what is printed is parsed to the same tree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.kit.filters import And, Compare, Not, Or, describe, parse_json, parse_pairs, print_json
from penstock.kit.operators import BY_NAME

NAMES = st.sampled_from(
    [
        "age",
        "age__gt",
        "a",
        "a__in",
        "and",
        "not",
        "field",
        "operator",
        "value",
        "filters",
        "",
        "__",
        "é",
        '"',
    ]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False).filter(
        lambda number: not str(number).lstrip("-").isdigit()
    )
    | TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
LEAVES = st.builds(Compare, NAMES, st.sampled_from([*BY_NAME, "near"]), VALUES)


def trees(depth: int) -> st.SearchStrategy[Any]:
    if not depth:
        return LEAVES
    inner = st.deferred(lambda: trees(depth - 1))
    lists = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(LEAVES, st.builds(And, lists), st.builds(Or, lists), st.builds(Not, inner))


@given(trees(10), st.sets(NAMES))
@settings(max_examples=600, deadline=None)
def test_what_is_printed_is_parsed_to_the_same_tree(tree: Any, fields: set[str]) -> None:
    again = parse_json(print_json(tree, fields), fields)
    assert again == tree
    assert repr(again) == repr(tree)  # True is not 1, 1.50 is not 1.5
    describe(tree)


def test_the_canonical_form_is_the_key_form() -> None:
    tree = parse_json(
        '[{"field": "age", "operator": "gte", "value": 18}, {"not": {"name__icontains": "x", "n": 1.50}}]'
    )
    assert (
        print_json(tree)
        == '{"and":[{"age__gte":18},{"not":{"and":[{"name__icontains":"x"},{"n__eq":1.50}]}}]}'
    )
    assert (
        print_json(Compare("age", "gt", 1), ("age", "age__gt")) == '{"field":"age","operator":"gt","value":1}'
    )


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (parse_pairs([]), "everything"),
        (Or(()), "nothing"),
        (
            parse_pairs([("carrier", "UA"), ("delay__gt", "10")]),
            "carrier is 'UA' and delay is greater than '10'",
        ),
        (
            parse_json({"or": [{"a": 1}, {"b": None, "c__in": [1, 2]}]}),
            "a is 1 or (b is empty and c is one of 1, 2)",
        ),
        (parse_json({"not": {"a__between": [1, 2]}}), "not (a is between 1 and 2)"),
        (parse_json({"a__null": False}), "a is not empty"),
        (parse_json({"a__nnull": "True"}), "a is not empty"),
        (parse_json({"a__ne": None}), "a is not empty"),
        (parse_json({"a__ncontains": "x"}), "a does not contain (any case) 'x'"),
        (parse_json({"and": [{"or": [{"a": 1}]}]}), "a is 1"),
        (Compare("a", "near", Decimal("1.5")), "a near 1.5"),
    ],
)
def test_description(tree: Any, words: str) -> None:
    assert describe(tree) == words
