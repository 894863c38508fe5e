"""What a statement needs of a table that is brought to it: which columns, and which rows at the most."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from sqlglot import exp

from penstock.queries.models import Condition

_OPERATORS: Final[dict[type[Any], str]] = {
    exp.EQ: "=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_MIRRORED: Final = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def mentioned(tree: Any) -> frozenset[str] | None:
    """Every name in the statement, in small letters: no other column matters. None where all may."""
    for star in tree.find_all(exp.Star):
        if not isinstance(star.parent, exp.Anonymous):
            return None
    if any((join.method or "").upper() == "NATURAL" for join in tree.find_all(exp.Join)):
        return None
    return frozenset(one.name.lower() for one in tree.find_all(exp.Identifier))


def columns_of(node: Any, names: frozenset[str] | None) -> frozenset[str] | None:
    """Of the table that a node names; None for all."""
    alias = node.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        return None
    if names is None or any(
        one.args.get("table") is None and one.name.lower() == node.alias.lower()
        for one in node.root().find_all(exp.Column)
    ):
        return None
    return names


def conditions_of(node: Any) -> tuple[Condition, ...]:
    """What WHERE says of the rows of this table alone: none of them holds for a row that a join has made up."""
    select = _select_of(node)
    where = select.args.get("where") if select is not None else None
    if select is None or where is None:
        return ()
    found: list[Condition] = []
    for part in _conjuncts(where.this):
        one = _condition(part, node.alias)
        if one is not None:
            found.append(one)
    return tuple(found)


def _select_of(node: Any) -> Any:
    """The SELECT whose FROM has the table, itself or in a join."""
    parent = node.parent
    if isinstance(parent, (exp.From, exp.Join)) and isinstance(parent.parent, exp.Select):
        return parent.parent
    return None


def _conjuncts(node: Any) -> Iterator[Any]:
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, exp.And):
            stack += [one.args["expression"], one.this]
        elif isinstance(one, exp.Paren):
            stack.append(one.this)
        else:
            yield one


def _condition(part: Any, alias: str) -> Condition | None:
    operator = _OPERATORS.get(cast("type[Any]", type(part)))
    if operator is None:
        return None
    left, right = part.this, part.args["expression"]
    if isinstance(right, exp.Column):
        left, right, operator = right, left, _MIRRORED[operator]
    if not isinstance(left, exp.Column) or not isinstance(left.this, exp.Identifier):
        return None
    # By itself a name may be a column of another table.
    table = left.args.get("table")
    value = _constant(right)
    if table is None or table.this != alias or value is None:
        return None
    if isinstance(value, str) and operator != "=":
        return None
    return Condition(left.name, operator, value)


def _constant(node: Any) -> Decimal | str | None:
    sign = 1
    while isinstance(node, (exp.Paren, exp.Neg)):
        sign = -sign if isinstance(node, exp.Neg) else sign
        node = node.this
    if not isinstance(node, exp.Literal):
        return None
    if node.is_string:
        return node.this if sign == 1 else None
    try:
        return sign * Decimal(node.this)
    except InvalidOperation:
        return None
