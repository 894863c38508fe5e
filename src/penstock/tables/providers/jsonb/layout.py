"""Where the values of a field are in a table of documents, and the SQL that reads them there.

A record is a row with one document. What constraints between tables need (keys, foreign keys) is in columns beside
it, and so are the few fields that the service itself keeps. The layout is written down as the comment of the view
that shows the records as typed columns, so that both change, and are taken back, together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from penstock.kit import sql
from penstock.tables.fields import BY_NAME
from penstock.tables.models import Field, TableSchema
from penstock.tables.schema.ddl import Place, Violation, check_name

# No field can have a name that begins like this.
DOCUMENT = "$document"
_AS_TEXT = {"date": "as_date", "time": "as_time", "timestamptz": "as_datetime"}


class Layout(msgspec.Struct, frozen=True):
    """`columns` are the fields with columns of their own; `members` says under which key a document has the others.

    A document without a member stands for the JSON text in `missing`: fields that are added with a default have it
    in every record at once. `gin` tells that there is an index over all members.
    """

    columns: tuple[str, ...]
    members: dict[str, str]
    missing: dict[str, str] = {}
    gin: bool = False

    @property
    def document(self) -> str:
        """What the view calls the document: a statement made for another layout does not find it."""
        shape = msgspec.json.encode((sorted(self.columns), self.members, self.missing))
        return f"{DOCUMENT} {hashlib.sha256(shape).hexdigest()[:12]}"

    def write(self) -> str:
        return msgspec.json.encode(self).decode()


def read_layout(text: str) -> Layout:
    return msgspec.json.decode(text, type=Layout)


def layout_of(schema: TableSchema, *, gin: bool) -> Layout:
    """The layout of a new table."""
    columns = tuple(one.name for one in schema.fields if needs_column(one, schema))
    members = {name: name for name in schema.names if name not in columns}
    return Layout(columns, members, gin=gin)


def needs_column(field: Field, schema: TableSchema) -> bool:
    """True for keys, references, what the service keeps itself, and vectors, which JSON makes large."""
    name = field.name
    return (
        name in schema.primary_key
        or any(name in key.fields for key in schema.foreign_keys)
        or schema.manages(name)
        or (name == "is_deleted" and schema.soft_deletes)
        or field.vector is not None
    )


def view_of(place: Place) -> Place:
    """The view that shows the records of the table there as typed columns."""
    return Place(place.schema, sql.derived_name(place.name, "view"))


def raw_name(field: str) -> str:
    """What the view calls the text of a field without its collation, as indexes know it."""
    return sql.derived_name(field, "#text")


def typed(layout: Layout, field: Field, row: str = "") -> str:
    """The value of the field in a row, as SQL; `row` is the alias of the row with a dot, if it has one."""
    if field.name in layout.columns:
        return f"{row}{sql.identifier(field.name)}"
    kind = BY_NAME[field.type].column(field)
    if field.type == "range":
        return f"penstock.as_{kind}({_json(layout, field, row)})"
    if kind == "jsonb":
        return _json(layout, field, row)
    text = raw(layout, field, row)
    if kind in _AS_TEXT:
        return f"penstock.{_AS_TEXT[kind]}({text})"
    if kind.startswith("text"):
        return f'({text} COLLATE "C")'
    return f"{text}::{kind}"


def raw(layout: Layout, field: Field, row: str = "") -> str:
    """The text of the field's member."""
    key, missing = sql.literal(layout.members[field.name]), layout.missing.get(field.name)
    if missing is None:
        return f"({row}{sql.identifier(DOCUMENT)} ->> {key})"
    return f"({_or_missing(key, missing, row)} #>> '{{}}')"


def _json(layout: Layout, field: Field, row: str) -> str:
    key, missing = sql.literal(layout.members[field.name]), layout.missing.get(field.name)
    member = f"{row}{sql.identifier(DOCUMENT)} -> {key}"
    if missing is not None:
        member = _or_missing(key, missing, row)
    return f"nullif({member}, 'null'::jsonb)"


def _or_missing(key: str, missing: str, row: str) -> str:
    return f"coalesce({row}{sql.identifier(DOCUMENT)} -> {key}, {sql.literal(missing)}::jsonb)"


def member_of(field: Field, value: str) -> str:
    """A typed value as SQL whose JSON form is what documents hold: what the API shows of it."""
    return BY_NAME[field.type].render(field, value)


def object_of(members: Iterable[tuple[str, str]]) -> str:
    """A document of these keys and values, as SQL. A function takes at most 100 arguments."""
    pairs = [f"{sql.literal(key)}, {value}" for key, value in members]
    chunks = [pairs[first : first + 50] for first in range(0, len(pairs), 50)]
    return " || ".join(f"jsonb_build_object({', '.join(chunk)})" for chunk in chunks) or "'{}'::jsonb"


def requirements(place: Place, schema: TableSchema, layout: Layout) -> dict[str, Violation]:
    """The constraints that keep members from being absent, by name."""
    return {
        check_name(place, one, "required"): Violation("required", (one.name,))
        for one in schema.fields
        if one.constraints.required and one.name in layout.members
    }


def containing(layout: Layout, schema: TableSchema, field: Field, alias: str) -> str:
    """That the document of a row has `{v}` in this field, for the index over all members.

    Empty where there is a better index, and where a document without the member has a value all the same.
    """
    key = layout.members.get(field.name)
    if key is None or not layout.gin or field.name in layout.missing or field.type in ("range", "vector"):
        return ""
    if is_indexed(schema, field):
        return ""
    document = f"{alias}.{sql.identifier(layout.document)}"
    return f"{document} @> jsonb_build_object({sql.literal(key)}, {member_of(field, '{v}')})"


def is_indexed(schema: TableSchema, field: Field) -> bool:
    """True when an index of its own finds a value of the field."""
    leads = {one.fields[:1] for one in schema.indexes if one.method in ("btree", "hash") and not one.where}
    return field.constraints.unique or (field.name,) in leads
