"""What MongoDB is told of a table: the schema that its collection checks, and the indexes. No connection is needed.

Where a field is in documents is said by the layout of its table, which is kept, and changes, with the definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
# What a document was last written under: the token of a layout.
LAYOUT = "#layout"


class Layout(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the fields of a table are in its documents.

    `paths` has the fields that are elsewhere than under their own names, `gone` the paths that fields had before.
    Every document is written with the token, so that one who knows another layout is refused.
    """

    token: str = ""
    paths: Mapping[str, str] = {}
    gone: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def read_layout(text: str) -> Layout:
    return msgspec.json.decode(text, type=Layout)


def layout_text(layout: Layout) -> str:
    return msgspec.json.encode(layout).decode()


@dataclass(frozen=True, slots=True)
class IndexWish:
    """An index; a unique one leaves out documents without one of its fields, as SQL does with nulls.

    Its name says what it is like, so that two of one name are alike. `sparse` are the paths that may be absent.
    """

    paths: tuple[str, ...]
    unique: bool = False
    sparse: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        said = " ".join(f"{one}?" if one in self.sparse else one for one in self.paths)
        return f"#unique {said}" if self.unique else f"# {said}"

    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {"key": dict.fromkeys(self.paths, 1), "name": self.name}
        if self.unique:
            found["unique"] = True
            if self.sparse:
                found["partialFilterExpression"] = {path: {"$exists": True} for path in self.sparse}
        return found


def path_in(schema: TableSchema, layout: Layout, name: str) -> str:
    """Where a field is in a document. A key of one field is what MongoDB itself keeps unique."""
    return layout.paths.get(name) or own_path(schema, name)


def own_path(schema: TableSchema, name: str) -> str:
    """Where a field is unless the layout says otherwise."""
    if (name,) == schema.primary_key:
        return KEY
    return f"#{KEY}" if name == KEY else name


def kind_of(field: Field) -> str:
    return "uuid" if field.type == "string" and field.format == "uuid" else field.type


def validator(schema: TableSchema, layout: Layout) -> dict[str, Any]:
    """The types, and what must be there: whoever writes past this server cannot break what it relies on."""
    required = [
        path_in(schema, layout, one.name)
        for one in schema.fields
        if one.constraints.required or one.name in schema.primary_key
    ]
    types = {path_in(schema, layout, one.name): _BSON.get(kind_of(one)) for one in schema.fields}
    properties: dict[str, Any] = {
        path: {"bsonType": kind} for path, kind in types.items() if kind is not None
    }
    if layout.token:
        required.append(LAYOUT)
        properties[LAYOUT] = {"enum": [layout.token]}
    return {"$jsonSchema": {"bsonType": "object", "required": required, "properties": properties}}


def fence(layout: Layout) -> dict[str, Any]:
    """A validator that refuses whoever does not write under this layout, and nothing else."""
    named = {LAYOUT: {"enum": [layout.token]}}
    return {"$jsonSchema": {"bsonType": "object", "required": [LAYOUT], "properties": named}}


def wish_for(
    schema: TableSchema, layout: Layout, fields: Sequence[str], *, unique: bool = False
) -> IndexWish:
    paths = tuple(path_in(schema, layout, name) for name in fields)
    sparse = tuple(
        path_in(schema, layout, name)
        for name in fields
        if not (schema.by_name[name].constraints.required or name in schema.primary_key)
    )
    return IndexWish(paths, unique, sparse if unique else ())


def indexes(schema: TableSchema, layout: Layout) -> list[IndexWish]:
    """No two are alike."""

    def wish(fields: Sequence[str], *, unique: bool = False) -> IndexWish:
        return wish_for(schema, layout, fields, unique=unique)

    found: list[IndexWish] = []
    if len(schema.primary_key) > 1:
        found.append(wish(schema.primary_key, unique=True))
    found += [
        wish((one.name,), unique=True)
        for one in schema.fields
        if one.constraints.unique and (one.name,) != schema.primary_key
    ]
    found += [wish(one.fields, unique=one.unique) for one in schema.indexes if one.fields]
    first = {one.paths[0] for one in found}
    keys = [wish(key.fields[:1]) for key in schema.foreign_keys]
    found += [one for one in keys if one.paths[0] not in first]
    whole = {one.paths for one in found if one.unique and not one.sparse}
    return list(dict.fromkeys(one for one in found if one.unique or one.paths not in whole))


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
    create = text_of([name, {"validator": validator(schema, Layout())}])
    lines = [f"db.createCollection({create[1:-1]});"]
    wishes = indexes(schema, Layout())
    if wishes:
        lines.append(create_indexes(name, wishes))
    return "\n".join(lines)


def create_indexes(name: str, wishes: Sequence[IndexWish]) -> str:
    """The command, as one would type it."""
    listed = ",".join(text_of(one.arguments()) for one in wishes)
    return f'db.runCommand({text_of({"createIndexes": name})[:-1]},"indexes":[{listed}]}});'


def text_of(value: Any) -> str:
    return msgspec.json.encode(value).decode()
