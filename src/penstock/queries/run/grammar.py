"""Which parts a statement may be made of, by an allow-list of the parser's nodes and what each of them may have.

What is not listed is refused, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlglot import exp

from penstock.kit import errors
from penstock.queries.run.faults import fault
from penstock.queries.run.functions import FUNCTIONS
from penstock.queries.run.tokens import ARROWS, CALL, VALUE

MAX_DEPTH: Final = 300
MAX_NODES: Final = 30_000
# Types of values that casts lead to.
_TYPES: Final = frozenset(
    {
        "ARRAY", "BIGINT", "BOOLEAN", "BPCHAR", "BYTEA", "CHAR", "CIDR", "DATE", "DATERANGE", "DECIMAL", "DOUBLE",
        "FLOAT", "INET", "INT", "INT4RANGE", "INT8RANGE", "INTERVAL", "JSON", "JSONB", "MONEY", "NUMRANGE", "SMALLINT",
        "TEXT", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMETZ", "TSRANGE", "TSTZRANGE", "UUID", "VARBINARY", "VARCHAR",
    }
)  # fmt: skip
_NAMED_TYPES: Final = frozenset({"tsvector", "tsquery", "jsonpath"})
_WORDS: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9 ]*")


# What a statement may consist of, as the parser calls it.
_PARTS: Final = """
Select: with_ expressions distinct from_ joins where group having windows order limit offset
Union: with_ this expression distinct order limit offset
Intersect: with_ this expression distinct order limit offset
Except: with_ this expression distinct order limit offset
Subquery: this alias with_ joins order limit offset
Values: expressions alias order limit offset
With: expressions recursive
CTE: this alias materialized
From: this
Table: this db catalog alias joins ordinality rows_from
TableAlias: this columns
Join: this on side kind using method
Lateral: this alias ordinality
Where: this
Group: expressions grouping_sets cube rollup
GroupingSets: expressions
Cube: expressions
Rollup: expressions
Having: this
Window: this partition_by order spec alias over first
WindowSpec: kind start start_side end end_side exclude
Order: this expressions
Ordered: this desc nulls_first
Limit: this expression
Fetch: direction count limit_options
LimitOptions: rows with_ties
Offset: this expression
Distinct: expressions on
Star:
Column: this table db catalog
Identifier: this quoted
Literal: this is_string
Boolean: this
Null:
Var: this
Alias: this alias
Paren: this
Tuple: expressions
Cast: this to
DataType: this expressions nested values kind
DataTypeParam: this
Interval: this unit
Case: this ifs default
If: this true
Filter: this expression
WithinGroup: this expression
Array: expressions bracket_notation
Bracket: this expressions offset
Slice: this expression
AtTimeZone: this zone
Collate: this expression
Extract: this expression
Trim: this expression position
Substring: this start length
StrPosition: this substr
Overlay: this expression from_ for_
Anonymous: this expressions
Kwarg: this expression
CurrentDate:
CurrentTimestamp:
Localtime:
Localtimestamp:
And: this expression
Or: this expression
Not: this
EQ: this expression
NEQ: this expression
GT: this expression
GTE: this expression
LT: this expression
LTE: this expression
Is: this expression negate
NullSafeEQ: this expression
NullSafeNEQ: this expression
In: this expressions query
Between: this low high symmetric
Like: this expression negate
ILike: this expression negate
SimilarTo: this expression
RegexpLike: this expression
RegexpILike: this expression
Escape: this expression
Any: this
All: this
Exists: this
Add: this expression
Sub: this expression
Mul: this expression
Div: this expression typed safe
Mod: this expression
Neg: this
DPipe: this expression safe
BitwiseAnd: this expression
BitwiseOr: this expression
BitwiseXor: this expression
BitwiseNot: this
BitwiseLeftShift: this expression
BitwiseRightShift: this expression
JSONBExtract: this expression
JSONBExtractScalar: this expression
JSONBContains: this expression
JSONBContainsTopKey: this expression
JSONBContainsAnyTopKeys: this expression
JSONBContainsAllTopKeys: this expression
Operator: this operator expression
JSONBPathExists: this expression
ArrayContainsAll: this expression
ArrayContainedBy: this expression
ArrayOverlaps: this expression
Overlaps: this expression
Adjacent: this expression
MatchAgainst: this expressions
JSONArrayContains: this expression
"""


def _table(text: str) -> Mapping[type[Any], frozenset[str]]:
    """A line for each class: its name, and the names of the arguments that it may have."""
    found: dict[type[Any], frozenset[str]] = {}
    for line in text.strip().splitlines():
        name, _, names = line.partition(":")
        found[getattr(exp, name)] = frozenset(names.split())
    return found


NODES: Final = _table(_PARTS)
# Why something that people write is refused; the first class that fits counts.
_REASONS: Final[tuple[tuple[tuple[type[Any], ...], str], ...]] = (
    ((exp.Lock,), "A query only reads; FOR UPDATE and FOR SHARE have no place in it."),
    ((exp.Into,), "A query only reads; SELECT INTO has no place in it."),
    (
        (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Copy, exp.Command, exp.Set),
        "A query only reads: it is a SELECT, with WITH, set operations and VALUES.",
    ),
    ((exp.Dot,), "Names with more than three parts, and fields of rows, are not known here."),
    ((exp.Parameter, exp.Placeholder), "A parameter is written {{ name }}."),
    ((exp.DataType, exp.ObjectIdentifier, exp.PseudoType), "Values are not cast to this type here."),
    ((exp.TableSample,), "TABLESAMPLE is not known here."),
    (
        (exp.CurrentUser, exp.SessionUser, exp.CurrentCatalog, exp.CurrentSchema),
        "There is no such value here.",
    ),
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a dialect allows: nodes with their parts, what else must hold of some, and functions by name."""

    nodes: Mapping[type[Any], frozenset[str]]
    special: Mapping[type[Any], Any]
    functions: Collection[str]


