"""What becomes of a statement whose tables are granted: every rule changes its tree, and the text is printed anew.

Nothing else makes an `AuthorizedQuery`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlglot import exp

from penstock.queries.models import AuthorizedQuery, BoundQuery, Question, TableName
from penstock.queries.run.bind import filled
from penstock.queries.run.columns import Names
from penstock.queries.run.emit import Marks, emit
from penstock.queries.run.resolve import Named
from penstock.tables import Readable, told


@dataclass(frozen=True, slots=True)
class Granted:
    """The tables of a statement as its reader may read them, each by the node that names it."""

    nodes: tuple[tuple[Named, TableName], ...]
    tables: Mapping[TableName, Readable]


@dataclass(slots=True)
class _Work:
    """A statement under its rules; `put` is what stands for names of ours in the end."""

    question: Question
    granted: Granted
    tree: Any
    put: dict[str, str]


def _reach(work: _Work) -> None:
    """Each table is what its reader sees of it: these fields, these rows."""
    marks = Marks()
    for number, (named, name) in enumerate(work.granted.nodes):
        mark = marks.name(number)
        work.put[mark] = f"({work.granted.tables[name].select})"
        named.node.set("this", exp.to_identifier(mark, quoted=True))
        for part in ("db", "catalog", "only"):
            named.node.set(part, None)


def _cap(work: _Work) -> None:
    """A statement that does not say how many rows it wants gets so many."""
    limit, node = work.question.limit, work.tree
    while limit is not None and not node.args.get("limit") and not node.args.get("offset"):
        if not isinstance(node, exp.Subquery):
            work.tree.set("limit", exp.Limit(expression=exp.Literal.number(str(limit))))
            return
        # In parentheses it may say so, too.
        node = node.this


RULES: Final[tuple[Callable[[_Work], None], ...]] = (_reach, _cap)


def rewrite(
    bound: BoundQuery, question: Question, granted: Granted, columns: Names, *, org_id: int, timeout: float
) -> AuthorizedQuery:
    """The tree of the bound query is used up."""
    work = _Work(question, granted, bound.tree, {})
    for rule in RULES:
        rule(work)
    arguments: list[str | None] = []
    sql = literal_sql = ""
    if bound.values:
        asking = work.tree.copy()
        filled(bound, asking, arguments)
        sql = emit(asking, work.put, bound.text)
    filled(bound, work.tree, None)
    literal_sql = emit(work.tree, work.put, bound.text)
    reach = told(list(granted.tables.values()))
    return AuthorizedQuery(
        org_id=org_id,
        sql=sql or literal_sql,
        arguments=tuple(arguments),
        literal_sql=literal_sql,
        reach=reach,
        timeout=timeout,
        fingerprint=_fingerprint(org_id, question, literal_sql, reach),
        tables=tuple(sorted(granted.tables)),
        columns=columns,
    )


def _fingerprint(org_id: int, question: Question, literal_sql: str, reach: str | None) -> str:
    """The text has the tables, the fields and rows of them that the reader sees, and all values."""
    scope = None if question.scope is None else (question.scope.app, question.scope.source)
    told_all = msgspec.json.encode((org_id, scope, literal_sql, reach))
    return hashlib.sha256(told_all).hexdigest()
