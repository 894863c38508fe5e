"""From text to the tree of one SELECT-shaped statement of allowed parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, ParseError

from penstock.kit import errors
from penstock.queries.models import ParsedQuery, Place
from penstock.queries.run import grammar
from penstock.queries.run.faults import FIELD, fault
from penstock.queries.run.lexemes import lexemes, placeholders
from penstock.queries.run.tokens import CALL, VALUE, tokens_of

_DIALECT: Final[Any] = Postgres()
_SHAPES: Final = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)


def parse(text: str, most_bytes: int) -> ParsedQuery:
    """Raises `errors.Invalid` for `query`, with the place of what is wrong."""
    if len(text.encode("utf-8", "surrogatepass")) > most_bytes:
        raise errors.Invalid({FIELD: [f"A query has at most {most_bytes:,} bytes."]})
    if any(one == "\0" or "\ud800" <= one <= "\udfff" for one in text):
        raise errors.Invalid({FIELD: ["A query is text without NUL and lone surrogates."]})
    found = list(lexemes(text))
    marks = placeholders(text, found)
    for mark in marks:
        if mark.place is Place.NAME:
            raise fault("A parameter stands for a value; it cannot be part of a name.", text, mark.start)
    tokens = tokens_of(text, found, marks)
    if not tokens:
        raise errors.Invalid({FIELD: ["A query is a SELECT; this is empty."]})
    tree = _tree(text, tokens)
    _restore_names(tree)
    grammar.check(tree, text)
    _settle(tree, text)
    return ParsedQuery(text, tree, tuple(marks))


def _tree(text: str, tokens: Sequence[Any]) -> Any:
    try:
        trees = _DIALECT.parser(error_level=ErrorLevel.IMMEDIATE).parse(list(tokens), text)
    except ParseError as error:
        raise _unparsed(text, tokens, error) from error
    except RecursionError as error:
        raise fault("The query is nested too deeply.", text, None) from error
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        # What the parser itself stumbles over is no SQL either.
        raise fault("This cannot be read as SQL.", text, tokens[0].start) from error
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, _SHAPES):
        message = "A query only reads: it is a SELECT, with WITH, set operations and VALUES."
        raise fault(message, text, tokens[0].start)
    return tree


def _unparsed(text: str, tokens: Sequence[Any], error: ParseError) -> errors.Invalid:
    told = error.errors[0] if error.errors else {}
    at = next(
        (one.start for one in tokens if (one.line, one.col) == (told.get("line"), told.get("col"))),
        tokens[-1].start,
    )
    word = text[at:].split(None, 1)[0][:40] if text[at:].strip() else ""
    description = str(told.get("description", ""))
    if "missing" in description:
        message = f"Something is missing at '{word}'."
    elif description.startswith("Expecting "):
        message = f"{description.removeprefix('Expecting ').strip()[:20]} is expected at '{word}'."
    else:
        message = f"'{word}' is not understood here."
    return fault(message, text, at)


def _restore_names(tree: Any) -> None:
    """Names that are spelled like functions were taken for calls."""
    for node in tree.find_all(exp.Identifier):
        node.set("this", node.this.removeprefix(CALL))


def _settle(tree: Any, text: str) -> None:
    """What the parser keeps in a way that would be printed otherwise than it was meant."""
    for node in list(tree.walk()):
        kind = cast("type[Any]", type(node))
        if kind is exp.Anonymous:
            node.set("this", node.this.removeprefix(CALL))
            _spread_distinct(node)
        elif kind is exp.Not and isinstance(
            node.parent, (exp.Binary, exp.Between, exp.In, exp.Collate, exp.Escape, exp.Neg)
        ):
            if not isinstance(node.parent, (exp.And, exp.Or)):
                around: Any = exp.Paren()
                node.replace(around)
                around.set("this", node)
        elif kind is exp.Identifier:
            is_column = isinstance(node.parent, exp.Column) and node.parent.this is node
            if node.this.startswith(VALUE) and not is_column:
                raise fault(
                    "A parameter stands for a value; it cannot be a name.", text, grammar.start_of(node)
                )
            if not node.quoted:
                node.set("this", folded(node.this))
                node.set("quoted", True)


def folded(name: str) -> str:
    """A name without quotes as PostgreSQL understands it: only ASCII letters change."""
    return "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in name)


def _spread_distinct(call: Any) -> None:
    """`f(DISTINCT a, b ORDER BY c)` as a call with two arguments, the first of them DISTINCT."""
    if len(call.expressions) != 1:
        return
    (only,) = call.expressions
    ordered = only if isinstance(only, exp.Order) else None
    distinct = only.this if ordered is not None else only
    if not isinstance(distinct, exp.Distinct) or len(distinct.expressions) < 2:
        return
    first, *rest = distinct.expressions
    if ordered is not None:
        rest[-1] = exp.Order(this=rest[-1], expressions=ordered.expressions)
    call.set("expressions", [exp.Distinct(expressions=[first]), *rest])
