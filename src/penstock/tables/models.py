"""Apps, data sources and data tables as they are stored, and the parsed form of a table's schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final


class ProviderType(StrEnum):
    """How the records of a data source are stored."""

    FLAT_TABLE = "flat_table"
    JSONB = "jsonb"
    MONGODB = "mongodb"


@dataclass(frozen=True, slots=True)
class App:
    """A named group of data sources in an org."""

    id: int
    org_id: int
    name: str
    slug: str
    description: str
    is_active: bool
    created_at: datetime
    updated_at: datetime
    created_by: int | None
    modified_by: int | None


@dataclass(frozen=True, slots=True)
class DataSource:
    """A group of data tables under one storage provider."""

    id: int
    app_id: int
    name: str
    slug: str
    provider_type: ProviderType
    provider_config: Mapping[str, Any]
    description: str
    is_active: bool
    created_at: datetime
    updated_at: datetime
    created_by: int | None
    modified_by: int | None


@dataclass(frozen=True, slots=True)
class DataTable:
    """A schema-defined table; `physical_schema` and `physical_name` say where its records are, once made."""

    id: int
    app_id: int
    data_source_id: int
    name: str
    description: str
    json_schema: Mapping[str, Any]
    schema_hash: str
    physical_schema: str
    physical_name: str
    is_materialized: bool
    is_active: bool
    created_at: datetime
    updated_at: datetime
    created_by: int | None
    modified_by: int | None
    # Where the fields are in documents of a provider that keeps it here; its own JSON.
    layout: str = "{}"


@dataclass(frozen=True, slots=True)
class SourceCount:
    """A data source and how many active tables it has: what every statistic is made of."""

    id: int
    name: str
    slug: str
    provider_type: ProviderType
    table_count: int
    materialized_count: int


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table as lists show it. `schema_text` is the schema as it was sent; only single tables carry it."""

    table: DataTable
    source_name: str
    source_slug: str
    provider_type: ProviderType
    field_count: int
    schema_text: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A table definition that has been read and checked; `text` is the schema as it was sent."""

    text: str
    raw: Mapping[str, Any]
    schema: TableSchema
    digest: str


class _Unset:
    """The absence of a default, which is not the default null."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


@dataclass(frozen=True, slots=True)
class Constraints:
    """Constraints of one field (Table Schema, https://specs.frictionlessdata.io/table-schema/#constraints)."""

    required: bool = False
    unique: bool = False
    min_length: int | None = None
    max_length: int | None = None
    minimum: Any = None
    maximum: Any = None
    pattern: str | None = None
    enum: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Vector:
    """What a field of type `vector` says of its own. `home` is the schema of the database that has pgvector."""

    dimensions: int
    metric: str
    m: int = 16
    ef_construction: int = 64
    home: str = "public"


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table. `of` is the bound type of a range, or the item type of an array."""

    name: str
    type: str
    format: str = "default"
    constraints: Constraints = Constraints()
    default: Any = UNSET
    of: str | None = None
    title: str = ""
    description: str = ""
    # The field this one was, says the caller; see `schema.identity`.
    renamed_from: str | None = None
    vector: Vector | None = None


class OnDelete(StrEnum):
    """What deleting a parent row does to its children."""

    RESTRICT = "RESTRICT"
    CASCADE = "CASCADE"
    SET_NULL = "SET NULL"
    SET_DEFAULT = "SET DEFAULT"
    NO_ACTION = "NO ACTION"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`fields` point at `reference_fields` of table `resource` of the same app ("" is the table itself)."""

    fields: tuple[str, ...]
    resource: str
    reference_fields: tuple[str, ...]
    on_delete: OnDelete = OnDelete.RESTRICT


@dataclass(frozen=True, slots=True)
class Index:
    """A declared index over `fields` or one `expression`; both SQL texts come out of our own parser.

    `operators` (an operator class) and `options` are of indexes that are made without being declared.
    """

    name: str
    fields: tuple[str, ...] = ()
    expression: str | None = None
    method: str = "btree"
    unique: bool = False
    where: str | None = None
    comment: str = ""
    operators: str = ""
    options: str = ""


@dataclass(frozen=True, slots=True)
class EdgeType:
    """A kind of edge. The limits hold for each record; `metadata` is None when any object will do."""

    name: str
    inverse: str
    description: str = ""
    max_outgoing: int | None = None
    max_incoming: int | None = None
    metadata: tuple[Field, ...] | None = None


@dataclass(frozen=True)
class Graph:
    """The edges between the records of a table: any type when `types` is empty.

    `self_reference` is the field that says each record's parent, in place of edges of their own.
    """

    types: tuple[EdgeType, ...] = ()
    self_reference: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, EdgeType]:
        return {one.name: one for one in self.types}

    def inverse(self, name: str) -> str:
        """What the other direction of a type is called."""
        known = self.by_name.get(name)
        return f"{name}_inverse" if known is None else known.inverse


@dataclass(frozen=True)
class TableSchema:
    """A parsed and checked `json_schema`."""

    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    search_fields: tuple[tuple[str, str], ...] = ()  # (field, weight A to D)
    search_language: str = "english"
    graph: Graph | None = None
    title: str = ""
    description: str = ""
    # Whether every change of a record is kept for who follows the table.
    changes: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {one.name: one for one in self.fields}

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.fields)

    @property
    def has_graph(self) -> bool:
        return self.graph is not None

    @property
    def soft_deletes(self) -> bool:
        """True when record deletes set `is_deleted` instead of removing the row."""
        flag = self.by_name.get("is_deleted")
        return flag is not None and flag.type == "boolean"

    def manages(self, name: str) -> bool:
        """True for `created_at` and `updated_at` declared as datetime: the service fills them."""
        column = self.by_name.get(name)
        return column is not None and column.type == "datetime" and name in ("created_at", "updated_at")

    def generates_key(self) -> Field | None:
        """The single-column key that the server fills when a create leaves it out."""
        if len(self.primary_key) != 1:
            return None
        key = self.by_name[self.primary_key[0]]
        generated = key.type in ("integer", "uuid") or (key.type == "string" and key.format == "uuid")
        return key if generated else None


@dataclass(frozen=True, slots=True)
class NewOperation:
    """What is about to be written into a table's operation history.

    `detail` has what only the server reads: the statements that a rollback runs, where they are not `rollback_sql`.
    """

    table_id: int
    operation_type: str
    description: str
    sql: str
    rollback_sql: str | None
    milliseconds: int
    status: str = "success"
    revision: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of a table's operation history."""

    id: int
    operation_type: str
    description: str
    sql: str
    rollback_sql: str | None
    status: str
    execution_time_ms: int
    created_at: datetime
    revision: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Revision:
    """One change of a materialized table's schema, with the definition that a rollback brings back."""

    id: int
    table_id: int
    schema_text: str
    field_ids: Mapping[str, str]
