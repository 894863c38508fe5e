"""The filter language: one tree, one parser, one printer, one compiler per database.

    tree = parse_pairs([("carrier", "UA"), ("delay__gt", "10")], columns)  # or parse_json, parse_delete
    bound = bind(tree, columns.get, columns)  # names, operators and values are right from here on
    params: list[Any] = []
    sql = compile_postgres(bound, params)  # ("carrier" = $1::text AND "delay" > $2::bigint)

`kit.operators` says what each operator means.
"""

from penstock.kit.filters.bind import BoundTree, Column, Condition, Resolver, bind
from penstock.kit.filters.parse import parse_delete, parse_json, parse_pairs
from penstock.kit.filters.postgres import Shape, compile_postgres, inline, lower, render, shape, values, wire
from penstock.kit.filters.text import describe, print_json, to_json
from penstock.kit.filters.tree import (
    EVERYTHING,
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_ITEMS,
    And,
    Compare,
    Hop,
    Not,
    Or,
    Related,
    Tree,
    conjunction,
    leaves,
    paths,
)
from penstock.kit.filters.values import RangeValue
from penstock.kit.operators import ValueType

__all__ = [
    "EVERYTHING",
    "MAX_CONDITIONS",
    "MAX_DEPTH",
    "MAX_ITEMS",
    "And",
    "BoundTree",
    "Column",
    "Compare",
    "Condition",
    "Hop",
    "Not",
    "Or",
    "RangeValue",
    "Related",
    "Resolver",
    "Shape",
    "Tree",
    "ValueType",
    "bind",
    "compile_postgres",
    "conjunction",
    "describe",
    "inline",
    "leaves",
    "lower",
    "parse_delete",
    "parse_json",
    "parse_pairs",
    "paths",
    "print_json",
    "render",
    "shape",
    "to_json",
    "values",
    "wire",
]
