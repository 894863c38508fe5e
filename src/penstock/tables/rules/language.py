"""The filters of rules: the one filter language, in which a text that begins with `$` is something of the caller.

`$user.id`, `$user.email` and `$token.<name>` are one value, `$user.team_ids` is a list; `$$` begins a text with a `$`.
A condition on what the caller does not have is unknown, as one on null is: it lets nothing through, nor does its
negation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from typing import cast as typed

from penstock.identity import Principal
from penstock.kit import errors, sql
from penstock.kit.filters import (
    EVERYTHING,
    And,
    BoundTree,
    Column,
    Compare,
    Condition,
    Not,
    Or,
    Tree,
    ValueType,
    bind,
    leaves,
    parse_json,
    wire,
)
from penstock.kit.operators import BY_NAME, Arity, Operator

MAX_CONDITIONS: Final = 50
_TEAMS: Final = "user.team_ids"
_ONE: Final = ("user.id", "user.email")
_CLAIM: Final = re.compile(r"token\.[A-Za-z_][A-Za-z0-9_]{0,62}\Z")
_KNOWN: Final = "$user.id, $user.email, $user.team_ids and $token.<name>"
# Types of columns that values of callers are compared with.
_COMPARED: Final = frozenset(
    {
        ValueType.TEXT, ValueType.UUID, ValueType.INTEGER, ValueType.NUMBER, ValueType.BOOLEAN, ValueType.DATE,
        ValueType.DATETIME, ValueType.YEAR,
    }
)  # fmt: skip
NOTHING: Final[Or[Any]] = Or(())


def parse_filter(parameter: str, source: Any, fields: Collection[str]) -> Tree | None:
    """A filter as a request has it; None stays None. Raises `errors.Invalid` for `parameter`."""
    if source is None:
        return None
    tree = parse_json(source, fields, param=parameter)
    if sum(1 for _ in leaves(tree)) > MAX_CONDITIONS:
        raise errors.Invalid({parameter: [f"A rule has at most {MAX_CONDITIONS} conditions in a filter."]})
    return EVERYTHING if tree == EVERYTHING else tree


def check_filter(parameter: str, tree: Tree | None, columns: Mapping[str, Column]) -> None:
    """Raises `errors.Invalid` for `parameter` when the tree does not fit the columns."""
    if tree is None:
        return
    for leaf in leaves(tree):
        try:
            if (name := caller_value(leaf.value)) is not None:
                _check_variable(leaf, name, columns)
            else:
                bind(_plain(leaf), columns.get, columns)
        except errors.Invalid as error:
            messages = [message for found in (error.errors or {}).values() for message in found]
            raise errors.Invalid({parameter: messages}, hint=error.hint) from error


def caller_value(value: Any) -> str | None:
    """What of the caller a value stands for, such as `user.id`; None for a value that is itself."""
    if isinstance(value, str) and value.startswith("$") and not value.startswith("$$"):
        return value[1:]
    return None


def _plain(leaf: Compare) -> Compare:
    """The condition with `$$` read as `$`."""
    value: Any = leaf.value
    if isinstance(value, str) and value.startswith("$$"):
        return Compare(leaf.path, leaf.op, value[1:])
    if isinstance(value, tuple):
        items = typed("tuple[Any, ...]", value)
        for item in items:
            if caller_value(item) is not None:
                raise errors.Invalid(
                    {leaf.param: [f"'{item[:80]}' has no place in a list; write '$$' for a '$'."]}
                )
        items = tuple(item[1:] if isinstance(item, str) and item.startswith("$$") else item for item in items)
        return Compare(leaf.path, leaf.op, items)
    return leaf


def _check_variable(leaf: Compare, name: str, columns: Mapping[str, Column]) -> None:
    def refuse(message: str) -> None:
        raise errors.Invalid({leaf.param: [message]})

    if name != _TEAMS and name not in _ONE and not _CLAIM.match(name):
        refuse(
            f"'${name[:80]}' is nothing of a caller; there are {_KNOWN}, and '$$' begins a text with a '$'."
        )
    column, operator = columns.get(leaf.path), BY_NAME.get(leaf.op)
    if column is None or operator is None or column.type not in operator.types:
        # The ordinary sentence; no value is looked at before.
        bind(Compare(leaf.path, leaf.op, "0"), columns.get, columns)
        refuse(f"'{leaf.param[:80]}' does not take '${name[:80]}'.")
        return
    wanted = Arity.LIST if name == _TEAMS else Arity.SCALAR
    if operator.arity is not wanted or column.type not in _COMPARED:
        takes = "goes with 'in' and 'nin'" if name == _TEAMS else "goes with comparisons of one value"
        refuse(f"'${name[:80]}' {takes}, on fields of text, numbers, days or UUIDs.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a policy finds a value of the caller; stands in conditions in the place of one."""

    key: str


