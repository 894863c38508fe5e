"""Divisions inside aggregates: MongoDB counts which operands occur together, and what they come to is computed here.

MongoDB rounds quotients to 34 digits; here they get those of PostgreSQL's `numeric`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, cast

from penstock.tables.aggregates.answer import divided_by_zero
from penstock.tables.aggregates.bound import Bound, Call, Computed, Constant, Negated, PartOf, Value
from penstock.tables.aggregates.tree import Function
from penstock.tables.providers.mongodb import numeric
from penstock.tables.providers.mongodb.expressions import Expressions

# The units of `extract` that PostgreSQL gives six digits after the point.
_OF_SECONDS = ("second", "epoch")
_MICRO = Decimal("0.000001")
Operand: TypeAlias = "Value | PartOf"


def divides(bound: Bound | None) -> bool:
    match bound:
        case Computed(sign, left, right):
            return sign == "/" or divides(left) or divides(right)
        case Negated(item):
            return divides(item)
        case _:
            return False


def operands(bound: Bound) -> tuple[Operand, ...]:
    """What of a record an expression is computed from, each once."""
    return tuple(dict.fromkeys(_operands(bound)))


def _operands(bound: Bound) -> Iterator[Operand]:
    match bound:
        case Computed(_, left, right):
            yield from _operands(left)
            yield from _operands(right)
        case Negated(item):
            yield from _operands(item)
        case Value() | PartOf():
            yield bound
        case _:
            return


def taken(expressions: Expressions, bound: Bound) -> list[Any]:
    """The operands as text, which tells 1.0 from 1.00: quotients have digits for the digits of their operands."""
    return [{"$toString": expressions.number(one)} for one in operands(bound)]


def evaluator(bound: Bound, values: Sequence[Any]) -> Callable[[Sequence[str | None]], Decimal | None]:
    """What an expression comes to for operands as they were taken; `values` are its constants.

    It raises `Invalid` for a division by zero.
    """
    known = operands(bound)

    def evaluate(texts: Sequence[str | None]) -> Decimal | None:
        found = {one: _number(one, text) for one, text in zip(known, texts, strict=True)}
        return _computed(bound, found, values)

    return evaluate


def _number(operand: Operand, text: str | None) -> Decimal | None:
    if text is None:
        return None
    number = Decimal(text)
    if isinstance(operand, Value):
        return number
    return numeric.exact(number, _MICRO if operand.unit in _OF_SECONDS else Decimal(1))


def _computed(bound: Bound, found: Mapping[Operand, Decimal | None], values: Sequence[Any]) -> Decimal | None:
    match bound:
        case Constant(place):
            return cast("Decimal", values[place])
        case Negated(item):
            one = _computed(item, found, values)
            return None if one is None else numeric.negated(one)
        case Computed(sign, left, right):
            a, b = _computed(left, found, values), _computed(right, found, values)
            if a is None or b is None:
                return None
            if sign != "/":
                return numeric.SIGNS[sign](a, b)
            if not b:
                raise divided_by_zero()
            return numeric.quotient(a, b)
        case _:
            return found[cast("Operand", bound)]


def of_counts(call: Call, counts: Sequence[tuple[Decimal | None, int]]) -> Any:
    """What a function comes to, from its values and how often each occurs."""
    filled = [(value, count) for value, count in counts if value is not None]
    if call.distinct:
        filled = [(value, 1) for value in dict.fromkeys(value for value, _ in filled)]
    if call.function is Function.COUNT:
        return sum(count for _, count in filled)
    if call.collects:
        lacks = call.function is not Function.STRING_AGG and any(value is None for value, _ in counts)
        return [*sorted(value for value, _ in filled), *([None] if lacks else [])] or None
    if not filled:
        return None
    if call.function in (Function.MIN, Function.MAX):
        return (min if call.function is Function.MIN else max)(value for value, _ in filled)
    return numeric.of_sums(
        call.function,
        numeric.total([numeric.times(value, count) for value, count in filled]),
        numeric.total([numeric.times(numeric.square(value), count) for value, count in filled]),
        sum(count for _, count in filled),
    )
