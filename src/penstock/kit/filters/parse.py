"""Filters as callers write them, to a tree: query-string pairs, JSON in all spellings, a delete's filter.

Nothing is known about columns here; values stay as written until `bind` casts them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from typing import cast as typed

from penstock.kit import errors
from penstock.kit.filters.tree import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    And,
    Compare,
    Not,
    Or,
    Related,
    Tree,
    conjunction,
    leaves,
)
from penstock.kit.filters.values import (
    Uncastable,
    clean,
    decode_json,
    freeze,
    has_json_reading,
    show,
    split_list,
)
from penstock.kit.operators import BY_NAME, Arity

_LOGICAL = ("and", "or", "not")


def parse_pairs(pairs: Iterable[tuple[str, str]], fields: Collection[str] = ()) -> Tree:
    """The filter pairs of a query string, all ANDed; a key given twice is two conditions.

    Reserved parameters must be taken out before. `fields` names the columns, so that one called `a__in` can
    be reached.
    """
    items = [_pair(key, value, fields) for key, value in pairs]
    if len(items) > MAX_CONDITIONS:
        raise _too_many(items[MAX_CONDITIONS].param)
    return items[0] if len(items) == 1 else And(tuple(items))


def parse_json(source: Any, fields: Collection[str] = (), *, param: str = "filters") -> Tree:
    """A JSON filter tree, given as its text or already decoded; errors name `param`."""
    tree = _Parser(fields, param).root(_decoded(source, param))
    if sum(1 for _ in leaves(tree)) > MAX_CONDITIONS:
        raise _too_many(param)
    return tree


def parse_delete(source: Any, fields: Collection[str] = (), *, param: str = "filter") -> Tree:
    """The `filter` of a delete: flat keys, logical keys and, in `filters`, a tree or the JSON text of one.

    A filter that would hold for every row whatever it contains is refused.
    """
    found = _decoded(source, param)
    if not isinstance(found, Mapping):
        raise _invalid(param, 'must be a JSON object such as {"status": "draft"}.')
    parts: list[Tree] = []
    for key, value in typed("Mapping[str, Any]", found).items():
        if key == "filters":
            parts.append(parse_json(value, fields, param="filters"))
        elif key in _LOGICAL:
            parts.append(_Parser(fields, param).logical(key, value, 1))
        else:
            parts.append(_repeated(_Parser(fields, param).flat(key, value), param))
    tree = conjunction(parts)
    if sum(1 for _ in leaves(tree)) > MAX_CONDITIONS:
        raise _too_many(param)
    if constant(tree) is True:
        raise _invalid(param, "must restrict the rows to delete; this one holds for every row.")
    return tree


def constant(tree: Tree) -> bool | None:
    """What the tree is for every row, whatever the rows are; None when that depends on them."""
    if isinstance(tree, Compare):
        return _constant_leaf(tree)
    if isinstance(tree, Not):
        inner = constant(tree.item)
        return None if inner is None else not inner
    if isinstance(tree, Related):
        return False if constant(tree.item) is False else None
    found = [constant(item) for item in tree.items]
    decisive = isinstance(tree, Or)
    if decisive in found:
        return decisive
    return None if None in found else not decisive


def _constant_leaf(leaf: Compare) -> bool | None:
    operator = BY_NAME.get(leaf.op)
    if operator is None or operator.name not in ("in", "nin", "ina", "nina"):
        return None
    try:
        items, _ = split_list(leaf.value)
    except Uncastable:
        return None
    return None if items else operator.name in ("nin", "nina")


def split_key(key: str, fields: Collection[str]) -> tuple[str, str]:
    """The path and operator that a flat key such as `age__gt` stands for."""
    if key not in fields:
        path, _, op = key.rpartition("__")
        if path and op in BY_NAME:
            return path, op
    return key, "eq"


def _pair(key: str, value: str, fields: Collection[str]) -> Compare:
    path, op = split_key(key, fields)
    if op in ("aelement", "naelement") and has_json_reading(value):
        # Text that may be a number means both; only a list operator has a spelling for that in JSON too.
        op = "aoverlap" if op == "aelement" else "naoverlap"
    return Compare(path, op, value)


def _decoded(source: Any, param: str) -> Any:
    if not isinstance(source, (str, bytes)):
        return source
    try:
        return decode_json(source)
    except ValueError as error:
        raise _invalid(param, f"is not valid JSON: {clean(str(error))}.") from None


def _invalid(param: str, message: str, hint: str | None = None) -> errors.Invalid:
    return errors.Invalid({clean(param): [f"The filter {message}"]}, hint=hint)


def _too_many(param: str) -> errors.Invalid:
    return errors.Invalid({clean(param): [f"A filter takes at most {MAX_CONDITIONS} conditions."]})


def _repeated(leaf: Compare, param: str) -> Tree:
    """The published client sends a key given twice as one list: an AND, unless the operator takes a list."""
    operator = BY_NAME[leaf.op]
    value: Any = leaf.value
    if type(value) is not tuple:
        return leaf
    items = typed("tuple[Any, ...]", value)
    if operator.arity is Arity.LIST:
        if any(isinstance(item, str) and "," in item for item in items):
            # Two lists merged by the client, or items with commas? A wrong guess deletes the wrong rows.
            raise _invalid(
                leaf.param,
                "holds an item with a comma, which cannot be told from two lists given at once.",
                hint=f'Write it as a tree: {{"filters": {{"{clean(leaf.param)}": [...]}}}}.',
            )
        return leaf
    if operator.arity in (Arity.SCALAR, Arity.TEXT, Arity.BOOLEAN) and operator.name != "eq":
        return conjunction(Compare(leaf.path, leaf.op, item) for item in items) if items else leaf
    return leaf


class _Parser:
    """One JSON tree; `param` is the parameter it came in."""

    def __init__(self, fields: Collection[str], param: str) -> None:
        self.fields = fields
        self.param = param

    def root(self, value: Any) -> Tree:
        return And(()) if value == {} else self.node(value, 0)

    def node(self, value: Any, depth: int) -> Tree:
        if isinstance(value, (list, tuple)):
            return And(self.members(typed("list[Any]", value), depth + 1))
        if not isinstance(value, Mapping):
            raise _invalid(self.param, f"holds {show(value)} where a condition (a JSON object) belongs.")
        entries = typed("Mapping[str, Any]", value)
        if not entries:
            raise _invalid(self.param, "holds an empty condition {}.")
        if "operator" in entries and ("field" in entries or "value" in entries):
            return self.node_form(entries, depth)
        if len(entries) == 1:
            return self.entry(*next(iter(entries.items())), depth)
        self.check(depth + 1)
        return And(tuple(self.entry(key, item, depth + 1) for key, item in entries.items()))

    def members(self, values: list[Any], depth: int) -> tuple[Tree, ...]:
        self.check(depth)
        return tuple(self.node(value, depth) for value in values)

    def check(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _invalid(self.param, f"nests deeper than {MAX_DEPTH} levels.")

    def entry(self, key: str, value: Any, depth: int) -> Tree:
        return self.logical(key, value, depth + 1) if key in _LOGICAL else self.flat(key, value)

    def logical(self, name: str, value: Any, depth: int) -> Tree:
        self.check(depth)
        if name == "not":
            return Not(self.node(value, depth))
        if not isinstance(value, (list, tuple)):
            raise _invalid(self.param, f"has '{name}' with {show(value)}; it takes a list of conditions.")
        members = self.members(typed("list[Any]", value), depth)
        return And(members) if name == "and" else Or(members)

    def flat(self, key: str, value: Any) -> Compare:
        path, op = split_key(key, self.fields)
        return Compare(path, op, self.value(key, value))

    def value(self, name: str, value: Any) -> Any:
        try:
            return freeze(value)
        except ValueError as error:
            raise _invalid(clean(name), f"is refused: {error}.") from None

    def node_form(self, entries: Mapping[str, Any], depth: int) -> Tree:
        op = entries["operator"]
        known = {"field", "operator", "value"} if "field" in entries else {"operator", "value"}
        if extra := sorted(entries.keys() - known):
            raise _invalid(
                self.param, f"has a node with {show(extra[0])}; it takes {', '.join(sorted(known))}."
            )
        if not isinstance(op, str):
            raise _invalid(self.param, f"has the operator {show(op)}; it takes a name.")
        if "field" not in entries:
            if op not in _LOGICAL:
                raise _invalid(
                    self.param,
                    f"has a node with the operator {show(op)} and no field; only and, or, not do without.",
                    hint="A column called 'operator' is reached as 'operator__eq'.",
                )
            return self.logical(op, entries["value"], depth + 1)
        path = entries["field"]
        if not isinstance(path, str):
            raise _invalid(self.param, f"has the field {show(path)}; it takes a name.")
        if "value" not in entries and op not in ("null", "nnull"):
            raise _invalid(self.param, f"has no value for {show(path)} {op}.")
        return Compare(path, op, self.value(path, entries.get("value", True)))
