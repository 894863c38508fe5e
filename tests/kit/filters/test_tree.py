"""The tree itself."""

from __future__ import annotations

from penstock.kit.filters import EVERYTHING, And, Compare, Not, Or, conjunction, leaves, paths

A, B, C = Compare("a", "eq", 1), Compare("b", "gt", (1, 2)), Compare("c", "eq", None)


def test_nodes_are_values() -> None:
    assert And((A, Not(B))) == And((A, Not(B)))
    assert hash(Or((A, B))) == hash(Or((A, B)))
    assert len({A, B, C, A}) == 3
    assert A != B


def test_the_parameter_of_a_condition() -> None:
    assert A.param == "a"
    assert B.param == "b__gt"


def test_conjunction() -> None:
    assert conjunction([]) == EVERYTHING
    assert conjunction([EVERYTHING, A]) == A
    assert conjunction([A, And((B, C)), Or((A, B))]) == And((A, B, C, Or((A, B))))


def test_leaves_and_paths() -> None:
    tree = And((A, Or((Not(B), C)), And(())))
    assert list(leaves(tree)) == [A, B, C]
    assert paths(tree) == {"a", "b", "c"}
