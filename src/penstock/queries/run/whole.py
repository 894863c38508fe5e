"""Statements that a foreign system runs as they are, in its own dialect: held to one SELECT of its tables."""

from __future__ import annotations

from collections.abc import Callable

from penstock.identity import Grant
from penstock.queries.models import AuthorizedQuery, BoundQuery, ParsedQuery, Question
from penstock.queries.run import mysql
from penstock.queries.run.columns import Columns
from penstock.queries.run.emit import OURS, Dialect
from penstock.queries.run.faults import fault
from penstock.queries.run.parse import parse
from penstock.queries.run.resolve import named_in
from penstock.queries.run.rewrite import rewrite_whole
from penstock.queries.run.systems import MYSQL, PARTS, is_system


def parser_of(question: Question) -> Callable[[str, int], ParsedQuery]:
    """The parser of the dialect that a question is in."""
    source = question.source
    return mysql.parse if source is not None and source.provider == MYSQL else parse


def authorize_whole(
    bound: BoundQuery, question: Question, *, grant: Grant, timeout: float
) -> AuthorizedQuery:
    """Raises `errors.Invalid` for a name that is no table there.

    Who may ask the system may read all that its login may.
    """
    source = question.source
    assert source is not None
    for one in named_in(bound.tree, bound.text):
        parts = one.parts
        if len(parts) > 1 and parts[0] == source.slug:
            # As it is called where several are named.
            outer = "catalog" if len(parts) == 3 else "db"
            one.node.set(outer, None)
            parts = parts[1:]
        if len(parts) > PARTS[source.provider] or is_system(source.provider, parts):
            message = f"{one.text[:200]} is no table that queries read in '{source.name}'."
            raise fault(message, bound.text, one.at)
    columns = Columns(bound.text, {}).check(bound.tree)
    dialect: Dialect = mysql.DIALECT if source.provider == MYSQL else OURS
    return rewrite_whole(bound, question, columns, grant=grant, timeout=timeout, dialect=dialect)
