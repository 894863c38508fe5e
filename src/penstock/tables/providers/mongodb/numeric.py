"""Averages and deviations as PostgreSQL's `numeric` rounds them, from sums that are exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

from penstock.tables.aggregates.tree import Function

_LEAST_DIGITS = 16  # that a quotient is given
_MOST_SCALE = 1000
_GROUP = 4  # decimal digits that PostgreSQL keeps together
# What `numeric` holds has fewer digits; none of these operations rounds.
_EXACT = Context(prec=300_000, rounding=ROUND_HALF_UP)
SIGNS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _EXACT.add,
    "-": _EXACT.subtract,
    "*": _EXACT.multiply,
}


def total(values: Sequence[Decimal]) -> Decimal:
    found = Decimal(0)
    for value in values:
        found = _EXACT.add(found, value)
    return found


def square(value: Decimal) -> Decimal:
    return _EXACT.multiply(value, value)


def times(value: Decimal, count: int) -> Decimal:
    return _EXACT.multiply(value, Decimal(count))


def negated(value: Decimal) -> Decimal:
    return value.copy_negate() if value else value


def exact(value: Decimal, unit: Decimal) -> Decimal:
    """With the digits after the point that `unit` has."""
    return value.quantize(unit, context=_EXACT)


def of_sums(function: Function, values: Decimal, squares: Decimal, count: int) -> Decimal | None:
    """A sum, average, deviation or variance, from sums over `count` values."""
    if function is Function.SUM:
        return values
    if function is Function.AVG:
        return quotient(values, Decimal(count))
    if count < 2:
        return None
    return variance(values, squares, count, root=function is Function.STDDEV)


def quotient(left: Decimal, right: Decimal) -> Decimal:
    """`left / right`."""
    return _divided(left, right, _scale(left, right))


def variance(values: Decimal, squares: Decimal, count: int, *, root: bool) -> Decimal:
    """Of a sample, from the sum of its values and of their squares; its square root when `root`."""
    spread = _EXACT.subtract(times(squares, count), square(values))
    if spread <= 0:
        return Decimal(0)
    pairs = Decimal(count * (count - 1))
    scale = _scale(spread, pairs)
    found = _divided(spread, pairs, scale)
    return _rounded(found.sqrt(_context(max(found.adjusted(), 0), scale)), scale) if root else found


def trimmed(value: Decimal) -> str:
    """Without zeros at the end of the fraction."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _divided(left: Decimal, right: Decimal, scale: int) -> Decimal:
    weight = max(left.adjusted() - right.adjusted(), 0)
    return _rounded(_context(weight, scale).divide(left, right), scale)


def _context(weight: int, scale: int) -> Context:
    """With digits to spare: what is rounded twice is far from the middle."""
    return Context(prec=weight + scale + 100, rounding=ROUND_HALF_UP)


def _rounded(value: Decimal, scale: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-scale), context=_EXACT)


def _scale(left: Decimal, right: Decimal) -> int:
    """The digits after the point that PostgreSQL gives a quotient (numeric.c, `select_div_scale`)."""
    first, second = _leading(left), _leading(right)
    weight = first[0] - second[0] - (1 if first[1] <= second[1] else 0)
    scale = max(_LEAST_DIGITS - weight * _GROUP, _fraction(left), _fraction(right), 0)
    return min(scale, _MOST_SCALE)


def _leading(value: Decimal) -> tuple[int, int]:
    """The weight of the first group of four digits that is not zero, and the group."""
    if not value:
        return 0, 0
    weight = value.adjusted() // _GROUP
    return weight, int(abs(value).scaleb(-weight * _GROUP, context=_EXACT))


def _fraction(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)
