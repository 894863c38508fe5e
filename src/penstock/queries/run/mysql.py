"""Statements in the dialect of MySQL and MariaDB: the same law as for our own, in other words.

Everything is read here as with the `sql_mode` that connections are given, and printed anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from penstock.kit import errors
from penstock.queries.models import ParsedQuery, Place, Placeholder
from penstock.queries.run import grammar
from penstock.queries.run.emit import SQL, Dialect
from penstock.queries.run.faults import FIELD, fault
from penstock.queries.run.lexemes import Kind, Lexeme, placeholders
from penstock.queries.run.tokens import CALL, MAX_NESTING, MAX_TOKENS, VALUE

_FUNCTIONS: Final = """
    abs acos adddate addtime ascii asin atan atan2 avg bin bit_and bit_count bit_length bit_or bit_xor ceil ceiling
    char_length character_length coalesce concat concat_ws conv convert_tz cos cot count crc32 cume_dist curdate
    curtime date date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear degrees dense_rank
    elt exp extract field find_in_set first_value floor format from_base64 from_days from_unixtime greatest
    group_concat hex hour if ifnull inet_aton inet_ntoa insert instr isnull json_array json_array_length json_arrayagg
    json_contains json_depth json_exists json_extract json_keys json_length json_object json_objectagg json_quote
    json_query json_search json_type json_unquote json_valid json_value lag last_day last_value lcase lead least left
    length ln locate log log10 log2 lower lpad ltrim makedate maketime max md5 microsecond mid min minute mod month
    monthname now nth_value ntile nullif oct octet_length ord percent_rank period_add period_diff pi position pow
    power quarter quote radians rank regexp_instr regexp_replace regexp_substr repeat replace reverse right round
    row_number rpad rtrim sec_to_time second sha1 sha2 sign sin sqrt std stddev stddev_pop stddev_samp str_to_date
    strcmp subdate substr substring substring_index subtime sum tan time time_format time_to_sec timediff timestamp
    timestampdiff to_base64 to_days to_seconds trim truncate ucase unhex unix_timestamp upper utc_date
    utc_time utc_timestamp uuid var_pop var_samp variance week weekday weekofyear year yearweek
"""
FUNCTIONS: Final = frozenset(_FUNCTIONS.split())
# The parser knows these by words among their arguments.
_SPECIAL: Final = frozenset({"extract", "trim", "substring", "position", "group_concat", "timestampdiff"})
_KEYWORDS: Final = """
    binary datetime day_hour day_minute day_second div false hour_minute hour_second interval json minute_second
    mod regexp rlike second separator signed unsigned xor year_month
