"""The tables of an app as a Python module: models, conditions as keyword arguments, and a client of each kind.

The same definitions give the same text. What its classes do is in `penstock_sdk.typed`.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from penstock_sdk._models import DataTable
from penstock_sdk._typenames import Names, attribute, class_name, singular

_JSON = Mapping[str, Any]
_WIDTH = 88
_FAMILY = ("{}", "{}Create", "{}Update", "{}Filters", "{}Order", "{}Table", "Async{}Table")
_PLAIN: dict[str, str] = {
    "string": "str",
    "uuid": "_uuid.UUID",
    "integer": "int",
    "number": "_decimal.Decimal",
    "boolean": "bool",
    "date": "_dt.date",
    "time": "_dt.time",
    "datetime": "_dt.datetime",
    "year": "int",
    "yearmonth": "str",
    "duration": "str",
    "object": "dict[str, _typing.Any]",
    "array": "list[_typing.Any]",
    "geopoint": "tuple[float, float]",
    "geojson": "dict[str, _typing.Any]",
    "vector": "list[float]",
}
_COMPARED = ("eq", "ne")
_ORDERED = ("gt", "gte", "lt", "lte", "between", "nbetween")
_LISTED = ("in", "nin")
_PATTERNS = (
    *("contains", "ncontains", "containss", "ncontainss", "startswith", "nstartswith", "startswiths"),
    *("nstartswiths", "endswith", "nendswith", "endswiths", "nendswiths", "like", "ilike"),
)
_FOLDED = ("ina", "nina")
_ARRAYS = ("acontains", "nacontains", "acontainedby", "nacontainedby", "aoverlap", "naoverlap")
_ITEMS = ("aelement", "naelement")
_RANGES = ("rcontains", "rcontainedby", "roverlaps", "radjacent", "rstrictleft", "rstrictright")
_OPERANDS: dict[str, str] = {
    **dict.fromkeys(_PATTERNS, "str"),
    **dict.fromkeys(_FOLDED, "_collections.Sequence[str]"),
    **dict.fromkeys(_ARRAYS, "_collections.Sequence[_typing.Any]"),
    **dict.fromkeys(_ITEMS, "_typing.Any"),
}
_BY_TYPE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("integer", "number", "date", "time", "datetime", "year", "uuid"), (*_COMPARED, *_ORDERED, *_LISTED)
    ),
    "string": (*_COMPARED, *_ORDERED, *_LISTED, *_FOLDED, *_PATTERNS),
    "yearmonth": (*_COMPARED, *_ORDERED, *_LISTED, *_FOLDED, *_PATTERNS),
    "duration": (*_COMPARED, *_LISTED, *_FOLDED, *_PATTERNS),
    "boolean": (*_COMPARED, *_LISTED),
    **dict.fromkeys(("object", "geojson", "any"), (*_COMPARED, *_PATTERNS)),
    **dict.fromkeys(("array", "geopoint"), (*_COMPARED, *_PATTERNS, *_ARRAYS, *_ITEMS)),
    "range": (*_COMPARED, *_RANGES),
    "vector": (),
}
_UNORDERED = frozenset({"object", "array", "any", "geopoint", "geojson", "range", "vector", "duration"})
_HEAD = '''"""The tables of the app '{app}', as types.

