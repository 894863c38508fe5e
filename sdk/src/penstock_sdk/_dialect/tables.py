"""Which tables a query names: found in its parsed text, so that comments, texts, aliases and CTEs are none."""

# pyright: basic
# The expressions of sqlglot are typed as Any at best.

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

# Names of data source types, or their beginnings, with the grammar of their SQL.
_GRAMMARS = {
    "pg": "postgres",
    "postgres": "postgres",
    "flat_table": "postgres",
    "jsonb": "postgres",
    "mongodb": "postgres",
    "redshift": "redshift",
    "mysql": "mysql",
    "rds_mysql": "mysql",
    "mariadb": "mysql",
    "memsql": "singlestore",
    "bigquery": "bigquery",
    "athena": "athena",
    "presto": "presto",
    "trino": "trino",
    "snowflake": "snowflake",
    "mssql": "tsql",
    "azure_sql": "tsql",
    "sqlite": "sqlite",
    "results": "sqlite",
    "clickhouse": "clickhouse",
    "databricks": "databricks",
    "spark": "spark",
    "hive": "hive",
    "oracle": "oracle",
    "druid": "druid",
    "drill": "drill",
    "duckdb": "duckdb",
    "exasol": "exasol",
    "dremio": "dremio",
}
# Tried one after the other when the grammar of the source does not read a text, or nobody knows it.
_OTHERS = ("postgres", "bigquery", "mysql", "tsql", "snowflake", "duckdb")
_PLACEHOLDER = re.compile(r"\{\{\{?\s*(?P<kind>[#^/&!>]?)\s*(?P<name>[^{}]*?)\s*\}?\}\}")


_NO_STATEMENT = (exp.Command, exp.Condition, exp.Alias, exp.Tuple)


class UnreadableError(ValueError):
    """No grammar reads a text."""


@dataclass(frozen=True, slots=True)
class Named:
    """Tables of one query in the order of its text, and parameters that stand where a table does."""

    tables: tuple[str, ...]
    parameters: tuple[str, ...]


def grammar_of(source_type: str) -> str | None:
    """The grammar of a type of data sources; None for one that nobody knows."""
    name = source_type.lower()
    found = [known for known in _GRAMMARS if name == known or name.startswith(f"{known}_")]
    return _GRAMMARS[max(found, key=len)] if found else None


def tables_in(sql: str, grammar: str | None = None) -> Named:
    """The tables that a query reads or writes. Raises `UnreadableError`."""
    mark = _mark(sql)
    text, placeholders = _without_placeholders(sql, mark)
    standing_in = re.compile(rf"{mark}(\d+)__", re.IGNORECASE)
    tables: list[str] = []
    parameters: list[str] = []
    for name in dict.fromkeys(name for tree in _parsed(text, grammar) for name in _names(tree)):
        found = standing_in.search(name)
        if found is None:
            tables.append(name)
        else:
            parameters.append(placeholders[int(found[1])])
    return Named(tuple(tables), tuple(dict.fromkeys(parameters)))


def _mark(sql: str) -> str:
    """What no name of the text begins with."""
    mark = "__parameter"
    while mark in sql.lower():
        mark += "_x"
    return f"{mark}_"


def _without_placeholders(sql: str, mark: str) -> tuple[str, list[str]]:
    """With a name where a value or a name will be, and nothing where a section begins or ends."""
    names: list[str] = []

    def standing_in(match: re.Match[str]) -> str:
        if match["kind"] in ("#", "^", "/", "!", ">"):
            return " "
        names.append(match["name"])
        return f"{mark}{len(names) - 1}__"

    return _PLACEHOLDER.sub(standing_in, sql), names


def _parsed(text: str, grammar: str | None) -> list[Any]:
    candidates = [grammar, *(one for one in _OTHERS if one != grammar)] if grammar else list(_OTHERS)
    fault: Exception | None = None
    for candidate in candidates:
        try:
            trees = [tree for tree in sqlglot.parse(text, read=candidate) if tree is not None]
        except (SqlglotError, RecursionError) as error:
            fault = fault or error
            continue
        # What the parser only passes on, or takes for an expression, it has not understood.
        if trees and not any(
            isinstance(tree, _NO_STATEMENT) and not isinstance(tree, exp.Query) for tree in trees
        ):
            return trees
    raise UnreadableError(str(fault).splitlines()[0] if fault else "It is no statement that can be read.")


def _names(tree: Any) -> Iterator[str]:
    found = [one for one in tree.find_all(exp.Table) if isinstance(one.this, exp.Identifier)]
    for table in sorted(found, key=lambda one: one.this.meta.get("start", 0)):
        if table.args.get("db") or not _is_common(table):
            yield ".".join(part.name for part in table.parts)


def _is_common(table: Any) -> bool:
    """Whether the name is one of a common table expression that is in sight of it."""
    name, node = table.name.lower(), table
    while (above := node.parent) is not None:
        if isinstance(above, exp.With):
            # Of its neighbours an expression sees those before it, and itself where it is recursive.
            place = above.expressions.index(node)
            seen = above.expressions[: place + 1 if above.recursive else place]
        else:
            common = above.args.get("with_")
            seen = common.expressions if isinstance(common, exp.With) and common is not node else ()
        if any(one.alias.lower() == name for one in seen):
            return True
        node = above
    return False


def known_as(name: str, schema: Sequence[str]) -> str | None:
    """A table's name as the schema has it; as it is when the schema has several that it may mean; None for none.

    `users` is `public.users`, whatever its case, and so is `db.public.users`.
    """
    wanted = _reversed(name)
    found = [one for one in schema if _same_end(wanted, _reversed(one))]
    exact = [one for one in found if one == name] or [one for one in found if one.lower() == name.lower()]
    if len(exact or found) == 1:
        return (exact or found)[0]
    return name if found else None


def _reversed(name: str) -> list[str]:
    return name.lower().split(".")[::-1]


def _same_end(one: list[str], other: list[str]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
