"""Filters as text: canonical JSON that `parse_json` reads back unchanged, and a sentence for people."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from typing import cast as typed

from penstock.kit.filters.parse import split_key
from penstock.kit.filters.tree import And, Compare, Not, Or, Related, Tree
from penstock.kit.filters.values import encode_json, show
from penstock.kit.operators import BY_NAME, Arity


def print_json(tree: Tree, fields: Collection[str] = ()) -> str:
    """The tree as JSON in the key form; with the same `fields`, `parse_json` gives the same tree again."""
    return encode_json(to_json(tree, fields))


def to_json(tree: Tree, fields: Collection[str] = ()) -> dict[str, Any]:
    """The tree as the JSON value that `print_json` encodes."""
    if isinstance(tree, And):
        return {"and": [to_json(item, fields) for item in tree.items]}
    if isinstance(tree, Or):
        return {"or": [to_json(item, fields) for item in tree.items]}
    if isinstance(tree, Not):
        return {"not": to_json(tree.item, fields)}
    if isinstance(tree, Related):
        return to_json(tree.item, fields)
    key = f"{tree.path}__{tree.op}"
    if split_key(key, fields) == (tree.path, tree.op):
        return {key: tree.value}
    # Another column's name would swallow the key, or the operator is unknown.
    return {"field": tree.path, "operator": tree.op, "value": tree.value}


def describe(tree: Tree) -> str:
    """The tree as a sentence: "carrier is 'UA' and (delay is greater than 10 or origin is empty)"."""
    return _describe(tree, inside=False)


def _describe(tree: Tree, *, inside: bool) -> str:
    if isinstance(tree, Compare):
        return _describe_leaf(tree)
    if isinstance(tree, Not):
        return f"not ({_describe(tree.item, inside=False)})"
    if isinstance(tree, Related):
        return _describe(tree.item, inside=inside)
    if not tree.items:
        return "everything" if isinstance(tree, And) else "nothing"
    word = " and " if isinstance(tree, And) else " or "
    text = word.join(_describe(item, inside=len(tree.items) > 1) for item in tree.items)
    return f"({text})" if inside and len(tree.items) > 1 else text


def _describe_leaf(leaf: Compare) -> str:
    operator, value = BY_NAME.get(leaf.op), typed("object", leaf.value)
    if operator is None:
        return f"{leaf.path} {leaf.op} {show(value)}"
    if operator.arity is Arity.BOOLEAN or value is None:
        return f"{leaf.path} is {'' if _holds_empty(leaf) else 'not '}empty"
    text = show(value)
    if isinstance(value, tuple):
        joint = " and " if operator.arity is Arity.PAIR else ", "
        text = joint.join(show(item) for item in typed("tuple[Any, ...]", value))
    return f"{leaf.path} {operator.words} {text}"


def _holds_empty(leaf: Compare) -> bool:
    if leaf.value is None:
        return leaf.op == "eq"
    return (leaf.op == "null") == (str(leaf.value).strip().lower() in ("true", "1"))