Written by `penstock gen types {app}`; write it anew when the tables have changed.
"""

from __future__ import annotations

import collections.abc as _collections
import datetime as _dt
import decimal as _decimal
import typing as _typing
import uuid as _uuid

import msgspec as _msgspec
import penstock_sdk.typed as _typed
'''


@dataclass(frozen=True)
class _Field:
    """A field with its name in Python, and its type there without None."""

    name: str
    python: str
    kind: str
    type: str
    is_required: bool
    must_be_sent: bool
    is_key: bool
    text: str


@dataclass(frozen=True)
class _Table:
    """A table with the names of what is made for it."""

    name: str
    python: str
    record: str
    text: str
    fields: tuple[_Field, ...]


def module(app: str, tables: Sequence[DataTable]) -> str:
    """The text of the module, its lines folded where that is easy."""
    classes, attributes = Names(), Names()
    client = classes.take_family([class_name(app)], ("{}", "Async{}"))
    found = [_table(one, classes, attributes) for one in sorted(tables, key=lambda one: one.name)]
    parts = [_HEAD.format(app=app)]
    for table in found:
        parts += ["\n".join(part) + "\n" for part in _of_table(table)]
    for prefix in ("", "Async"):
        parts.append("\n".join(_client(app, client, found, prefix)) + "\n")
    # Made code is used as a whole: nothing of it is missed when it is not there.
    unused = {"_decimal", "_uuid", "_dt", "_msgspec", "_collections", "_typing"}
    body = "\n\n".join(parts[1:])
    head = [
        line
        for line in parts[0].splitlines()
        if not any(line.endswith(f" as {name}") and f"{name}." not in body for name in unused)
    ]
    imports = re.sub(r"\n{3,}", "\n\n", "\n".join(head).rstrip())
    text = f"{imports}\n\n\n{body}"
    return re.sub(r"\n{4,}", "\n\n\n", text).rstrip() + "\n"


def _table(table: DataTable, classes: Names, attributes: Names) -> _Table:
    schema = cast("_JSON", table.json_schema)
    key = _key_of(schema)
    record = classes.take_family([class_name(singular(table.name)), class_name(table.name)], _FAMILY)
    names = Names()
    fields = tuple(_field(one, key, names) for one in cast("list[_JSON]", schema.get("fields", [])))
    text = str(schema.get("description") or table.description or schema.get("title") or "")
    return _Table(table.name, attributes.take(attribute(table.name)), record, text, fields)


def _key_of(schema: _JSON) -> tuple[str, ...]:
    key: Any = schema.get("primaryKey") or schema.get("primary_key") or ()
    return (key,) if isinstance(key, str) else tuple(key)


def _field(field: _JSON, key: tuple[str, ...], names: Names) -> _Field:
    name, kind = str(field["name"]), str(field.get("type", "string"))
    if kind == "string" and field.get("format") == "uuid":
        kind = "uuid"
    limits = cast("_JSON", field.get("constraints") or {})
    is_key = name in key
    required = bool(limits.get("required")) or is_key
    filled = (key == (name,) and kind in ("integer", "uuid")) or (
        name in ("created_at", "updated_at") and kind == "datetime"
    )
    text = str(field.get("description") or field.get("title") or "")
    return _Field(
        name,
        names.take(attribute(name)),
        kind,
        _type(field, kind, limits),
        required,
        required and not filled and "default" not in field,
        is_key,
        text,
    )


def _type(field: _JSON, kind: str, limits: _JSON) -> str:
    allowed = cast("list[Any]", limits.get("enum") or [])
    if kind == "string" and allowed and all(isinstance(one, str) for one in allowed):
        return f"_typing.Literal[{', '.join(_quoted(one) for one in allowed)}]"
    if kind in ("integer", "year") and allowed and all(type(one) is int for one in allowed):
        return f"_typing.Literal[{', '.join(map(str, allowed))}]"
    if kind == "range":
        return f"_typed.Range[{_PLAIN.get(str(field.get('of') or 'integer'), 'int')}]"
    return _PLAIN.get(kind, "_typing.Any")


def _of_table(table: _Table) -> Iterator[list[str]]:
    yield _record(table)
    yield _sent(table, "Create", "A new record of", list(table.fields))
    yield _sent(table, "Update", "Changes to a record of", [one for one in table.fields if not one.is_key])
    yield _filters(table)
    yield _methods(table, "")
    yield _methods(table, "Async")


def _record(table: _Table) -> list[str]:
    lines = [f"class {table.record}(_msgspec.Struct, frozen=True, kw_only=True):"]
    lines += _documented(f"A record of '{table.name}'.", table.text)
    for one in table.fields:
        kind = one.type if one.is_required else _nullable(one.type)
        lines += _declared(one, kind, "" if one.is_required else "None")
    return lines


def _sent(table: _Table, suffix: str, what: str, fields: list[_Field]) -> list[str]:
    lines = [f"class {table.record}{suffix}(_msgspec.Struct, frozen=True, kw_only=True):"]
    lines += _documented(f"{what} '{table.name}'; what is not given is not sent.")
    for one in fields:
        if suffix == "Create" and one.must_be_sent:
            lines += _declared(one, one.type, "")
        else:
            kind = one.type if one.is_required else _nullable(one.type)
            lines += _declared(one, f"{kind} | _msgspec.UnsetType", "_msgspec.UNSET")
    return lines


def _declared(field: _Field, kind: str, default: str) -> list[str]:
    line = f"    {field.python}: {kind}"
    if field.python != field.name:
        parts = [f"name={_quoted(field.name)}", *([f"default={default}"] if default else [])]
        line += f" = _msgspec.field({', '.join(parts)})"
    elif default:
        line += f" = {default}"
    return [line, *_note(field.text)]


def _filters(table: _Table) -> list[str]:
    lines = [f"class {table.record}Filters(_typing.TypedDict, total=False):"]
    lines += _documented(f"Conditions on records of '{table.name}'; all that are given must hold.")
    names = Names()
    for one in table.fields:
        lines += [f"    {names.take(name)}: {kind}" for name, kind in _conditions(one)]
    orders = [sign + one.name for one in table.fields if one.kind not in _UNORDERED for sign in ("", "-")]
    literal = ", ".join(_quoted(one) for one in orders) or _quoted("")
    return [*lines, "", "", f"{table.record}Order = _typing.Literal[{literal}]"]


def _conditions(field: _Field) -> Iterator[tuple[str, str]]:
    """The keyword arguments that a field gives, and what each takes."""
    for operator in _BY_TYPE.get(field.kind, ()):
        kind = _operand(field, operator)
        yield (field.python if operator == "eq" else f"{field.python}__{operator}"), kind
    yield f"{field.python}__null", "bool"


def _nullable(kind: str) -> str:
    return kind if kind == "_typing.Any" else f"{kind} | None"


def _operand(field: _Field, operator: str) -> str:
    if operator in _COMPARED:
        return _nullable(field.type)
    if operator in _ORDERED:
        plain = _PLAIN.get(field.kind, field.type)
        return f"tuple[{plain}, {plain}]" if operator.endswith("between") else plain
    if operator in _LISTED:
        return f"_collections.Sequence[{field.type}]"
    return _OPERANDS.get(operator, field.type)


def _methods(table: _Table, prefix: str) -> list[str]:
    record, word = table.record, "async " if prefix else ""
    wait = "await " if prefix else ""
    renamed = {one.python: one.name for one in table.fields if one.python != one.name}
    shown = ", ".join(f"{_quoted(python)}: {_quoted(name)}" for python, name in renamed.items())
    arguments = [
        f"        order_by: {record}Order | _collections.Sequence[{record}Order] = (),",
        "        search: str | None = None,",
        "        where: _typed.Expression | None = None,",
    ]
    given = f"        **filters: _typing.Unpack[{record}Filters],"
    iterator = "_collections.AsyncIterator" if prefix else "_collections.Iterator"
    query = "self._query(filters, order_by, search, where)"
    return [
        f"class {prefix}{record}Table(",
        f"    _typed.{prefix}TypedTable[{record}, {record}Create, {record}Update]",
        "):",
        *_documented(f"The table '{table.name}'.", table.text),
        f"    _table = {_quoted(table.name)}",
        f"    _record = {record}",
        f"    _renamed: _typing.ClassVar[_collections.Mapping[str, str]] = {{{shown}}}",
        "",
        f"    {word}def list(",
        *("        self,", "        *,"),
        *("        page: int = 1,", "        page_size: int = 20,"),
        *(*arguments, given),
        f"    ) -> _typed.Page[{record}]:",
        '        """One page of the records that meet all conditions."""',
        f"        query = {query}",
        f"        return {wait}self._page(query, page, page_size)",
        "",
        "    def all(",
        *("        self,", "        *,", *arguments, given),
        f"    ) -> {iterator}[{record}]:",
        '        """Every record that meets all conditions, fetched as they are needed."""',
        f"        query = {query}",
        "        return self._each(query, ranked=search is not None and not order_by)",
        "",
        f"    {word}def count(",
        *("        self,", "        *,", *arguments[1:], given),
        "    ) -> int:",
        '        """How many records meet all conditions."""',
        f"        return {wait}self._query(filters, (), search, where).count()",
    ]


def _client(app: str, name: str, tables: Sequence[_Table], prefix: str) -> list[str]:
    lines = [f"class {prefix}{name}:", *_documented(f"The tables of the app '{app}'.")]
    lines += [f"    def __init__(self, client: _typed.{prefix}Client) -> None:"]
    for one in tables:
        lines.append(f"        self.{one.python} = {prefix}{one.record}Table(client, {_quoted(app)})")
    return lines if tables else [*lines, "        del client  # it has no tables"]


def _documented(first: str, text: str = "") -> list[str]:
    body = _folded(text, 4)
    if not body:
        return [f'    """{_escaped(first)}"""', ""]
    return [f'    """{_escaped(first)}', "", *body, '    """', ""]


def _note(text: str) -> list[str]:
    """What is said of a field, where editors look for it."""
    body = _folded(text, 4)
    if not body:
        return []
    if len(body) == 1 and len(body[0]) + 6 <= _WIDTH:
        return [f'    """{body[0].strip()}"""']
    return [f'    """{body[0].strip()}', *body[1:], '    """']


def _folded(text: str, indent: int) -> list[str]:
    plain = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return [
        " " * indent + _escaped(line)
        for line in textwrap.wrap(plain, _WIDTH - indent - 6, break_long_words=False)
    ]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: str) -> str:
    """What JSON writes for a text, Python reads as well."""
    return json.dumps(text, ensure_ascii=False)