@dataclass(slots=True)
class Bound:
    """A filter that has met its caller, and the texts of the caller's values in it by their places."""

    tree: BoundTree
    values: dict[str, str] = field(default_factory=dict[str, str])


def bind_for(tree: Tree, columns: Mapping[str, Column], principal: Principal, prefix: str) -> Bound:
    """The conditions for this caller; places begin with `prefix`."""
    found = Bound(EVERYTHING)

    def leaf(one: Compare, key: str, positive: bool) -> BoundTree:
        name = caller_value(one.value)
        if name is None:
            return bind(_plain(one), columns.get)
        try:
            value = _as_text(_value(principal, name), columns[one.path])
            condition = bind(Compare(one.path, one.op, value), columns.get) if value is not None else None
        except errors.Invalid:
            condition = None
        if not isinstance(condition, Condition):
            # Unknown: what could make the whole true is false, and under a negation it is true.
            return NOTHING if positive else EVERYTHING
        found.values[key] = text_of(condition.value)
        return condition

    found.tree = _walk(tree, leaf, prefix)
    return found


def bind_places(tree: Tree, columns: Mapping[str, Column], prefix: str) -> BoundTree:
    """The conditions for whoever calls, with places where something of the caller stands."""

    def leaf(one: Compare, key: str, positive: bool) -> BoundTree:
        if caller_value(one.value) is None:
            return bind(_plain(one), columns.get)
        operator: Operator = BY_NAME[one.op]
        return Condition(
            columns[one.path], operator, (Place(key),) if operator.arity is Arity.LIST else Place(key)
        )

    return _walk(tree, leaf, prefix)


def _walk(tree: Tree, leaf: Callable[[Compare, str, bool], BoundTree], prefix: str) -> BoundTree:
    """The tree with its leaves bound, each with a key of its own that depends on its place alone."""
    count = 0

    def node(one: Tree, positive: bool) -> BoundTree:
        nonlocal count
        if isinstance(one, Compare):
            count += 1
            return leaf(one, f"{prefix}{count}", positive)
        if isinstance(one, And):
            return And(tuple(node(item, positive) for item in one.items))
        if isinstance(one, Or):
            return Or(tuple(node(item, positive) for item in one.items))
        assert isinstance(one, Not)
        return Not(node(one.item, not positive))

    return node(tree, True)


def _value(principal: Principal, name: str) -> Any:
    """What the caller has under a name; None for what they lack."""
    if name == "user.id":
        return principal.user_id
    if name == "user.email":
        return principal.email
    if name == _TEAMS:
        return tuple(principal.team_ids)
    value = principal.claims.get(name.removeprefix("token."))
    # Numbers with a fraction are decimals everywhere in filters.
    return Decimal(repr(value)) if isinstance(value, float) else value


def _as_text(value: Any, column: Column) -> Any:
    """Numbers as they are written, for a column of text."""
    if column.type is not ValueType.TEXT or value is None or isinstance(value, bool):
        return value
    return tuple(map(str, typed("tuple[Any, ...]", value))) if isinstance(value, tuple) else str(value)


def text_of(value: Any) -> str:
    """A value as PostgreSQL reads it from text; a list is an array."""
    if isinstance(value, (list, tuple)):
        return "{" + ",".join(_item(text_of(item)) for item in typed("list[Any]", value)) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(wire(value))


def _item(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def renamed(tree: Tree | None, names: Mapping[str, str]) -> Tree | None:
    """The tree with fields under other names."""
    if tree is None:
        return None

    def node(one: Tree) -> Tree:
        if isinstance(one, Compare):
            return Compare(names.get(one.path, one.path), one.op, one.value)
        if isinstance(one, And):
            return And(tuple(map(node, one.items)))
        if isinstance(one, Or):
            return Or(tuple(map(node, one.items)))
        assert isinstance(one, Not)
        return Not(node(one.item))

    return node(tree)


def constant(value: Any, caller: Callable[[str], str]) -> str:
    """A value as SQL; `caller` gives the expression for something of the caller."""
    if isinstance(value, Place):
        return caller(value.key)
    if isinstance(value, list) and len(typed("list[Any]", value)) == 1 and isinstance(value[0], Place):
        return caller(value[0].key)
    return sql.literal(text_of(value))
