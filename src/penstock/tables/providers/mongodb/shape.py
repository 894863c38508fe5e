"""A table as MongoDB sees it: where each field is in a document, and documents to records and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from penstock.tables.fields.range import Range
from penstock.tables.models import Field
from penstock.tables.providers.mongodb.definition import KEY, LAYOUT, Layout, kind_of, path_in, read_layout
from penstock.tables.providers.mongodb.ranges import Ends, range_json, range_stored
from penstock.tables.providers.mongodb.values import RENDER, Unstorable, quoted, stored
from penstock.tables.records.codec import Fault, Incoming

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# No field has such a name.
VERSION = "#version"


@lru_cache(maxsize=8192)
def path_of(table: Table, name: str) -> str:
    """Where a field is in a document."""
    return path_in(table.schema, layout_of(table), name)


def layout_of(table: Table) -> Layout:
    return read_layout(table.definition.layout)


def marked(table: Table, change: dict[str, Any]) -> dict[str, Any]:
    """An update that is refused when it is made under another layout than the table has by then."""
    token = layout_of(table).token
    if token:
        change.setdefault("$set", {})[LAYOUT] = token
    else:
        change.setdefault("$unset", {})[LAYOUT] = ""
    return change


def not_deleted(table: Table) -> dict[str, Any]:
    """The condition on a document that it is not deleted."""
    return {path_of(table, "is_deleted"): {"$ne": True}}


@lru_cache(maxsize=1024)
def names_by_path(table: Table) -> Mapping[str, str]:
    return {path_of(table, name): name for name in table.schema.names}


def documents(table: Table, incoming: Incoming) -> list[dict[str, Any]]:
    """The rows to insert; what is null is left out. Raises `Invalid` for what MongoDB cannot hold."""
    fields = [
        (table.codec.attributes[one.name], path_of(table, one.name), one) for one in table.schema.fields
    ]
    found: list[dict[str, Any]] = []
    faults: list[Fault] = []
    for index, row in enumerate(incoming.rows):
        made: dict[str, Any] = {}
        for attribute, path, field in fields:
            value = getattr(row, attribute)
            if value is not None:
                try:
                    made[path] = stored_value(value)
                except Unstorable as error:
                    faults.append(Fault(index, field.name, str(error)))
        found.append(made)
    if faults:
        table.codec.refuse(faults, len(incoming.rows), is_list=incoming.is_list)
    return found


def changes(table: Table, incoming: Incoming) -> list[dict[str, Any]]:
    """By path, the values that each row carries; None for null. Raises `Invalid` for what MongoDB cannot hold."""
    found: list[dict[str, Any]] = []
    faults: list[Fault] = []
    for index, (row, present) in enumerate(zip(incoming.rows, incoming.present, strict=True)):
        made: dict[str, Any] = {}
        for position in present:
            field = table.schema.fields[position]
            value = table.codec.value(row, field.name)
            try:
                made[path_of(table, field.name)] = None if value is None else stored_value(value)
            except Unstorable as error:
                faults.append(Fault(index, field.name, str(error)))
        found.append(made)
    if faults:
        table.codec.refuse(faults, len(incoming.rows), is_list=incoming.is_list)
    return found


def stored_value(value: Any) -> Any:
    return range_stored(cast("Ends", value)) if isinstance(value, Range) else stored(value)


def rendering(field: Field) -> Callable[[Any], str]:
    """The JSON of a stored value."""
    if field.type != "range":
        return RENDER[kind_of(field)]
    end = RENDER[field.of or "integer"]
    return lambda value: range_json(value, end)


@lru_cache(maxsize=4096)
def _renderers(table: Table, names: tuple[str, ...]) -> Sequence[tuple[str, str, Any]]:
    fields = [table.schema.by_name[name] for name in names]
    return [(f"{quoted(one.name)}:", path_of(table, one.name), rendering(one)) for one in fields]


def row_json(table: Table, names: tuple[str, ...], document: Mapping[str, Any]) -> str:
    """A document as the JSON of a record."""
    parts = [
        label + ("null" if (value := document.get(path)) is None else render(value))
        for label, path, render in _renderers(table, names)
    ]
    return "{" + ",".join(parts) + "}"


def values_json(table: Table, names: Sequence[str], document: Mapping[str, Any]) -> str:
    """The JSON array of some fields."""
    parts = (
        "null" if (value := document.get(path)) is None else render(value)
        for _, path, render in _renderers(table, tuple(names))
    )
    return f"[{','.join(parts)}]"


def value_json(table: Table, name: str, value: Any) -> str:
    return renderer(table, name)(value)


def renderer(table: Table, name: str) -> Callable[[Any], str]:
    """The JSON of a stored value of a field."""
    return rendering(table.schema.by_name[name])


@lru_cache(maxsize=4096)
def projection(table: Table, names: tuple[str, ...], also: tuple[str, ...] = ()) -> dict[str, int]:
    """What is to be read of each document."""
    wanted = {path_of(table, name): 1 for name in (*names, *also)}
    return {KEY: 0, **wanted} if KEY not in wanted else wanted


def new_version() -> ObjectId:
    """A version that no other write of any record has."""
    return ObjectId()


def comparable(value: Any) -> Any:
    """Equal, and hashed alike, for what MongoDB calls equal: 1.0 and 1.00, a day read and one to be written."""
    if isinstance(value, Decimal128):
        return value.to_decimal()
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
