"""SQL text that a schema may carry (index expressions and predicates), parsed, held to an allow-list, re-emitted.

The caller's text never becomes SQL: what is stored and executed is printed from the checked tree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

MAX_LENGTH = 1000
# Immutable functions; anything not listed is refused.
_FUNCTIONS = (
    exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Coalesce, exp.Abs, exp.Ceil, exp.Floor, exp.Round,
    exp.Concat, exp.Substring, exp.Left, exp.Right, exp.Reverse, exp.MD5, exp.Nullif,
)  # fmt: skip
_OPERATORS = (
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
    exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe, exp.JSONExtract, exp.JSONExtractScalar,
)  # fmt: skip
_LEAVES = (exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Tuple, exp.JSONPath,
           exp.JSONPathRoot, exp.JSONPathKey, exp.JSONPathSubscript)  # fmt: skip
_ALLOWED = (*_FUNCTIONS, *_OPERATORS, *_LEAVES)


def checked(text: str, columns: Collection[str]) -> str:
    """The expression, printed anew with quoted columns. Raises ValueError with the reason it is refused."""
    if len(text) > MAX_LENGTH or "\0" in text:
        raise ValueError(f"an expression has at most {MAX_LENGTH} characters and no NUL")
    try:
        trees = sqlglot.parse(text, read="postgres")
    except (SqlglotError, RecursionError) as error:
        raise ValueError("it is not one SQL expression") from error
    if len(trees) != 1 or trees[0] is None:
        raise ValueError("it is not one SQL expression")
    tree = trees[0]
    for node in tree.walk():
        _check(node, columns)
    for column in tree.find_all(exp.Column):
        column.set("this", exp.to_identifier(column.name, quoted=True))
    return tree.sql(dialect="postgres", comments=False)


def columns_of(text: str) -> set[str]:
    """The columns that an expression of `checked` names."""
    return {column.name for column in sqlglot.parse_one(text, read="postgres").find_all(exp.Column)}


def renamed(text: str, names: Mapping[str, str]) -> str:
    """An expression of `checked` with columns under their new names."""
    tree = sqlglot.parse_one(text, read="postgres")
    for column in tree.find_all(exp.Column):
        column.set("this", exp.to_identifier(names.get(column.name, column.name), quoted=True))
    return tree.sql(dialect="postgres", comments=False)


def substituted(text: str, columns: Mapping[str, str]) -> str:
    """An expression of `checked` with SQL in the place of its columns."""
    sign = "$"
    while sign in text:
        sign += "$"
    places = {name: f"{sign}{number}{sign}" for number, name in enumerate(columns)}
    found = renamed(text, places)
    for name, place in places.items():
        found = found.replace(f'"{place}"', columns[name])
    return found


def _check(node: Any, columns: Collection[str]) -> None:
    if type(node) not in _ALLOWED:
        raise ValueError(f"'{node.sql(dialect='postgres')[:60]}' is not allowed there")
    if isinstance(node, exp.Column) and (node.table or node.name not in columns):
        raise ValueError(f"'{node.sql(dialect='postgres')[:60]}' is not a column of this table")