def check(tree: Any, text: str, allowed: Allowed | None = None) -> None:
    """Raises `errors.Invalid` for the first part that is not allowed, with its place in the text."""
    law = allowed or _OURS
    depths: dict[int, int] = {id(tree): 1}
    stack: list[Any] = [tree]
    count = 0
    while stack:
        node = stack.pop()
        count += 1
        _check_node(node, text, law)
        depth = depths.pop(id(node))
        for child in children(node):
            # Long chains of one operator are printed without descending.
            same = type(child) is type(node) and isinstance(node, exp.Binary) and child is node.this
            depths[id(child)] = depth if same else depth + 1
            if depths[id(child)] > MAX_DEPTH or count > MAX_NODES:
                raise fault("The query is too large or nested too deeply.", text, start_of(node))
            stack.append(child)


def children(node: Any) -> Iterator[Any]:
    for value in node.args.values():
        yield from children_of(value)


def children_of(value: Any) -> Iterator[Any]:
    """The parts that something of a part is, be it one or a list of them."""
    for one in cast("list[Any]", value) if isinstance(value, list) else (value,):
        if isinstance(one, exp.Expr):
            yield one


def start_of(node: Any) -> int | None:
    """Where in the text the first word of a part is that the parser remembers."""
    while node is not None:
        places = [one.meta["start"] for one in node.walk() if "start" in one.meta]
        if places:
            return min(places)
        node = node.parent
    return None


def _check_node(node: Any, text: str, law: Allowed) -> None:
    kind = cast("type[Any]", type(node))
    allowed = law.nodes.get(kind)
    if allowed is None:
        raise _refused(node, text, law)
    for name, value in node.args.items():
        if value is None or value is False or value == []:
            continue
        if name not in allowed and not name.startswith("_"):
            raise _refused(next(children_of(value), node), text, law)
        if (
            isinstance(value, str)
            and kind not in (exp.Identifier, exp.Literal)
            and not _is_plain(kind, value)
        ):
            raise _refused(node, text, law)
    special = law.special.get(kind)
    if special is not None and not special(node):
        raise _refused(node, text, law)


def _is_plain(kind: type[Any], value: str) -> bool:
    if kind is exp.Operator:
        return value in ARROWS.values()
    return kind is exp.Anonymous or _WORDS.fullmatch(value) is not None


def _refused(node: Any, text: str, law: Allowed) -> errors.Invalid:
    at = start_of(node)
    for kinds, reason in _REASONS:
        if isinstance(node, kinds):
            return fault(reason, text, at)
    if isinstance(node, exp.Anonymous) or (isinstance(node, exp.Func) and not isinstance(node, exp.Cast)):
        name = _called(node, text)
        if name is None or name.startswith(VALUE):
            return fault("This is not a function that queries may call.", text, at)
        hint = errors.nearest(name.lower(), sorted(law.functions))
        return fault(f"{name[:80]}() is not a function that queries may call.", text, at, hint=hint)
    return fault("This is not a part that queries may have.", text, at)


def _called(node: Any, text: str) -> str | None:
    if isinstance(node, exp.Anonymous):
        return node.name
    start, end = node.meta.get("start"), node.meta.get("end")
    return text[start : end + 1] if start is not None and end is not None else None


def _known_call(node: Any) -> bool:
    return isinstance(node.this, str) and node.this.startswith(CALL)


def _known_type(node: Any) -> bool:
    kind = node.this
    if kind is exp.DType.USERDEFINED:
        return str(node.args.get("kind") or "").strip('"').lower() in _NAMED_TYPES
    if node.args.get("kind"):
        return False
    return isinstance(kind, exp.Interval) or getattr(kind, "name", "") in _TYPES


def _plain_join(node: Any) -> bool:
    return (node.kind or "").upper() in ("", "INNER", "CROSS", "OUTER") and (node.method or "").upper() in (
        "",
        "NATURAL",
    )


def _of_case(node: Any) -> bool:
    return isinstance(node.parent, exp.Case)


def _by_word(node: Any) -> bool:
    return isinstance(node.this, exp.Var)


SPECIAL: Final[Mapping[type[Any], Any]] = {
    exp.Anonymous: _known_call,
    exp.DataType: _known_type,
    exp.Join: _plain_join,
    exp.If: _of_case,
    exp.Kwarg: _by_word,
}
_OURS: Final = Allowed(NODES, SPECIAL, FUNCTIONS)