"""
_TYPES: Final = frozenset(
    {
        "BIGINT", "BINARY", "BOOLEAN", "CHAR", "DATE", "DATETIME", "DECIMAL", "DOUBLE", "FLOAT", "INT", "JSON",
        "TEXT", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "UBIGINT", "VARBINARY", "VARCHAR", "YEAR",
    }
)  # fmt: skip
_OF_POSTGRES: Final = frozenset({exp.Operator, exp.AtTimeZone, exp.ILike, exp.SimilarTo, exp.Lateral})
_LEXEME: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<line>(?:--(?=[\s\x00-\x1f]|$)|\#)[^\n]*)
  | (?P<block>/\*)
  | (?P<placeholder>\{\{)
  | (?P<odd>(?:[xXbBnN]|_[a-zA-Z0-9]+)\s*'(?:[^'\\]|''|\\.)*')
  | (?P<string>'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")
  | (?P<name>`(?:[^`]|``)*`)
  | (?P<word>[A-Za-z_\x80-\U0010ffff$][A-Za-z0-9_$\x80-\U0010ffff]*)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS: Final = {
    "line": Kind.COMMENT,
    "odd": Kind.ODD,
    "string": Kind.STRING,
    "name": Kind.NAME,
    "word": Kind.WORD,
    "number": Kind.OTHER,
}
_INNER: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_SHAPES: Final = (exp.Select, exp.SetOperation, exp.Subquery)
_BEGINNINGS: Final = {TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN}
_OPENING: Final = {TokenType.L_PAREN, TokenType.CASE}
_CLOSING: Final = {TokenType.R_PAREN, TokenType.END}
_PARSER: Final[Any] = MySQL()
_ONLY: Final = "A query only reads: it is a SELECT, with WITH and set operations."


def lexemes(text: str) -> Iterator[Lexeme]:
    """Everything but white space. Raises `errors.Invalid` for what is begun and not ended."""
    at = 0
    while at < len(text):
        match = _LEXEME.match(text, at)
        assert match is not None
        group, end = match.lastgroup or "", match.end()
        if group == "block":
            close = text.find("*/", at + 2)
            if close < 0:
                raise fault("The comment is not closed.", text, at)
            if text[at + 2 : at + 3] in ("!", "+") or text[at + 2 : at + 4] == "M!":
                raise fault("Comments that the server would read are not known here.", text, at)
            end = close + 2
            yield Lexeme(Kind.COMMENT, at, end)
        elif group == "placeholder":
            inner = _INNER.match(text, at)
            if inner is None:
                raise fault("'{{' is not closed; a parameter is written {{ name }}.", text, at)
            end = inner.end() + (text[inner.end() : inner.end() + 1] == "}" and inner[1].startswith("{"))
            yield Lexeme(Kind.PLACEHOLDER, at, end)
        elif group == "other":
            if match[0] in "'\"`":
                raise fault("A string or a name is not closed.", text, at)
            yield Lexeme(Kind.OTHER, at, end)
        elif group != "space":
            yield Lexeme(_KINDS[group], at, end)
        at = end


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
    tokens = _tokens(text, found, marks)
    if not tokens:
        raise errors.Invalid({FIELD: ["A query is a SELECT; this is empty."]})
    tree = _tree(text, tokens)
    for node in tree.find_all(exp.Identifier):
        node.set("this", node.this.removeprefix(CALL))
        node.set("quoted", True)
    _check(tree, text)
    for node in list(tree.walk()):
        if isinstance(node, exp.Anonymous):
            node.set("this", node.this.removeprefix(CALL))
    return ParsedQuery(text, tree, tuple(marks))


def _tokens(text: str, found: list[Lexeme], marks: list[Placeholder]) -> list[Any]:
    values = {one.start: number for number, one in enumerate(marks) if one.place is Place.BARE}
    strings = {one.start: one for one in found if one.kind is Kind.STRING}
    try:
        read: list[Any] = _PARSER.tokenize(_masked(text, found))
    except TokenError as error:
        raise fault("This cannot be read as SQL.", text, 0) from error
    if len(read) > MAX_TOKENS:
        raise fault(f"A query has at most {MAX_TOKENS:,} words and signs.", text, read[MAX_TOKENS].start)
    made: list[Any] = []
    depth = 0
    for number, token in enumerate(read):
        kind, after = token.token_type, read[number + 1] if number + 1 < len(read) else None
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth > MAX_NESTING:
            raise fault(f"The query is nested more than {MAX_NESTING} deep.", text, token.start)
        if kind is TokenType.SEMICOLON:
            rest = [one for one in read[number:] if one.token_type is not TokenType.SEMICOLON]
            if rest:
                raise fault("A query is one statement; here a second one begins.", text, rest[0].start)
            break
        if token.start in values:
            made.append(_as(token, TokenType.VAR, f"{VALUE}{values[token.start]}"))
        elif token.start in strings:
            made.append(_as(token, TokenType.STRING, _value(text, strings[token.start])))
        elif (
            kind not in (TokenType.IDENTIFIER, TokenType.STRING)
            and after is not None
            and after.token_type is TokenType.L_PAREN
            and token.text.lower() in FUNCTIONS - _SPECIAL
        ):
            made.append(_as(token, TokenType.VAR, CALL + token.text.lower()))
        else:
            made.append(token)
    if made and made[0].token_type not in _BEGINNINGS:
        raise fault(_ONLY, text, made[0].start)
    return made


def _masked(text: str, found: list[Lexeme]) -> str:
    """The text with the insides of strings blank, without comments, and with a word for each placeholder."""
    parts: list[str] = []
    at = 0
    for one in found:
        length = one.end - one.start
        if one.kind is Kind.ODD:
            raise fault("Strings with a letter in front are not known here.", text, one.start)
        put = {
            Kind.STRING: "'" + " " * (length - 2) + "'",
            Kind.COMMENT: " " * length,
            Kind.PLACEHOLDER: "q" + " " * (length - 1),
        }.get(one.kind)
        if put is None:
            continue
        parts += [text[at : one.start], put]
        at = one.end
    return "".join([*parts, text[at:]])


def _value(text: str, lexeme: Lexeme) -> str:
    raw = text[lexeme.start : lexeme.end]
    inside = raw[1:-1].replace(raw[0] * 2, raw[0])
    found = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), inside)
    if "\0" in found:
        raise fault("The string has an escape that stands for no character.", text, lexeme.start)
    return found


def _as(token: Any, kind: TokenType, text: str) -> Any:
    return Token(kind, text, token.line, token.col, token.start, token.end)


def _tree(text: str, tokens: list[Any]) -> Any:
    try:
        trees = _PARSER.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, text)
    except ParseError as error:
        told = error.errors[0] if error.errors else {}
        at = next(
            (one.start for one in tokens if (one.line, one.col) == (told.get("line"), told.get("col"))),
            tokens[-1].start,
        )
        word = text[at:].split(None, 1)[0][:40] if text[at:].strip() else ""
        raise fault(f"'{word}' is not understood here.", text, at) from error
    except RecursionError as error:
        raise fault("The query is nested too deeply.", text, None) from error
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise fault("This cannot be read as SQL.", text, tokens[0].start) from error
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, _SHAPES):
        raise fault(_ONLY, text, tokens[0].start)
    return tree


def _check(tree: Any, text: str) -> None:
    """Raises `errors.Invalid` for the first part that is not allowed."""
    grammar.check(tree, text, _ALLOWED)


def _type(node: Any) -> bool:
    kind = node.this
    return isinstance(kind, exp.Interval) or getattr(kind, "name", "") in _TYPES


_NODES: Final = {
    **{kind: names for kind, names in grammar.NODES.items() if kind not in _OF_POSTGRES},
    exp.GroupConcat: frozenset({"this", "separator"}),
    exp.TimestampDiff: frozenset({"this", "expression", "unit"}),
    exp.IntDiv: frozenset({"this", "expression"}),
    exp.Xor: frozenset({"this", "expression"}),
    exp.RegexpLike: frozenset({"this", "expression", "full_match"}),
}
_ALLOWED: Final = grammar.Allowed(
    cast("dict[type[Any], frozenset[str]]", _NODES), {**grammar.SPECIAL, exp.DataType: _type}, FUNCTIONS
)
DIALECT: Final = Dialect(
    "MySQL",
    _PARSER,
    lexemes,
    frozenset(SQL.split()) | FUNCTIONS | frozenset(_KEYWORDS.split()),
)
