"""What `_aggregate`, `_group_by` and `_having` say, as trees: parsed, printed and bound, they know no columns yet."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from penstock.kit.filters import And, Or

MAX_LENGTH = 4_000
MAX_OUTPUTS = 50
MAX_KEYS = 20
MAX_THRESHOLDS = 50
# Operands and operators of one expression, and parentheses inside one another.
MAX_NODES = 50
MAX_DEPTH = 20


class Function(StrEnum):
    """What is computed of the records of a group."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    ARRAY_AGG = "array_agg"
    STRING_AGG = "string_agg"
    JSON_AGG = "json_agg"
    STDDEV = "stddev"
    VARIANCE = "variance"


class Name(msgspec.Struct, frozen=True):
    """A field of the record."""

    field: str


class Number(msgspec.Struct, frozen=True):
    """A number, never negative."""

    value: Decimal


class Negative(msgspec.Struct, frozen=True):
    """The expression with its sign changed."""

    item: Expression


class Arithmetic(msgspec.Struct, frozen=True):
    """Two expressions joined by `+`, `-`, `*` or `/`."""

    sign: str
    left: Expression
    right: Expression


class Part(msgspec.Struct, frozen=True):
    """`extract(unit from field at time zone 'zone')`: a number."""

    unit: str
    field: str
    zone: str | None = None


class Period(msgspec.Struct, frozen=True):
    """`date_trunc('unit', field at time zone 'zone')`: the beginning of the period."""

    unit: str
    field: str
    zone: str | None = None


Expression: TypeAlias = Name | Number | Negative | Arithmetic | Part | Period


class Aggregate(msgspec.Struct, frozen=True):
    """A function of a group; only `count` goes without an argument (`*`)."""

    function: Function
    argument: Expression | None
    distinct: bool = False


class Output(msgspec.Struct, frozen=True):
    """One term of `_aggregate`."""

    aggregate: Aggregate
    alias: str | None = None


class Key(msgspec.Struct, frozen=True):
    """One term of `_group_by`."""

    expression: Name | Part | Period
    alias: str | None = None


class Threshold(msgspec.Struct, frozen=True):
    """One condition of `_having`: an output by its name, or an aggregate, against a number."""

    subject: str | Aggregate
    sign: str
    value: Decimal


Having: TypeAlias = "Threshold | And[Threshold] | Or[Threshold]"


class Aggregation(msgspec.Struct, frozen=True):
    """The three parameters together."""

    outputs: tuple[Output, ...]
    keys: tuple[Key, ...] = ()
    having: Having | None = None


def key_name(key: Key) -> str:
    """What a key is called in the answer: `created_at_month` for the month of `created_at`."""
    if key.alias is not None:
        return key.alias
    if isinstance(key.expression, Name):
        return key.expression.field
    return f"{key.expression.field}_{key.expression.unit}"


def output_name(output: Output) -> str | None:
    """What an output is called in the answer; None when it must be given a name."""
    if output.alias is not None:
        return output.alias
    aggregate = output.aggregate
    if aggregate.argument is None:
        return aggregate.function.value
    if isinstance(aggregate.argument, Name):
        return f"{aggregate.function.value}_{aggregate.argument.field}"
    return None
