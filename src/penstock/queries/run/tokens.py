"""The tokens of a statement, made fit for the parser: what it would read otherwise than PostgreSQL is put plainly or
refused, and every call of a known function is marked as one.

Marks have a colon, which no word of a text can have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from penstock.queries.models import Place, Placeholder
from penstock.queries.run.faults import fault
from penstock.queries.run.functions import FUNCTIONS
from penstock.queries.run.lexemes import Kind, Lexeme, value_of

CALL: Final = "call:"
VALUE: Final = "value:"
MAX_TOKENS: Final = 20_000
MAX_NESTING: Final = 60
_MAX_RUN: Final = 20
_MAX_SUBSCRIPTS: Final = 8
# How often a statement may have what the parser descends into.
_MOST: Final = {TokenType.JOIN: 100, TokenType.UNION: 250, TokenType.SELECT: 500, TokenType.WITH: 50}
# Calls with words between their arguments, which the parser knows.
SPECIAL: Final = frozenset({"extract", "substring", "trim", "position", "overlay"})
_ELSEWHERE: Final = {
    TokenType.CARET: "'^' is not known here; write power(a, b).",
    TokenType.TABLE: "TABLE is not known here; write SELECT * FROM.",
    TokenType.L_BRACE: "'{' is not understood here.",
}
_BEGINNINGS: Final = {TokenType.SELECT, TokenType.WITH, TokenType.VALUES, TokenType.L_PAREN}
# Among arguments the parser takes the first for that of a lambda, and keys for paths: so they go as OPERATOR(->).
ARROWS: Final = {TokenType.ARROW: "->", TokenType.DARROW: "->>"}
_COMPARISONS: Final = {
    TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE,
}  # fmt: skip
_UNITS: Final = frozenset({"year", "month", "day", "hour", "minute", "second"})
_NUMBER: Final = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_OPENING: Final = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING: Final = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_PREFIXES: Final = {
    TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE, TokenType.FROM, TokenType.SELECT,
    TokenType.WITH, TokenType.INTERVAL,
}  # fmt: skip
_GENERIC: Final = {
    TokenType.ARRAY, TokenType.STRUCT, TokenType.MAP, TokenType.NESTED, TokenType.LIST, TokenType.OBJECT,
    TokenType.NULLABLE, TokenType.LOWCARDINALITY, TokenType.RANGE,
}  # fmt: skip
_BRACED: Final = re.compile(r"param_query_[0-9]{1,18}_\{[^{}\s'\"]*\}", re.ASCII)
_DIALECT: Final[Any] = Postgres()


def tokens_of(text: str, found: Sequence[Lexeme], marks: Sequence[Placeholder]) -> list[Any]:
    """Raises `errors.Invalid` for what is not one statement or cannot be read."""
    strings = {one.start: one for one in found if one.kind in (Kind.STRING, Kind.ESCAPED, Kind.DOLLAR)}
    values = {one.start: number for number, one in enumerate(marks) if one.place is Place.BARE}
    braced = _braced(text, found)
    try:
        read: list[Any] = _DIALECT.tokenize(_masked(text, found, braced))
    except TokenError as error:
        raise fault("This cannot be read as SQL.", text, 0) from error
    if len(read) > MAX_TOKENS:
        raise fault(f"A query has at most {MAX_TOKENS:,} words and signs.", text, read[MAX_TOKENS].start)
    made: list[Any] = []
    for number, token in enumerate(read):
        if token.start in braced:
            made.append(_as(token, TokenType.IDENTIFIER, text[token.start : braced[token.start]]))
        elif token.start in values:
            made.append(_as(token, TokenType.VAR, f"{VALUE}{values[token.start]}"))
        elif token.start in strings:
            made.append(_as(token, TokenType.STRING, value_of(text, strings[token.start])))
        elif token.token_type in ARROWS and not _is_operator(read, number - 2):
            made += _operator(token)
        elif token.token_type is TokenType.OPERATOR and not _is_operator(read, number):
            raise fault("OPERATOR is not known here; write the operator by itself.", text, token.start)
        else:
            made.append(token)
    made = _alone(text, made)
    if not made:
        return made
    if made[0].token_type not in _BEGINNINGS:
        message = "A query only reads: it is a SELECT, with WITH, set operations and VALUES."
        raise fault(message, text, made[0].start)
    _check_size(text, made)
    _check_signs(text, made)
    return _intervals(text, _calls(text, made))


def _braced(text: str, found: Sequence[Lexeme]) -> dict[int, int]:
    """Where names such as `param_query_12_{day=1}` begin, and where each ends."""
    places = [one.start for one in found if one.kind is Kind.WORD]
    matches = [(start, _BRACED.match(text, start)) for start in places]
    return {start: match.end() for start, match in matches if match is not None}


def _masked(text: str, found: Sequence[Lexeme], braced: Mapping[int, int]) -> str:
    """The text with the insides of strings blank, without comments, and with a word for each placeholder."""
    parts: list[str] = []
    at = 0
    for one in found:
        if one.start < at:
            continue
        if one.start in braced:
            end = braced[one.start]
            parts += [text[at : one.start], "q" + " " * (end - one.start - 1)]
            at = end
            continue
        length = one.end - one.start
        if one.kind is Kind.ODD:
            message = "Strings and names with a letter in front, other than E'…', are not known here."
            raise fault(message, text, one.start)
        if one.kind in (Kind.STRING, Kind.ESCAPED, Kind.DOLLAR):
            put = "'" + " " * (length - 2) + "'"
        elif one.kind is Kind.COMMENT:
            put = " " * length
        elif one.kind is Kind.PLACEHOLDER:
            put = "q" + " " * (length - 1)
        else:
            continue
        parts += [text[at : one.start], put]
        at = one.end
    return "".join([*parts, text[at:]])


def _as(token: Any, kind: TokenType, text: str) -> Any:
    return Token(kind, text, token.line, token.col, token.start, token.end)


def _operator(token: Any) -> list[Any]:
    parts = ((TokenType.OPERATOR, "OPERATOR"), (TokenType.L_PAREN, "("), (token.token_type, token.text))
    return [_as(token, kind, text) for kind, text in (*parts, (TokenType.R_PAREN, ")"))]


def _is_operator(given: Sequence[Any], number: int) -> bool:
    """True where `OPERATOR(->)` begins, or the other arrow."""
    kinds = [one.token_type for one in given[max(number, 0) : number + 4]]
    return len(kinds) == 4 and kinds[0] is TokenType.OPERATOR and kinds[2] in ARROWS


def _alone(text: str, given: list[Any]) -> list[Any]:
    """The tokens without a semicolon at the end."""
    for number, token in enumerate(given):
        if token.token_type is TokenType.SEMICOLON:
            rest = [one for one in given[number:] if one.token_type is not TokenType.SEMICOLON]
            if rest:
                raise fault("A query is one statement; here a second one begins.", text, rest[0].start)
            return given[:number]
    return given


def _check_size(text: str, given: Sequence[Any]) -> None:
    depth = run = subscripts = 0
    counts = dict.fromkeys(_MOST, 0)
    for token, after in zip(given, [*given[1:], None], strict=True):
        kind = token.token_type
        depth += (kind in _OPENING) - (kind in _CLOSING)
        run = run + 1 if kind in _PREFIXES else 0
        if kind is TokenType.R_BRACKET:
            # The parser takes far longer for each that follows another.
            subscripts = (
                subscripts + 1 if after is not None and after.token_type is TokenType.L_BRACKET else 0
            )
        if depth > MAX_NESTING or run > _MAX_RUN or subscripts > _MAX_SUBSCRIPTS:
            raise fault(f"The query is nested more than {MAX_NESTING} deep.", text, token.start)
        counted = TokenType.UNION if kind in (TokenType.INTERSECT, TokenType.EXCEPT) else kind
        if counted in counts:
            counts[counted] += 1
            if counts[counted] > _MOST[counted]:
                message = f"A query has {counted.name} at most {_MOST[counted]} times."
                raise fault(message, text, token.start)
        if kind in _GENERIC and after is not None and after.token_type is TokenType.LT:
            raise fault(
                f"'{token.text[:40]}' is read as a type here; a name of it is quoted.", text, token.start
            )


def _check_signs(text: str, given: Sequence[Any]) -> None:
    for token, after in zip(given, [*given[1:], None], strict=True):
        kind = token.token_type
        following = None if after is None else after.token_type
        next_start: int = -1 if after is None else after.start
        if kind is TokenType.NUMBER and (
            not _NUMBER.fullmatch(token.text) or (next_start == token.end + 1 and following is TokenType.VAR)
        ):
            raise fault("This is not a number.", text, token.start)
        if kind is TokenType.STRING and following is TokenType.STRING:
            raise fault("Two strings stand side by side; '||' joins them.", text, next_start)
        if kind is TokenType.COMMA and following is TokenType.COMMA:
            raise fault("Nothing stands between two commas.", text, next_start)
        if kind in _ELSEWHERE:
            raise fault(_ELSEWHERE[kind], text, token.start)


def _calls(text: str, given: list[Any]) -> list[Any]:
    """Words that call a known function, marked so that no reading of the parser's own comes into it."""
    made: list[Any] = []
    for number, token in enumerate(given):
        after = given[number + 1] if number + 1 < len(given) else None
        is_word = token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING)
        word = token.text.lower()
        if not is_word or after is None or after.token_type is not TokenType.L_PAREN:
            made.append(token)
        elif word == "all" and _compares(given, number):
            made.append(_as(token, TokenType.VAR, f"{CALL}all"))
        elif word == "some":
            made.append(_as(token, TokenType.ANY, "ANY"))
        elif word in FUNCTIONS:
            _check_arguments(text, given, number)
            made.append(token if word in SPECIAL else _as(token, TokenType.VAR, CALL + word))
        else:
            made.append(token)
    return made


