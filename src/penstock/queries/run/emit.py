"""The text of a statement from its tree, looked through once more before anything is put into it.

All names are quoted and all strings plain, so that every other word is one of SQL: those that are not on the list here
end it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, UnsupportedError

from penstock.queries.run.faults import fault
from penstock.queries.run.functions import FUNCTIONS
from penstock.queries.run.lexemes import Kind, Lexeme, lexemes

SQL: Final = """
    all and any array as asc at between bigint boolean both bpchar by bytea case cast century char cidr collate
    cross cube current current_date current_timestamp date daterange day days decade decimal desc distinct
    double dow doy else end epoch escape except exclude exists extract false fetch filter first float following
    for from full group grouping groups having hour hours ilike in inet inner int int4range int8range intersect
    interval is isodow isoyear join json jsonb julian last lateral leading left like limit localtime
    localtimestamp materialized microseconds millennium milliseconds mins minute money month months natural next
    no not null nulls numrange offset on only operator or order ordinality others outer over overlaps overlay
    partition placing position preceding precision quarter range real recursive right rollup row rows second
    secs select sets similar smallint substring symmetric text then ties time timestamp timestamptz timetz
    timezone timezone_hour timezone_minute to trailing trim true tsrange tstzrange unbounded union using uuid
    values varbinary varchar week weeks when where window with within year years zone
"""
_WORDS: Final = frozenset(SQL.split())


@dataclass(frozen=True, slots=True)
class Dialect:
    """How statements are printed, and which words they may have then."""

    name: str
    printer: Any
    lexemes: Callable[[str], Iterator[Lexeme]]
    words: frozenset[str]


OURS: Final = Dialect("PostgreSQL", Postgres(), lexemes, _WORDS | FUNCTIONS.keys())
# The engine is asked in the same words, but for some of its own that we put in.
ENGINE: Final = Dialect("DuckDB", Postgres(), lexemes, OURS.words | {"json_extract", "json_extract_string"})
_STRANGE: Final = (Kind.COMMENT, Kind.DOLLAR, Kind.ESCAPED, Kind.ODD, Kind.PLACEHOLDER)


class Marks:
    """Names that nobody else can have guessed, for what is put into the text at the end."""

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(8)

    def name(self, number: int) -> str:
        return f"{self._nonce} {number}"


def emit(tree: Any, put: Mapping[str, str], source: str, dialect: Dialect | None = None) -> str:
    """The statement with SQL of ours in the place of the names in `put`; `source` is the text it came from."""
    at_hand = dialect or OURS
    try:
        printed: str = at_hand.printer.generate(
            tree, identify=True, comments=False, normalize_functions=False, unsupported_level=ErrorLevel.RAISE
        )
    except UnsupportedError as error:
        raise fault(f"The query has a part that {at_hand.name} does not know.", source, None) from error
    except RecursionError as error:
        raise fault("The query is nested too deeply.", source, None) from error
    parts: list[str] = []
    at = 0
    for one in at_hand.lexemes(printed):
        word = printed[one.start : one.end]
        if one.kind in _STRANGE or word == ";":
            raise fault("The query has a part that is not known here.", source, None)
        if one.kind is Kind.WORD and word.lower() not in at_hand.words:
            raise fault(f"'{word[:80]}' is not known here.", source, None)
        if one.kind is Kind.NAME and word[1:-1] in put:
            parts += [printed[at : one.start], put[word[1:-1]]]
            at = one.end
    return "".join([*parts, printed[at:]])
