"""Puts values where the placeholders of a parsed query are: constants of its tree, or what a driver binds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sqlglot import exp

from penstock.queries.errors import ValuesMissing
from penstock.queries.models import BoundQuery, ParsedQuery, Place
from penstock.queries.parameters import Form, Value
from penstock.queries.run.faults import fault
from penstock.queries.run.tokens import VALUE

_INNER: Final = re.compile(r"\{\{\{?\s*&?\s*(.*?)\s*\}?\}\}", re.DOTALL)
_LISTS: Final = (exp.In, exp.Tuple, exp.Array, exp.Anonymous)


def bind(parsed: ParsedQuery, values: Mapping[str, Value]) -> BoundQuery:
    """Raises `ValuesMissing` for placeholders without a value."""
    used = [one for one in parsed.placeholders if one.place is not Place.COMMENT]
    missing = [one.name for one in used if one.name not in values]
    if missing:
        raise ValuesMissing(list(dict.fromkeys(missing)))
    tree = parsed.tree.copy()
    inside = {one.name for one in used if one.place is Place.STRING}
    if inside:
        for node in tree.find_all(exp.Literal):
            if node.is_string and "{{" in node.this:
                node.set("this", _INNER.sub(lambda found: _spliced(found, values, inside), node.this))
    bare = {
        f"{VALUE}{number}": values[one.name]
        for number, one in enumerate(parsed.placeholders)
        if one.place is Place.BARE
    }
    if bare:
        for node in list(tree.find_all(exp.Column)):
            _check_place(parsed, node, bare)
    return BoundQuery(parsed.text, tree, bare)


def _spliced(found: re.Match[str], values: Mapping[str, Value], inside: set[str]) -> str:
    return values[found[1]].text if found[1] in inside else found[0]


def _check_place(parsed: ParsedQuery, node: Any, bare: Mapping[str, Value]) -> None:
    value = bare.get(node.name)
    if value is None:
        return
    mark = parsed.placeholders[int(node.name.removeprefix(VALUE))]
    if node.args.get("table"):
        raise fault("A parameter stands for a value; it cannot be part of a name.", parsed.text, mark.start)
    if len(value.texts) > 1 and not isinstance(node.parent, _LISTS):
        raise fault("Several values stand in a list only, such as IN ({{ name }}).", parsed.text, mark.start)


def filled(bound: BoundQuery, tree: Any, arguments: list[str | None] | None) -> None:
    """Have the tree say the values: `$1`, `$2`, … of `arguments`, which they are added to, or constants without."""
    for node in list(tree.find_all(exp.Column)):
        value = bound.values.get(node.name)
        if value is None:
            continue
        made = [_constant(value.form, text, arguments) for text in value.texts]
        if len(made) == 1:
            node.replace(made[0])
            continue
        listed: list[Any] = []
        parent = node.parent
        for one in parent.expressions:
            listed += made if one is node else [one]
        parent.set("expressions", listed)


def _constant(form: Form, text: str, arguments: list[str | None] | None) -> Any:
    if form is Form.CHOICE:
        return exp.Literal.string(text)
    if arguments is None:
        if form is not Form.NUMBER:
            return _cast(exp.Literal.string(text), form, text)
        if text.startswith("-"):
            return exp.Paren(this=exp.Neg(this=exp.Literal.number(text[1:])))
        return exp.Literal.number(text)
    arguments.append(text)
    given = exp.Parameter(this=exp.Literal.number(str(len(arguments))))
    return _cast(exp.Cast(this=given, to=exp.DataType.build("text")), form, text)


def _cast(value: Any, form: Form, text: str) -> Any:
    if form is Form.TEXT and isinstance(value, exp.Cast):
        return value
    return exp.Cast(this=value, to=exp.DataType.build(_type(form, text)))


def _type(form: Form, text: str) -> str:
    """As the type of the same number written into the statement."""
    if form is not Form.NUMBER:
        return {Form.DAY: "date", Form.INSTANT: "timestamp"}.get(form, "text")
    if "." in text:
        return "decimal"
    size = abs(int(text))
    return "int" if size < 2**31 else "bigint" if size < 2**63 else "decimal"
