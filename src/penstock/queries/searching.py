"""What people type to find something: words, all of which must occur; `or`, `-` before a word, parentheses, "phrases".

Anything can be read: a parenthesis too many is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_WORDS: Final = 20
_DEEPEST: Final = 8
_TOKEN: Final = re.compile(r'(-?)"([^"]*)"?|([()])|(-?)([^\s()"]+)')


@dataclass(frozen=True, slots=True)
class Word:
    """A text that must occur."""

    text: str


@dataclass(frozen=True, slots=True)
class Without:
    """What must not be."""

    item: Sought


@dataclass(frozen=True, slots=True)
class Every:
    items: tuple[Sought, ...]


@dataclass(frozen=True, slots=True)
class Either:
    items: tuple[Sought, ...]


Sought = Word | Without | Every | Either


def read(text: str) -> Sought | None:
    """None for who seeks nothing."""
    tokens = list(_tokens(text))
    found, _ = _either(tokens, 0, 0)
    return found


def words(sought: Sought) -> Iterator[str]:
    """Those that are to occur, for telling how well something fits."""
    match sought:
        case Word(text):
            yield text
        case Every(items) | Either(items):
            for one in items:
                yield from words(one)
        case Without():
            return


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of what it is and its text: a word, `(`, `)`, `or`, `-`."""
    number = 0
    for found in _TOKEN.finditer(text):
        without, phrase, bracket, minus, plain = found.groups()
        if bracket:
            yield bracket, bracket
            continue
        word = (phrase or "").strip() if phrase is not None else plain
        if without or minus:
            yield "-", "-"
        if phrase is None and word.lower() == "or":
            yield "or", word
        elif word and word != "-":
            number += 1
            if number > MOST_WORDS:
                return
            yield "word", word


def _either(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[Sought | None, int]:
    """Up to the parenthesis that ends it, or the end."""
    parts: list[Sought] = []
    while True:
        part, at = _every(tokens, at, depth)
        if part is not None:
            parts.append(part)
        if at >= len(tokens) or tokens[at][0] != "or":
            break
        at += 1
    if not parts:
        return None, at
    return (parts[0] if len(parts) == 1 else Either(tuple(parts))), at


def _every(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[Sought | None, int]:
    parts: list[Sought] = []
    without = False
    while at < len(tokens):
        kind, text = tokens[at]
        if kind == "or" or (kind == ")" and depth):
            break
        at += 1
        if kind == "-":
            without = True
            continue
        found: Sought | None = None
        if kind == "word":
            found = Word(text)
        elif kind == "(" and depth < _DEEPEST:
            found, at = _either(tokens, at, depth + 1)
            at += 1
        if found is not None:
            parts.append(Without(found) if without else found)
        without = False
    if not parts:
        return None, at
    return (parts[0] if len(parts) == 1 else Every(tuple(parts))), at
