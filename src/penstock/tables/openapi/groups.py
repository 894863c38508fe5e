"""Examples of aggregates, from the fields that a table has."""

from __future__ import annotations

from penstock.kit.filters import ValueType
from penstock.tables.aggregates.text import print_keys, print_outputs
from penstock.tables.aggregates.tree import Aggregate, Function, Key, Name, Output, Period
from penstock.tables.catalog import Table

_MOMENTS = (ValueType.DATETIME, ValueType.DATE)


def aggregates(table: Table) -> tuple[str, ...]:
    """For `_aggregate`: the count, and what a number and a moment of the table give."""
    found = [Output(Aggregate(Function.COUNT, None))]
    found += [
        Output(Aggregate(function, Name(name)))
        for name in _of(table, ValueType.NUMBER, ValueType.INTEGER, but_key=True)[:1]
        for function in (Function.SUM, Function.AVG)
    ]
    found += [Output(Aggregate(Function.MAX, Name(name))) for name in _of(table, *_MOMENTS)[:1]]
    return tuple(print_outputs([one]) for one in found)


def keys(table: Table) -> tuple[str, ...]:
    """For `_group_by`: a field with few values where there is one, and a month."""
    few = [field.name for field in table.schema.fields if field.constraints.enum or field.type == "boolean"]
    plain = few or _of(table, ValueType.TEXT, but_key=True) or list(table.schema.primary_key)
    found = [Key(Name(name)) for name in plain[:1] if _is_key(table, name)]
    found += [Key(Period("month", name)) for name in _of(table, *_MOMENTS)[:1]]
    return tuple(print_keys([one]) for one in found)


def _of(table: Table, *kinds: ValueType, but_key: bool = False) -> list[str]:
    """The fields of these types, of the first type first."""
    left_out = table.schema.primary_key if but_key else ()
    return [
        name
        for kind in kinds
        for name in table.schema.names
        if table.columns[name].type is kind and name not in left_out
    ]


def _is_key(table: Table, name: str) -> bool:
    return table.schema.by_name[name].type not in ("object", "array", "any", "range")
