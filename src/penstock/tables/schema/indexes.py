"""Reads the `indexes` of a schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

from penstock.tables.fields import BY_NAME
from penstock.tables.models import Field, Index

MAX_INDEXES = 50
METHODS = ("btree", "hash", "gin", "gist", "brin")
_NAME = re.compile(r"[A-Za-z_]\w{0,49}", re.ASCII)
_JSON = ("object", "array", "any", "geopoint", "geojson")


def parse_indexes(
    raw: Any, fields: Mapping[str, Field], refuse: Callable[[str], NoReturn]
) -> tuple[Index, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or len(cast("list[Any]", raw)) > MAX_INDEXES:
        refuse(f"'indexes' must be a list of at most {MAX_INDEXES} entries.")
    found = [_index(entry, fields, refuse) for entry in cast("list[Any]", raw)]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            refuse(f"index '{name}' is declared twice.")
    return tuple(found)


def _index(raw: Any, fields: Mapping[str, Field], refuse: Callable[[str], NoReturn]) -> Index:
    if not isinstance(raw, dict):
        refuse("each of 'indexes' is an object with 'name' and 'fields' or 'expression'.")
    entry = cast("dict[str, Any]", raw)
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        refuse(
            f"an index needs a 'name' of letters, digits and underscores, at most 50; got {str(name)[:60]!r}."
        )
    method = str(entry.get("type") or entry.get("method") or entry.get("using") or "btree").lower()
    if method not in METHODS:
        refuse(f"index '{name}' has the method {method[:40]!r}; methods are: {', '.join(METHODS)}.")
    columns, expression = entry.get("fields"), entry.get("expression")
    if (columns is None) == (expression is None):
        refuse(f"index '{name}' needs exactly one of 'fields' and 'expression'.")
    unique = entry.get("unique", False)
    if not isinstance(unique, bool) or (unique and method != "btree"):
        refuse(f"index '{name}': 'unique' is true or false, and only a btree index can be unique.")
    return Index(
        name=name,
        fields=_columns(name, method, columns, fields, refuse) if columns is not None else (),
        expression=_sql(name, "expression", expression, fields, refuse),
        method=method,
        unique=unique,
        where=_sql(name, "where", entry.get("where"), fields, refuse),
        comment=str(entry.get("comment") or "").replace("\0", "")[:500],
    )


def _columns(
    name: str, method: str, raw: Any, fields: Mapping[str, Field], refuse: Callable[[str], NoReturn]
) -> tuple[str, ...]:
    names: Any = [raw] if isinstance(raw, str) else raw
    if not isinstance(names, list) or not names:
        refuse(f"index '{name}' has no fields.")
    columns = tuple(str(one) for one in cast("list[Any]", names))
    if len(columns) > 16 or (method == "hash" and len(columns) > 1):
        refuse(f"index '{name}' has too many fields for its method.")
    for column in columns:
        if column not in fields:
            refuse(f"index '{name}' names the unknown field '{column[:80]}'.")
        if not _indexable(fields[column], method):
            refuse(
                f"index '{name}': a {fields[column].type} field such as '{column}' cannot have a {method} index."
            )
    return columns


def _indexable(field: Field, method: str) -> bool:
    match method:
        case "gin":
            return field.type in _JSON
        case "gist":
            return field.type == "range"
        case "brin":
            return BY_NAME[field.type].orderable and field.type != "boolean"
        case _:
            return field.type != "vector"


def _sql(
    name: str, what: str, text: Any, fields: Mapping[str, Field], refuse: Callable[[str], NoReturn]
) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str):
        refuse(f"index '{name}': '{what}' is SQL text.")
    from penstock.tables.schema import expressions  # noqa: PLC0415  (the SQL parser is large)

    try:
        return expressions.checked(text, fields.keys())
    except ValueError as error:
        refuse(f"index '{name}': '{what}' cannot be used: {error}.")
