"""Trees as text that `parse` reads back unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast as typed

from penstock.kit.filters import And
from penstock.tables.aggregates.tree import (
    Aggregate,
    Arithmetic,
    Expression,
    Having,
    Key,
    Name,
    Negative,
    Number,
    Output,
    Part,
    Threshold,
)

_PLAIN = re.compile(r"[^\W\d][\w$]*")


def print_outputs(outputs: Iterable[Output]) -> str:
    return ", ".join(print_aggregate(one.aggregate) + _alias(one.alias) for one in outputs)


def print_keys(keys: Iterable[Key]) -> str:
    return ", ".join(print_expression(one.expression) + _alias(one.alias) for one in keys)


def print_having(having: Having) -> str:
    if isinstance(having, Threshold):
        subject = having.subject
        named = _name(subject) if isinstance(subject, str) else print_aggregate(subject)
        return f"{named} {having.sign} {having.value}"
    word = " and " if isinstance(having, And) else " or "
    items = typed("tuple[Having, ...]", having.items)
    return word.join(
        print_having(item) if isinstance(item, Threshold) else f"({print_having(item)})" for item in items
    )


def print_aggregate(aggregate: Aggregate) -> str:
    if aggregate.argument is None:
        return f"{aggregate.function}(*)"
    distinct = "distinct " if aggregate.distinct else ""
    return f"{aggregate.function}({distinct}{print_expression(aggregate.argument)})"


def print_expression(expression: Expression) -> str:
    match expression:
        case Name(field):
            return _name(field)
        case Number(value):
            return str(value)
        case Negative(item):
            return f"-{_inside(item)}"
        case Arithmetic(sign, left, right):
            # Signs of one rank are read from the left.
            first = (
                print_expression(left) if _rank(left) >= _rank(expression) else f"({print_expression(left)})"
            )
            second = (
                print_expression(right)
                if _rank(right) > _rank(expression)
                else f"({print_expression(right)})"
            )
            return f"{first} {sign} {second}"
        case _:
            zone = "" if expression.zone is None else f" at time zone {_text(expression.zone)}"
            moment = f"{_name(expression.field)}{zone}"
            if isinstance(expression, Part):
                return f"extract({_text(expression.unit)} from {moment})"
            return f"date_trunc({_text(expression.unit)}, {moment})"


def _rank(expression: Expression) -> int:
    if isinstance(expression, Arithmetic):
        return 1 if expression.sign in "+-" else 2
    return 3


def _inside(expression: Expression) -> str:
    text = print_expression(expression)
    return f"({text})" if isinstance(expression, Arithmetic) else text


def _name(name: str) -> str:
    if _PLAIN.fullmatch(name) and name.lower() != "distinct":
        return name
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _alias(alias: str | None) -> str:
    return "" if alias is None else f" as {alias}"