def _compares(given: Sequence[Any], number: int) -> bool:
    """True for ALL (array) after a comparison; a subquery the parser knows by itself."""
    before = given[number - 1].token_type if number else None
    inside = given[number + 2].token_type if number + 2 < len(given) else None
    return before in _COMPARISONS and inside not in (*_BEGINNINGS, None)


def _check_arguments(text: str, given: Sequence[Any], number: int) -> None:
    """Raises for a call with too few or too many arguments; of names with columns, such as in WITH, nothing is said."""
    before = given[number - 1].token_type if number else None
    if before in (TokenType.WITH, TokenType.RECURSIVE, TokenType.ALIAS, TokenType.R_PAREN, TokenType.VAR):
        return
    if before is TokenType.COMMA and _names_columns(given, number):
        return
    count, depth = 0, 0
    for token in given[number + 1 :]:
        kind = token.token_type
        if kind in (TokenType.L_PAREN, TokenType.L_BRACKET):
            depth += 1
        elif kind in (TokenType.R_PAREN, TokenType.R_BRACKET):
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and kind is TokenType.ORDER_BY:
            break
        if depth == 1 and kind is TokenType.COMMA:
            count += 1
        elif count == 0 and not (depth == 1 and kind is TokenType.L_PAREN):
            count = 1
    called = FUNCTIONS[given[number].text.lower()]
    if count < called.least or (called.most is not None and count > called.most):
        raise fault(f"{called.name} takes {called.takes}, not {count}.", text, given[number].start)


def _names_columns(given: Sequence[Any], number: int) -> bool:
    """True for `name (columns) AS (`, which a WITH may have after a comma."""
    depth = 0
    for at in range(number + 1, len(given)):
        kind = given[at].token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if depth == 0:
            return at + 1 < len(given) and given[at + 1].token_type is TokenType.ALIAS
    return False


def _intervals(text: str, given: list[Any]) -> list[Any]:
    """`interval '1 day'` as a cast of the string, which says all that there is to say."""
    made: list[Any] = []
    skip = False
    for number, token in enumerate(given):
        if skip:
            skip = False
            continue
        made.append(token)
        if token.token_type is not TokenType.INTERVAL or number + 1 >= len(given):
            continue
        string = given[number + 1]
        if string.token_type is not TokenType.STRING:
            continue
        unit = given[number + 2].text.lower() if number + 2 < len(given) else ""
        if unit not in _UNITS:
            made[-1:] = [string, _as(string, TokenType.DCOLON, "::"), token]
            skip = True
        elif not re.fullmatch(r"-?\d+", string.text):
            message = f"Before {unit} stands a whole number in quotes; else write the unit into the quotes."
            raise fault(message, text, string.start)
    return made
