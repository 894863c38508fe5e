"""What MongoDB is told of a table: the schema that its collection checks, and the indexes. No connection is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.tables.models import Field, TableSchema
from penstock.tables.providers.base import Feature
from penstock.tables.providers.mongodb.config import CAPABILITIES

_BSON: Mapping[str, str] = {
    "string": "string",
    "uuid": "binData",
    "integer": "long",
    "year": "long",
    "number": "decimal",
    "boolean": "bool",
    "date": "date",
    "time": "long",
    "datetime": "long",
    "duration": "string",
    "yearmonth": "string",
    "object": "object",
    "array": "array",
    "geopoint": "array",
    "geojson": "object",
    "range": "object",
}
KEY = "_id"


@dataclass(frozen=True, slots=True)
class IndexWish:
    """An index; a unique one leaves out documents without one of its fields, as SQL does with nulls."""

    name: str
    fields: tuple[str, ...]
    unique: bool = False

    def arguments(self, schema: TableSchema) -> dict[str, Any]:
        paths = [path_in(schema, name) for name in self.fields]
        nullable = [
            path_in(schema, name)
            for name in self.fields
            if not (schema.by_name[name].constraints.required or name in schema.primary_key)
        ]
        found: dict[str, Any] = {"key": dict.fromkeys(paths, 1), "name": self.name}
        if self.unique:
            found["unique"] = True
            if nullable:
                found["partialFilterExpression"] = {path: {"$exists": True} for path in nullable}
        return found


def path_in(schema: TableSchema, name: str) -> str:
    """Where a field is in a document. A key of one field is what MongoDB itself keeps unique."""
    if (name,) == schema.primary_key:
        return KEY
    return f"#{KEY}" if name == KEY else name


def kind_of(field: Field) -> str:
    return "uuid" if field.type == "string" and field.format == "uuid" else field.type


def validator(schema: TableSchema) -> dict[str, Any]:
    """The types, and what must be there: whoever writes past this server cannot break what it relies on."""
    required = [
        path_in(schema, one.name)
        for one in schema.fields
        if one.constraints.required or one.name in schema.primary_key
    ]
    types = {path_in(schema, one.name): _BSON.get(kind_of(one)) for one in schema.fields}
    properties = {path: {"bsonType": kind} for path, kind in types.items() if kind is not None}
    return {"$jsonSchema": {"bsonType": "object", "required": required, "properties": properties}}


def indexes(schema: TableSchema) -> list[IndexWish]:
    found: list[IndexWish] = []
    if len(schema.primary_key) > 1:
        found.append(IndexWish("#key", schema.primary_key, unique=True))
    found += [
        IndexWish(f"#unique {one.name}", (one.name,), unique=True)
        for one in schema.fields
        if one.constraints.unique and (one.name,) != schema.primary_key
    ]
    found += [IndexWish(one.name, one.fields, one.unique) for one in schema.indexes]
    first = {one.fields[0] for one in found}
    keys = dict.fromkeys(key.fields[0] for key in schema.foreign_keys)
    found += [IndexWish(f"#refers {name}", (name,)) for name in keys if name not in first]
    return found


def refuse_unfit(table_name: str, schema: TableSchema, *, is_audited: bool) -> None:
    """Raises `BadRequest` for what a definition asks for and collections do not have."""
    for feature in _asked_for(schema, is_audited=is_audited):
        CAPABILITIES.require(feature, table_name)


def _asked_for(schema: TableSchema, *, is_audited: bool) -> Iterator[Feature]:
    types = {one.type for one in schema.fields}
    if is_audited:
        yield Feature.AUDIT
    if schema.changes:
        yield Feature.CHANGES
    if any(len(key.fields) > 1 for key in schema.foreign_keys):
        yield Feature.FOREIGN_UNIQUE
    if schema.graph is not None and schema.graph.self_reference is not None:
        yield Feature.SELF_REFERENCE
    if "vector" in types:
        yield Feature.VECTORS
    if any(not index.fields or index.where for index in schema.indexes):
        yield Feature.EXPRESSION_INDEXES


def described(name: str, schema: TableSchema) -> str:
    """What makes the collection, as one would type it."""
    create = _text([name, {"validator": validator(schema)}])
    lines = [f"db.createCollection({create[1:-1]});"]
    wishes = [_text(wish.arguments(schema)) for wish in indexes(schema)]
    if wishes:
        lines.append(
            f'db.runCommand({_text({"createIndexes": name})[:-1]},"indexes":[{",".join(wishes)}]}});'
        )
    return "\n".join(lines)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
