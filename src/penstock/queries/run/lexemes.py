"""The words of a statement as PostgreSQL reads them: where strings, names and comments begin and end.

Placeholders are found here, since where one stands says what may become of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from penstock.queries.models import Place, Placeholder
from penstock.queries.run.faults import fault

MAX_PLACEHOLDERS: Final = 1000


class Kind(Enum):
    """What a stretch of text is."""

    STRING = "string"
    ESCAPED = "escaped string"
    DOLLAR = "dollar-quoted string"
    ODD = "other string"
    NAME = "quoted name"
    COMMENT = "comment"
    WORD = "word"
    PLACEHOLDER = "placeholder"
    OTHER = "other"


class Lexeme(NamedTuple):
    """`text[start:end]`."""

    kind: Kind
    start: int
    end: int


_LEXEME: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<line>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<placeholder>\{\{)
  | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<odd>(?:[uU]&|[bBxXnN])'(?:[^']|'')*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<oddname>[uU]&"(?:[^"]|"")*")
  | (?P<name>"(?:[^"]|"")*")
  | (?P<dollar>\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?)\$)
  | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS: Final = {
    "line": Kind.COMMENT,
    "escaped": Kind.ESCAPED,
    "odd": Kind.ODD,
    "string": Kind.STRING,
    "oddname": Kind.ODD,
    "name": Kind.NAME,
    "word": Kind.WORD,
    "number": Kind.OTHER,
}
_EDGE: Final = re.compile(r"/\*|\*/")
_INNER: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME: Final = re.compile(r"[\w][\w .\-]*", re.UNICODE)
_ESCAPE: Final = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL
)
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def lexemes(text: str) -> Iterator[Lexeme]:
    """Everything but white space. Raises `errors.Invalid` for what is begun and not ended."""
    at = 0
    while at < len(text):
        match = _LEXEME.match(text, at)
        assert match is not None
        group, end = match.lastgroup, match.end()
        if group == "tag" or match["dollar"] is not None:
            end = _closing(text, at, match["dollar"])
            yield Lexeme(Kind.DOLLAR, at, end)
        elif group == "block":
            end = _block_end(text, at)
            yield Lexeme(Kind.COMMENT, at, end)
        elif group == "placeholder":
            inner = _INNER.match(text, at)
            if inner is None:
                raise fault("'{{' is not closed; a parameter is written {{ name }}.", text, at)
            end = inner.end() + (text[inner.end() : inner.end() + 1] == "}" and inner[1].startswith("{"))
            yield Lexeme(Kind.PLACEHOLDER, at, end)
        elif group == "other":
            if match[0] in "'\"":
                raise fault(f"The {'string' if match[0] == chr(39) else 'name'} is not closed.", text, at)
            yield Lexeme(Kind.OTHER, at, end)
        elif group != "space":
            yield Lexeme(_KINDS[group or ""], at, end)
        at = end


def _closing(text: str, at: int, mark: str) -> int:
    found = text.find(mark, at + len(mark))
    if found < 0:
        raise fault(f"The string that begins with {mark} is not closed.", text, at)
    return found + len(mark)


def _block_end(text: str, at: int) -> int:
    depth = 0
    for edge in _EDGE.finditer(text, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise fault("The comment is not closed.", text, at)


def value_of(text: str, lexeme: Lexeme) -> str:
    """What a string says."""
    raw = text[lexeme.start : lexeme.end]
    if lexeme.kind is Kind.DOLLAR:
        edge = raw.index("$", 1) + 1
        return raw[edge:-edge]
    if lexeme.kind is Kind.STRING:
        return raw[1:-1].replace("''", "'")
    assert lexeme.kind is Kind.ESCAPED
    found = _ESCAPE.sub(_unescaped, raw[2:-1].replace("''", "'"))
    if "\0" in found or any("\ud800" <= one <= "\udfff" for one in found):
        raise fault("The string has an escape that stands for no character.", text, lexeme.start)
    return found


def _unescaped(match: re.Match[str]) -> str:
    octal, short, four, eight, plain = match.groups()
    if plain is not None:
        return _ESCAPED.get(plain, plain)
    code = int(octal, 8) if octal else int(short or four or eight, 16)
    return chr(code) if code <= 0x10FFFF else "\0"


def placeholders(text: str, found: list[Lexeme]) -> list[Placeholder]:
    """The placeholders of a text with where they stand, in order."""
    made: list[Placeholder] = []
    places = {Kind.NAME: Place.NAME, Kind.COMMENT: Place.COMMENT, Kind.ODD: Place.NAME}
    for one in found:
        if one.kind is Kind.PLACEHOLDER:
            made.append(_placeholder(text, one.start, one.end, Place.BARE))
        elif one.kind not in (Kind.WORD, Kind.OTHER):
            place = places.get(one.kind, Place.STRING)
            for inner in _INNER.finditer(text, one.start, one.end):
                made.append(_placeholder(text, inner.start(), inner.end(), place))
        if len(made) > MAX_PLACEHOLDERS:
            raise fault(f"A query has at most {MAX_PLACEHOLDERS:,} placeholders.", text, one.start)
    return made


def _placeholder(text: str, start: int, end: int, place: Place) -> Placeholder:
    name = text[start + 2 : end - 2].strip()
    # With braces or an ampersand templates leave a value unescaped; here nothing is ever escaped or spliced.
    if name.startswith("{"):
        name = name.strip("{}").strip()
    name = name.removeprefix("&").strip()
    if name.startswith(("#", "/", "^", "!", ">")) and place is not Place.COMMENT:
        raise fault(
            f"'{text[start:end][:80]}' is a section of a template; only {{{{ name }}}} is known here.",
            text,
            start,
        )
    if not _NAME.fullmatch(name) and place is not Place.COMMENT:
        raise fault(f"'{text[start:end][:80]}' does not name a parameter.", text, start)
    return Placeholder(name, start, end, place)
