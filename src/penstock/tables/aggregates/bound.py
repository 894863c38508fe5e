"""What a plan computes: trees of typed columns, from which every constant has been taken out and numbered.

They are hashable, so that requests that differ in constants alone share one statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from penstock.kit.filters import And, Or, ValueType
from penstock.tables.aggregates.tree import Function


class Value(msgspec.Struct, frozen=True):
    """A field of the table."""

    field: str
    type: ValueType


class Constant(msgspec.Struct, frozen=True):
    """The number at this place of the plan's values."""

    place: int


class Negated(msgspec.Struct, frozen=True):
    """The expression with its sign changed."""

    item: Bound


class Computed(msgspec.Struct, frozen=True):
    """Two expressions joined by a sign."""

    sign: str
    left: Bound
    right: Bound


class PartOf(msgspec.Struct, frozen=True):
    """A number taken from a moment; `zone` is a place of the plan's values, None means UTC."""

    unit: str
    value: Value
    zone: int | None


class PeriodOf(msgspec.Struct, frozen=True):
    """The beginning of the period that a moment lies in: with a zone its local time there."""

    unit: str
    value: Value
    zone: int | None


Bound: TypeAlias = Value | Constant | Negated | Computed | PartOf | PeriodOf


class Call(msgspec.Struct, frozen=True):
    """A function of a group's records."""

    function: Function
    argument: Bound | None
    distinct: bool

    @property
    def collects(self) -> bool:
        """True for what keeps every item."""
        return self.function in (Function.ARRAY_AGG, Function.JSON_AGG, Function.STRING_AGG)


class Term(msgspec.Struct, frozen=True):
    """A name of the answer and what stands under it."""

    name: str
    value: Bound | Call


class Limit(msgspec.Struct, frozen=True):
    """A condition on a group; `place` is that of its number."""

    value: Bound | Call
    sign: str
    place: int


Condition: TypeAlias = "Limit | And[Limit] | Or[Limit]"


@dataclass(frozen=True, slots=True)
class Grouping:
    """What is computed, without the constants in it. `order` names terms, and no two groups are equal in it."""

    keys: tuple[Term, ...]
    outputs: tuple[Term, ...]
    having: Condition | None
    order: tuple[tuple[int, bool], ...]

    @property
    def terms(self) -> tuple[Term, ...]:
        return (*self.keys, *self.outputs)
