"""Texts with places for values, after Mustache and without any logic of their own:
`{{name}}`, `{{{name}}}` and `{{&name}}` as they are, `{{#list}}…{{/list}}`, `{{^list}}…{{/list}}`, `{{! nothing }}`."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

MOST: Final = 200_000  # characters of what comes of it
_DEEPEST: Final = 8
# Spaces around a name are taken off it later: to look for them here would take forever with many of them.
_TAG: Final = re.compile(
    r"\{\{\{(?P<raw>[^{}]{1,200})\}\}\}|\{\{(?P<sign>[#^/&!]?)(?P<name>[^{}]{0,2000})\}\}"
)


class TemplateError(ValueError):
    """It cannot be read; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Value:
    """A place for a value."""

    name: str
    escaped: bool


@dataclass(frozen=True, slots=True)
class Section:
    """What stands there once for each value, or, turned round, when there is none."""

    name: str
    turned: bool
    parts: list[str | Value | Section] = field(default_factory=list["str | Value | Section"])


def parse(text: str) -> Section:
    """Raises `TemplateError`."""
    stack = [Section("", turned=False)]
    done = 0
    for found in _TAG.finditer(text):
        stack[-1].parts.append(text[done : found.start()])
        done = found.end()
        name, sign = (found["raw"] or found["name"]).strip(), found["sign"] or ""
        if sign == "!":
            continue
        if not name:
            raise TemplateError("A tag `{{}}` has no name.")
        if sign == "/":
            if len(stack) == 1 or stack[-1].name != name:
                raise TemplateError(f"`{{{{/{name[:40]}}}}}` ends no section that was begun last.")
            stack.pop()
        elif sign in ("#", "^") and found["raw"] is None:
            if len(stack) > _DEEPEST:
                raise TemplateError(f"Sections are nested more than {_DEEPEST} deep.")
            inner = Section(name, turned=sign == "^")
            stack[-1].parts.append(inner)
            stack.append(inner)
        else:
            stack[-1].parts.append(Value(name, escaped=found["raw"] is None and sign != "&"))
    if len(stack) > 1:
        raise TemplateError(f"The section `{stack[-1].name[:40]}` has no end.")
    stack[0].parts.append(text[done:])
    return stack[0]


def render(template: Section, values: Mapping[str, Any], *, escape: bool) -> str:
    """With `escape` values become text of HTML where they are not to stand as they are. Long ones are cut off."""
    writer = _Writer(escape)
    writer.write(template.parts, [values])
    return "".join(writer.written)


class _Writer:
    def __init__(self, escape: bool) -> None:
        self._escape = escape
        self._left = MOST
        self.written: list[str] = []

    def write(self, parts: Sequence[str | Value | Section], scopes: list[Any]) -> None:
        for part in parts:
            if self._left <= 0:
                return
            # So that ever so many places for nothing end, too.
            self._left -= 1
            if isinstance(part, str):
                self._put(part)
            elif isinstance(part, Value):
                text = _text(_look_up(part.name, scopes))
                self._put(html.escape(text) if self._escape and part.escaped else text)
            else:
                self._repeat(part, _look_up(part.name, scopes), scopes)

    def _repeat(self, section: Section, found: Any, scopes: list[Any]) -> None:
        if section.turned:
            if not found:
                self.write(section.parts, scopes)
        elif isinstance(found, list):
            for one in cast("list[Any]", found):
                if self._left <= 0:
                    return
                self._left -= 1
                self.write(section.parts, [*scopes, one])
        elif found:
            self.write(section.parts, [*scopes, found])

    def _put(self, text: str) -> None:
        self.written.append(text[: self._left])
        self._left -= len(text)


def _look_up(name: str, scopes: Sequence[Any]) -> Any:
    if name == ".":
        return scopes[-1]
    for scope in reversed(scopes):
        if isinstance(scope, Mapping) and name in scope:
            return cast("Mapping[str, Any]", scope)[name]
    first, dot, rest = name.partition(".")
    if dot and first:
        inner = _look_up(first, scopes)
        return _look_up(rest, [inner]) if isinstance(inner, Mapping) else None
    return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
