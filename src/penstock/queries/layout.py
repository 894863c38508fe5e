"""SQL laid out for people: keywords in capitals, a line for each clause, subqueries set in.

Only white space and the case of keywords change; strings, names, comments and placeholders stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from penstock.queries.run.lexemes import Kind, Lexeme, lexemes

_STEP: Final = "    "
_DEEPEST: Final = 30
_CLAUSES: Final = frozenset({
    "select", "from", "where", "group", "having", "order", "limit", "offset", "union", "intersect", "except",
    "window", "values", "fetch",
})  # fmt: skip
_JOINS: Final = frozenset({"join", "left", "right", "inner", "full", "cross", "natural"})
_KEYWORDS: Final = _CLAUSES | _JOINS | {
    "all", "and", "any", "array", "as", "asc", "between", "by", "case", "collate", "desc", "distinct", "else", "end",
    "escape", "exists", "false", "filter", "first", "following", "grouping", "ilike", "in", "interval", "is",
    "isnull", "last", "lateral", "like", "not", "notnull", "null", "nulls", "on", "only", "or", "ordinality",
    "outer", "over", "partition", "preceding", "range", "recursive", "rollup", "row", "rows", "sets", "similar",
    "some", "symmetric", "then", "ties", "to", "true", "unbounded", "using", "when", "with", "within", "without",
}  # fmt: skip
_BEGIN_QUERIES: Final = frozenset({"select", "with", "values"})


@dataclass(slots=True)
class _Level:
    """Inside brackets, or a CASE: only in a query are there clauses."""

    is_query: bool
    indent: int
    clause: str = ""
    # The next AND belongs to a BETWEEN.
    between: bool = False


@dataclass(slots=True)
class _Page:
    """What is written so far, line by line."""

    lines: list[str] = field(default_factory=lambda: [""])

    @property
    def indent(self) -> int:
        """Of the present line."""
        line = self.lines[-1]
        return (len(line) - len(line.lstrip())) // len(_STEP)

    def newline(self, indent: int) -> None:
        if self.lines[-1].strip():
            self.lines.append("")
        self.lines[-1] = _STEP * min(indent, _DEEPEST)

    def put(self, text: str, *, apart: bool) -> None:
        line = self.lines[-1]
        self.lines[-1] = f"{line} {text}" if apart and line.strip() else f"{line}{text}"


def laid_out(text: str) -> str:
    """Raises `errors.Invalid` for a string, name or comment that is not closed."""
    found = list(lexemes(text))
    page, levels = _Page(), [_Level(True, 0)]
    for number, one in enumerate(found):
        _write(text, found, number, one, page, levels)
    return "\n".join(line.rstrip() for line in page.lines).strip("\n")


def _write(
    text: str, found: list[Lexeme], number: int, one: Lexeme, page: _Page, levels: list[_Level]
) -> None:
    level = levels[-1]
    raw = text[one.start : one.end]
    word = raw.lower() if one.kind is Kind.WORD and raw.isascii() else ""
    before = found[number - 1] if number else None
    apart = before is not None and _apart(text, before, one)
    if _breaks(text, found, number, word, level):
        page.newline(level.indent + (word in ("and", "or")))
    if word in _CLAUSES and level.is_query and not _is_name(text, found, number):
        level.clause = word
    if raw == ")" and len(levels) > 1:
        if level.is_query:
            page.newline(level.indent - 1)
            apart = False
        levels.pop()
    page.put(raw.upper() if word in _KEYWORDS and not _is_name(text, found, number) else raw, apart=apart)
    _after(text, found, number, word, page, levels)


def _after(text: str, found: list[Lexeme], number: int, word: str, page: _Page, levels: list[_Level]) -> None:
    """What a word or sign does to what follows it."""
    level, one = levels[-1], found[number]
    raw = text[one.start : one.end]
    if raw == "(":
        following = _word(text, found, number + 1)
        is_query = following in _BEGIN_QUERIES
        inside = page.indent + 1 if is_query else level.indent
        levels.append(_Level(is_query, inside))
        if is_query:
            page.newline(inside)
    elif raw == "," and level.is_query and level.clause == "select":
        page.newline(level.indent + 1)
    elif raw == ";" and level.is_query:
        level.clause = ""
        page.newline(0)
    elif one.kind is Kind.COMMENT and raw.startswith("--"):
        page.newline(level.indent + (level.clause == "select"))
    elif word == "case":
        levels.append(_Level(False, level.indent))
    elif word == "end" and len(levels) > 1 and not level.is_query:
        levels.pop()
    elif word == "between":
        level.between = True
    elif word == "and":
        level.between = False


def _breaks(text: str, found: list[Lexeme], number: int, word: str, level: _Level) -> bool:
    if not level.is_query or not number or _is_name(text, found, number):
        return False
    previous = _word(text, found, number - 1)
    if word in _CLAUSES:
        # In `IS DISTINCT FROM` and `WITHIN GROUP` they are none; a SELECT may follow what says how.
        return not (word == "from" and previous == "distinct") and previous != "within"
    if word in _JOINS:
        return previous not in (*_JOINS, "outer")
    if word in ("and", "or"):
        return level.clause in ("where", "having") and not (word == "and" and level.between)
    return False


def _is_name(text: str, found: list[Lexeme], number: int) -> bool:
    """True for a word after a dot, and one that is called, such as `left(name, 1)`."""
    if number and text[found[number - 1].start : found[number - 1].end] == ".":
        return True
    word = _word(text, found, number)
    following = found[number + 1] if number + 1 < len(found) else None
    called = following is not None and text[following.start : following.end] == "("
    return called and word in ("left", "right")


def _word(text: str, found: list[Lexeme], number: int) -> str:
    if number >= len(found) or found[number].kind is not Kind.WORD:
        return ""
    return text[found[number].start : found[number].end].lower()


def _apart(text: str, before: Lexeme, one: Lexeme) -> bool:
    """Whether a space stands between two: as there was some, but for brackets and commas."""
    previous, current = text[before.start : before.end], text[one.start : one.end]
    if current in (",", ")", ";") or previous == "(":
        return False
    return previous == "," or before.end != one.start
