"""A tree meets the columns: names are resolved, operators checked, values cast; what is left cannot be wrong.

The bound tree is the same for every database; `postgres` turns it into SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NoReturn, TypeAlias
from typing import cast as typed

import msgspec

from penstock.kit import errors
from penstock.kit.filters.tree import MAX_CONDITIONS, MAX_ITEMS, And, Compare, Node, Not, Or, Related, Tree
from penstock.kit.filters.values import (
    CASTS,
    RangeValue,
    Uncastable,
    cast_item,
    cast_range,
    clean,
    show,
    split_list,
)
from penstock.kit.operators import ARRAY_OPERATORS, BY_NAME, Arity, Operator, ValueType, allowed

# Deeper than what the parsers let through, since callers join trees; far from the interpreter's own limit.
_MAX_JOINED_DEPTH = 40


class Column(msgspec.Struct, frozen=True):
    """One column a filter may name.

    `sql` is its quoted expression, `item` the type of an array's items (optional) or of a range's ends,
    `config` the text search configuration of a search vector. `implied` is SQL that holds wherever the column equals
    a value `{v}`: another way for the database to find these rows.
    """

    name: str
    sql: str
    type: ValueType
    item: ValueType | None = None
    config: str = "english"
    implied: str = ""


class Condition(msgspec.Struct, frozen=True):
    """One condition on a column, its value cast.

    By arity: the value; a tuple of values; a pair; a bool; a str; a `RangeValue`. Array operators hold a
    tuple of items, each a tuple of its possible JSON readings.
    """

    column: Column
    operator: Operator
    value: Any


BoundTree: TypeAlias = "Node[Condition]"
Resolver: TypeAlias = Callable[[str], Column | None]


def bind(tree: Tree, resolver: Resolver, names: Collection[str] = ()) -> BoundTree:
    """Resolve and cast the whole tree; `errors.Invalid` names the parameter. `names` helps to spot a typo."""
    return _Binder(resolver, names).node(tree, 0)


class _Binder:
    def __init__(self, resolver: Resolver, names: Collection[str]) -> None:
        self.resolver = resolver
        self.names = names
        self.count = 0
        self.is_related: bool = False

    def node(self, tree: Tree, depth: int) -> BoundTree:
        if type(tree) is Compare:
            return self.leaf(tree)
        if depth > _MAX_JOINED_DEPTH:
            raise errors.Invalid({"filters": ["The filter nests too deeply."]})
        if isinstance(tree, And):
            return And(tuple([self.node(item, depth + 1) for item in tree.items]))
        if isinstance(tree, Or):
            return Or(tuple([self.node(item, depth + 1) for item in tree.items]))
        if isinstance(tree, Related):
            return self.related(tree, depth)
        return Not(self.node(typed("Not[Compare]", tree).item, depth + 1))

    def related(self, tree: Related[Compare], depth: int) -> BoundTree:
        here = self.resolver, self.names, self.is_related
        self.resolver, self.names, self.is_related = tree.hop.column, tree.hop.names, True
        item = self.node(tree.item, depth + 1)
        self.resolver, self.names, self.is_related = here
        return Related(tree.hop, item)

    def leaf(self, leaf: Compare) -> Condition:
        self.count += 1
        if self.count > MAX_CONDITIONS:
            _refuse(leaf, f"A filter takes at most {MAX_CONDITIONS} conditions.")
        column = self.resolver(leaf.path)
        if column is None:
            self.unknown_field(leaf)
        operator = BY_NAME.get(leaf.op)
        if operator is None or column.type not in operator.types:
            _unfit(leaf, column, operator)
        try:
            return _condition(column, operator, leaf.value)
        except Uncastable as error:
            value: Any = leaf.value
            listed = type(value) is tuple and operator.name in ("eq", "ne")
            _refuse(leaf, f"{show(value)} {error}.", "Lists go with 'in' and 'nin'." if listed else None)

    def unknown_field(self, leaf: Compare) -> NoReturn:
        path, _, op = leaf.path.rpartition("__")
        if path and (column := self.resolver(path)) is not None:
            _unfit(Compare(path, op, leaf.value), column, None)
        way, dot, _ = leaf.path.rpartition(".")
        if dot and not self.is_related:
            message = f"There is no field {show(leaf.path)}; this filter takes fields of its own table only."
            _refuse(leaf, message)
        near = errors.nearest(clean(leaf.path), [f"{clean(way)}{dot}{name}" for name in self.names])
        _refuse(leaf, f"There is no field {show(leaf.path)}.", near)


def _refuse(leaf: Compare, message: str, hint: str | None = None) -> NoReturn:
    raise errors.Invalid({clean(leaf.param): [message]}, hint=hint)


def _unfit(leaf: Compare, column: Column, operator: Operator | None) -> NoReturn:
    known = allowed(column.type)
    if operator is None:
        message = f"There is no operator {show(leaf.op)}."
    elif not operator.types:
        message = f"The operator '{leaf.op}' is not available on this table."
    else:
        name, kind = clean(leaf.path), column.type.value
        message = f"The operator '{leaf.op}' does not apply to '{name}', which is of type {kind}."
    near = errors.nearest(clean(leaf.op), known) if operator is None else None
    _refuse(leaf, f"{message} It takes {', '.join(known)}.", near)


def _condition(column: Column, operator: Operator, value: Any) -> Condition:
    if value is None:
        if operator.name not in ("eq", "ne"):
            raise Uncastable(f"is no value for '{operator.name}'; only eq and ne compare with null")
        return Condition(column, BY_NAME["null" if operator.name == "eq" else "nnull"], True)
    return Condition(column, operator, _READERS[operator.arity](column, operator, value))


def _scalar(column: Column, operator: Operator, value: Any) -> Any:
    kind = column.type
    if kind is ValueType.JSON_ARRAY and operator.name in ARRAY_OPERATORS:
        return (cast_item(column.item, value, exact=True),)
    if kind is ValueType.RANGE:
        return _range(column, operator, value)
    return CASTS[kind](value)


def _range(column: Column, operator: Operator, value: Any) -> RangeValue:
    return cast_range(column.item or ValueType.INTEGER, value)


def _boolean(column: Column, operator: Operator, value: Any) -> bool:
    return CASTS[ValueType.BOOLEAN](value)


def _pair(column: Column, operator: Operator, value: Any) -> tuple[Any, ...]:
    items, _ = split_list(value)
    if len(items) != 2:
        raise Uncastable("is not two values: write lower,upper")
    return _each(CASTS[column.type], items)


def _pattern(column: Column, operator: Operator, value: Any) -> str:
    text = CASTS[ValueType.TEXT](value)
    if operator.name in ("like", "ilike") and (len(text) - len(text.rstrip("\\"))) % 2:
        raise Uncastable("ends with a lone backslash; write \\\\ for a backslash")
    return text


def _list(column: Column, operator: Operator, value: Any) -> tuple[Any, ...]:
    items, exact = split_list(value)
    if len(items) > MAX_ITEMS:
        raise Uncastable(f"has {len(items)} items; a list takes at most {MAX_ITEMS}")
    if None in items:
        raise Uncastable("holds null; add a condition with 'null' instead")
    if column.type is ValueType.JSON_ARRAY:
        return _each(lambda item: cast_item(column.item, item, exact=exact), items)
    return _each(CASTS[column.type], items)


def _each(cast: Callable[[Any], Any], items: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        return tuple(map(cast, items))
    except Uncastable:
        for item in items:
            try:
                cast(item)
            except Uncastable as error:
                raise Uncastable(f"holds {show(item)}, which {error}") from None
        raise


_READERS: dict[Arity, Callable[[Column, Operator, Any], Any]] = {
    Arity.SCALAR: _scalar,
    Arity.LIST: _list,
    Arity.PAIR: _pair,
    Arity.BOOLEAN: _boolean,
    Arity.TEXT: _pattern,
    Arity.RANGE: _range,
}
