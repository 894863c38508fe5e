"""The filter parameters of a table: one for each field and each operator that the field takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from penstock.kit import operators
from penstock.kit.filters import Column
from penstock.kit.openapi import Parameter
from penstock.kit.operators import Arity, Operator, ValueType
from penstock.tables.catalog import Table
from penstock.tables.fields import BY_NAME
from penstock.tables.graph.filters import OPERATORS as WALKS
from penstock.tables.models import Field
from penstock.tables.records.request import is_reserved
from penstock.tables.vectors.parse import SUFFIX

_TEXT = {"type": "string"}
_VALUES: dict[ValueType, dict[str, Any]] = {
    ValueType.UUID: {"type": "string", "format": "uuid"},
    ValueType.INTEGER: {"type": "integer", "format": "int64"},
    ValueType.NUMBER: {"type": "number"},
    ValueType.BOOLEAN: {"type": "boolean"},
    ValueType.DATE: {"type": "string", "format": "date"},
    ValueType.TIME: {"type": "string", "pattern": r"^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$"},
    ValueType.DATETIME: {"type": "string", "format": "date-time"},
    ValueType.YEAR: {"type": "integer", "minimum": 1, "maximum": 9999},
}


def conditions(table: Table) -> Iterator[Parameter]:
    """`field=value` and `field__operator=value`, with the words of the operator."""
    for column in table.columns.values():
        for name in operators.allowed(column.type):
            yield _condition(column, operators.BY_NAME[name])
    if table.edges is not None:
        for name in WALKS:
            yield _condition(table.columns[table.schema.primary_key[0]], operators.BY_NAME[name])


def nearness(fields: Iterable[Field]) -> Iterator[Parameter]:
    """`field__vector_near=[…]` of each vector."""
    for field in fields:
        if field.vector:
            yield Parameter(
                name=f"{field.name}{SUFFIX}",
                schema=BY_NAME[field.type].describe(field),
                description=f"List the records whose `{field.name}` is nearest to this vector (a JSON array).",
                is_json=True,
            )


def _condition(column: Column, operator: Operator) -> Parameter:
    bare = operator.name == "eq" and not is_reserved(column.name)
    schema, is_list = _value(column.type, operator.arity)
    return Parameter(
        name=column.name if bare else f"{column.name}__{operator.name}",
        schema=schema,
        description=f"`{column.name}` {operator.words}",
        is_list=is_list,
    )


@cache
def _value(kind: ValueType, arity: Arity) -> tuple[dict[str, Any], bool]:
    one = _VALUES.get(kind, _TEXT)
    match arity:
        case Arity.BOOLEAN:
            return {"type": "boolean"}, False
        case Arity.LIST:
            return {"type": "array", "items": one}, True
        case Arity.PAIR:
            return {"type": "array", "items": one, "minItems": 2, "maxItems": 2}, True
        case Arity.SCALAR:
            return one, False
        case Arity.TEXT | Arity.RANGE:
            return _TEXT, False
