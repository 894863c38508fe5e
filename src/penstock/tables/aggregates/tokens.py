"""Text to tokens. What the tokens do not cover is refused here, with the place where it stands."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple, NoReturn

from penstock.kit import errors
from penstock.kit.filters.values import clean
from penstock.tables.aggregates.tree import MAX_LENGTH


class Kind(Enum):
    """What a token is; the value names it for people."""

    NAME = "a name"
    QUOTED = "a quoted name"
    NUMBER = "a number"
    TEXT = "a text"
    SIGN = "a sign"
    END = "the end"


class Token(NamedTuple):
    """`text` is without quotes; `at` counts characters from 1."""

    kind: Kind
    text: str
    at: int


_TOKEN = re.compile(
    r"""(?P<NAME>[^\W\d][\w$]*)
    |(?P<NUMBER>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?(?![\w.]))
    |"(?P<QUOTED>(?:[^"]|"")+)"
    |'(?P<TEXT>(?:[^']|'')*)'
    |(?P<SIGN><=|>=|<>|!=|[-+*/(),<>=])""",
    re.VERBOSE,
)
_SPACE = re.compile(r"\s*")


def tokens(parameter: str, text: str) -> list[Token]:
    """Raises `errors.Invalid` for `parameter`. The last token is the end."""
    if len(text) > MAX_LENGTH:
        refuse(parameter, f"It has {len(text):,} characters; at most {MAX_LENGTH:,} are read.")
    if "\0" in text:
        refuse(parameter, "It contains a NUL character.")
    found: list[Token] = []
    at = _after_space(text, 0)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            refuse(
                parameter, f"Character {at + 1}: '{text[at : at + 20]}' is not understood.", _hint(text[at])
            )
        kind = Kind[match.lastgroup]
        found.append(Token(kind, _unquoted(kind, match[match.lastgroup]), at + 1))
        at = _after_space(text, match.end())
    found.append(Token(Kind.END, "", len(text) + 1))
    return found


def refuse(parameter: str, message: str, hint: str | None = None) -> NoReturn:
    raise errors.Invalid({parameter: [clean(message)]}, hint=hint and clean(hint))


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _unquoted(kind: Kind, text: str) -> str:
    if kind is Kind.QUOTED:
        return text.replace('""', '"')
    return text.replace("''", "'") if kind is Kind.TEXT else text


def _hint(character: str) -> str | None:
    if character == ".":
        return "Aggregates are of the fields of one table; fields of related records cannot be named."
    return "A quote is not closed." if character in "'\"" else None
