"""Reads `hierarchy` and `graph` of a schema: which edges may be between the records of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, cast

from penstock.kit import errors
from penstock.tables.models import EdgeType, Field, ForeignKey, Graph, TableSchema

MAX_TYPES = 50
TYPE_LENGTH = 50
PARENT = EdgeType("parent", "children")
# Beside the lists of related records an answer has the record itself, under this name.
_RECORD = "data"
_TYPE_NAME = re.compile(r"[^\W\d][\w \-.:]*")
_LIMITS = ("max_outgoing", "max_incoming")
_MAX_LIMIT = 1_000_000

Refuse = Callable[..., NoReturn]
ParseFields = Callable[[Any], tuple[Field, ...]]


def parse_graph(
    schema: Mapping[str, Any],
    fields: Mapping[str, Field],
    key: tuple[str, ...],
    foreign_keys: Sequence[ForeignKey],
    parse_fields: ParseFields,
    refuse: Refuse,
) -> Graph | None:
    """The edges a table has; None when it declares neither `hierarchy` nor `graph`."""
    hierarchy = _section(schema, "hierarchy", refuse)
    graph = _section(schema, "graph", refuse)
    if hierarchy is None and graph is None:
        return None
    if len(key) != 1:
        refuse(
            f"a hierarchy or graph needs a primaryKey of one field, to which edges can point; this has {len(key)}."
        )
    short = schema.get("edge_types") if graph is None else graph.get("edge_types", schema.get("edge_types"))
    types = _types((graph or {}).get("types"), short, parse_fields, refuse)
    if not types and hierarchy is not None:
        types = (PARENT,)
    column = (hierarchy or {}).get("self_reference")
    if column is not None:
        _check_column(column, types, fields, key[0], foreign_keys, refuse)
    return Graph(types, column)


def _section(schema: Mapping[str, Any], name: str, refuse: Refuse) -> Mapping[str, Any] | None:
    """`true`, or an object that is not `"enabled": false`; null and false are the absence of it."""
    raw = schema.get(name)
    if raw is None or isinstance(raw, bool):
        return {} if raw else None
    if not isinstance(raw, dict):
        refuse(f"'{name}' is true, false or an object; got {str(raw)[:40]!r}.")
    section = cast("dict[str, Any]", raw)
    enabled = section.get("enabled", True)
    if not isinstance(enabled, bool):
        refuse(f"'enabled' of '{name}' is true or false; got {str(enabled)[:40]!r}.")
    return section if enabled else None


def _types(raw: Any, short: Any, parse_fields: ParseFields, refuse: Refuse) -> tuple[EdgeType, ...]:
    if raw is not None and short is not None:
        refuse("a graph has 'types' or 'edge_types', not both.")
    entries = raw if raw is not None else short
    if entries is None:
        return ()
    if not isinstance(entries, list) or not entries or len(cast("list[Any]", entries)) > MAX_TYPES:
        refuse(f"the types of a graph are a list of 1 to {MAX_TYPES} names or objects.")
    found = tuple(_type(entry, parse_fields, refuse) for entry in cast("list[Any]", entries))
    taken = {_RECORD}
    for one in found:
        for name in dict.fromkeys((one.name, one.inverse)):
            if name in taken:
                reason = "is used twice" if name != _RECORD else "is kept for the record itself"
                refuse(f"the name '{name}' of an edge type or inverse {reason}.")
            taken.add(name)
    return found


def _type(raw: Any, parse_fields: ParseFields, refuse: Refuse) -> EdgeType:
    entry = {"name": raw} if isinstance(raw, str) else raw
    if not isinstance(entry, dict):
        refuse("an edge type is a name, or an object with 'name'.")
    given = cast("dict[str, Any]", entry)
    name = _name(given.get("name"), "an edge type", refuse)
    inverse = given.get("inverse")
    metadata: Any = given.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        refuse(f"'metadata' of the edge type '{name}' is an object with 'fields'.")
    keys = cast("dict[str, Any]", metadata or {}).get("fields")
    limits = _limits(given.get("constraints"), name, refuse)
    description = given.get("description")
    return EdgeType(
        name=name,
        inverse=f"{name}_inverse" if inverse is None else _name(inverse, f"the inverse of '{name}'", refuse),
        description=description if isinstance(description, str) else "",
        max_outgoing=limits[0],
        max_incoming=limits[1],
        metadata=None if keys is None else parse_fields(keys),
    )


def _name(raw: Any, what: str, refuse: Refuse) -> str:
    if not isinstance(raw, str) or not is_type_name(raw):
        refuse(f"{what} has the name {str(raw)[:60]!r}; {TYPE_RULE}")
    return raw


TYPE_RULE = (
    "a name begins with a letter or underscore, has letters, digits, spaces, '_', '-', '.' and ':', "
    f"and at most {TYPE_LENGTH} characters."
)


def is_type_name(name: str) -> bool:
    """True for what an edge type may be called."""
    return len(name) <= TYPE_LENGTH and _TYPE_NAME.fullmatch(name) is not None


def _limits(raw: Any, name: str, refuse: Refuse) -> tuple[int | None, int | None]:
    if raw is None:
        return None, None
    if not isinstance(raw, dict):
        refuse(f"'constraints' of the edge type '{name}' is an object.")
    given = cast("dict[str, Any]", raw)
    for key, value in given.items():
        if key not in _LIMITS:
            refuse(
                f"'{str(key)[:40]}' is no constraint of the edge type '{name}'; they are: {', '.join(_LIMITS)}."
            )
        if value is not None and (
            not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_LIMIT
        ):
            refuse(f"'{key}' of the edge type '{name}' is null or a whole number of 1 to {_MAX_LIMIT:,}.")
    return given.get("max_outgoing"), given.get("max_incoming")


def _check_column(
    column: Any,
    types: tuple[EdgeType, ...],
    fields: Mapping[str, Field],
    key: str,
    foreign_keys: Sequence[ForeignKey],
    refuse: Refuse,
) -> None:
    """A column that says each record's parent is an edge of one type, and has no room for more."""
    if not isinstance(column, str) or column not in fields:
        hint = errors.nearest(str(column), list(fields))
        refuse(f"'self_reference' names {str(column)[:60]!r}, which is no field of the table.", hint=hint)
    if not any(one.fields == (column,) and one.reference_fields == (key,) for one in foreign_keys):
        refuse(
            f"'self_reference' names '{column}', which needs a foreign key to '{key}' of this table: "
            f'{{"fields": "{column}", "reference": {{"resource": "", "fields": "{key}"}}}}.'
        )
    if len(types) != 1:
        refuse(
            f"a hierarchy over the field '{column}' has one edge type; without 'self_reference' it may have more."
        )
    only = types[0]
    if only.metadata is not None or only.max_incoming is not None or only.max_outgoing not in (None, 1):
        refuse(f"edges that a field says, such as '{column}', have no metadata and no limits.")


def metadata_schema(one: EdgeType) -> TableSchema | None:
    """The keys of the metadata of such edges as a schema of their own."""
    return None if one.metadata is None else TableSchema(fields=one.metadata, primary_key=())
