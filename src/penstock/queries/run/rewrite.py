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

from penstock.identity import Grant
from penstock.kit import sql
from penstock.queries.models import (
    AuthorizedQuery,
    BoundQuery,
    Input,
    OwnRows,
    QueryRows,
    Question,
    SourceTable,
    TableName,
)
from penstock.queries.run.bind import filled
from penstock.queries.run.columns import Names
from penstock.queries.run.emit import ENGINE, OURS, Marks, emit
from penstock.queries.run.resolve import Named
from penstock.queries.run.systems import paused
from penstock.tables import Documents, Readable, told


@dataclass(frozen=True, slots=True)
class Granted:
    """The tables of a statement as its reader may read them, each by the node that names it.

    With inputs, each node stands for the input of this name.
    """

    nodes: tuple[tuple[Named, TableName], ...]
    tables: Mapping[TableName, Readable]
    inputs: tuple[Input, ...] | None = None
    names: tuple[tuple[Named, str], ...] = ()


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
    granted = work.granted
    places = [(named, f"({granted.tables[name].select})") for named, name in granted.nodes]
    if granted.inputs is not None:
        places = [(named, sql.identifier(name)) for named, name in granted.names]
    for number, (named, place) in enumerate(places):
        mark = marks.name(number)
        work.put[mark] = place
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
    bound: BoundQuery, question: Question, granted: Granted, columns: Names, *, grant: Grant, timeout: float
) -> AuthorizedQuery:
    """The tree of the bound query is used up."""
    work = _Work(question, granted, bound.tree, {})
    for rule in RULES:
        rule(work)
    arguments: list[str | None] = []
    statement = literal_sql = ""
    if bound.values and granted.inputs is None:
        asking = work.tree.copy()
        filled(bound, asking, arguments)
        statement = emit(asking, work.put, bound.text)
    filled(bound, work.tree, None)
    dialect = OURS if granted.inputs is None else ENGINE
    literal_sql = emit(work.tree, work.put, bound.text, dialect)
    reach = told(list(granted.tables.values()))
    said = None if granted.inputs is None else [_said(one) for one in granted.inputs]
    return AuthorizedQuery(
        org_id=grant.org_id,
        sql=statement or literal_sql,
        arguments=tuple(arguments),
        literal_sql=literal_sql,
        reach=reach,
        timeout=timeout,
        fingerprint=_fingerprint(grant.org_id, question, literal_sql, reach, said),
        tables=tuple(sorted(granted.tables)),
        columns=columns,
        inputs=granted.inputs,
        grant=None if granted.inputs is None else grant,
        paused=question.paused or _paused(granted.inputs or ()),
    )


def rewrite_whole(
    bound: BoundQuery, question: Question, columns: Names, *, grant: Grant, timeout: float, dialect: Any
) -> AuthorizedQuery:
    """For the foreign system that the question is for, which runs it as it is. The tree is used up."""
    source = question.source
    assert source is not None
    work = _Work(question, Granted((), {}), bound.tree, {})
    _cap(work)
    filled(bound, work.tree, None)
    text = emit(work.tree, {}, bound.text, dialect)
    said = [str(source.id), source.stamp]
    return AuthorizedQuery(
        org_id=grant.org_id,
        sql=text,
        arguments=(),
        literal_sql=text,
        reach=None,
        timeout=timeout,
        fingerprint=_fingerprint(grant.org_id, question, text, None, said),
        tables=(),
        columns=columns,
        source=source,
        paused=question.paused,
        grant=grant,
    )


def _paused(inputs: tuple[Input, ...]) -> str | None:
    sources = [one.origin.source for one in inputs if isinstance(one.origin, SourceTable)]
    return next((paused(one) for one in sources if one.is_paused), None)


def _fingerprint(
    org_id: int, question: Question, literal_sql: str, reach: str | None, said: list[str] | None
) -> str:
    """The text has the tables, the fields and rows of them that the reader sees, and all values; or `said` has."""
    scope = None if question.scope is None else (question.scope.app, question.scope.source)
    parts: tuple[Any, ...] = (org_id, scope, literal_sql, reach)
    told_all = msgspec.json.encode(parts if said is None else (*parts, said))
    return hashlib.sha256(told_all).hexdigest()


def _said(given: Input) -> str:
    """The same for inputs that have the same rows."""
    origin = given.origin
    match origin:
        case OwnRows():
            told_of: tuple[Any, ...] = ("own", origin.select)
        case Documents():
            told_of = ("documents", origin.said)
        case SourceTable():
            told_of = ("source", origin.source.id, origin.source.stamp, origin.parts)
        case QueryRows():
            told_of = ("query", origin.query_id, origin.query.fingerprint, origin.is_stored)
    return msgspec.json.encode((given.name, *told_of)).decode()
