"""Wire shapes of management: what bodies hold and what answers show (contract sections 5 to 7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from penstock.tables.models import App, DataSource, Operation, ProviderType, SourceCount, TableEntry
from penstock.tables.naming import SLUG_LENGTH, SLUG_PATTERN, TABLE_NAME_LENGTH, TABLE_NAME_PATTERN

_NAME_LENGTH = 200
_DESCRIPTION_LENGTH = 10_000
# What the OpenAPI document says of texts; they are checked in `_Body` and by `naming`, in sentences of their own.
Name = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": _NAME_LENGTH, "pattern": r"\S"})]
Description = Annotated[str, Meta(extra_json_schema={"maxLength": _DESCRIPTION_LENGTH})]
Slug = Annotated[str, Meta(extra_json_schema={"maxLength": SLUG_LENGTH, "pattern": SLUG_PATTERN})]
TableName = Annotated[
    str, Meta(extra_json_schema={"maxLength": TABLE_NAME_LENGTH, "pattern": TABLE_NAME_PATTERN})
]
Provider = Annotated[str, Meta(extra_json_schema={"enum": [one.value for one in ProviderType]})]
Moment = Annotated[datetime, Meta(tz=True)]
# JSON that is handed through as it was sent; the metadata tells readers of the OpenAPI document what it holds.
SchemaText = Annotated[msgspec.Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/TableSchema"})]
RowTexts = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "array", "items": {"type": "object"}})]


class _Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Texts are checked here, once for all bodies; msgspec turns a ValueError into its own error."""

    def __post_init__(self) -> None:
        for field, most in (("name", _NAME_LENGTH), ("description", _DESCRIPTION_LENGTH)):
            value = getattr(self, field, None)
            if not isinstance(value, str):
                continue
            if field == "name" and not value.strip():
                raise ValueError(f"The field `{field}` must not be blank.")
            if len(value) > most:
                raise ValueError(f"The field `{field}` has at most {most} characters.")
            if "\0" in value:
                raise ValueError(f"The field `{field}` must not contain the NUL character.")


class AppCreate(_Body):
    name: Name
    slug: Slug | None = None
    description: Description = ""


class AppPut(_Body):
    name: Name
    description: Description = ""
    slug: Slug | UnsetType = UNSET


class AppPatch(_Body):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET


class SourceCreate(_Body):
    name: Name
    slug: Slug | None = None
    provider_type: Provider = "flat_table"
    provider_config: dict[str, Any] = {}
    description: Description = ""


class SourcePut(_Body):
    name: Name
    slug: Slug | UnsetType = UNSET
    provider_type: Provider | UnsetType = UNSET
    provider_config: dict[str, Any] = {}
    description: Description = ""


class SourcePatch(_Body):
    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    provider_type: Provider | UnsetType = UNSET
    provider_config: dict[str, Any] | UnsetType = UNSET
    description: Description | UnsetType = UNSET


class TableCreate(_Body):
    name: TableName
    json_schema: SchemaText
    description: Description = ""


class TableChange(_Body):
    """PUT and PATCH alike: what is absent stays."""

    name: TableName | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    json_schema: SchemaText | UnsetType = UNSET
    allow_data_loss: bool = False


class Rollback(_Body):
    """`revision_id` is the id of any operation of the change that is taken back."""

    revision_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Resource(_Body, forbid_unknown_fields=False, kw_only=True):
    """A table in a data package; other keys that packages carry are not ours to refuse."""

    name: TableName
    schema: SchemaText
    title: str = ""
    description: str = ""


class Package(msgspec.Struct, kw_only=True):
    resources: list[Resource]
    allow_data_loss: bool = False


class RowsToCheck(msgspec.Struct, forbid_unknown_fields=True):
    data: RowTexts


class AppSummary(msgspec.Struct, kw_only=True):
    id: int
    name: str
    slug: str
    description: str
    datasource_count: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, app: App, datasource_count: int) -> AppSummary:
        return cls(
            id=app.id,
            name=app.name,
            slug=app.slug,
            description=app.description,
            datasource_count=datasource_count,
            created_at=app.created_at,
            updated_at=app.updated_at,
        )


class AppSource(msgspec.Struct, kw_only=True):
    id: int
    name: str
    slug: str
    provider_type: str
    table_count: int


class AppDetail(msgspec.Struct, kw_only=True):
    id: int
    name: str
    slug: str
    description: str
    datasource_count: int
    table_count: int
    datasources: list[AppSource]
    created_at: Moment
    updated_at: Moment
    created_by: int | None
    modified_by: int | None

    @classmethod
    def of(cls, app: App, sources: Sequence[SourceCount]) -> AppDetail:
        return cls(
            id=app.id,
            name=app.name,
            slug=app.slug,
            description=app.description,
            datasource_count=len(sources),
            table_count=sum(one.table_count for one in sources),
            datasources=[
                AppSource(
                    id=one.id,
                    name=one.name,
                    slug=one.slug,
                    provider_type=one.provider_type,
                    table_count=one.table_count,
                )
                for one in sources
            ],
            created_at=app.created_at,
            updated_at=app.updated_at,
            created_by=app.created_by,
            modified_by=app.modified_by,
        )


class SourceSummary(msgspec.Struct, kw_only=True):
    id: int
    name: str
    slug: str
    app_name: str
    app_slug: str
    provider_type: str
    description: str
    is_active: bool
    table_count: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, app: App, source: DataSource, table_count: int) -> SourceSummary:
        return cls(**_source(app, source), table_count=table_count)


class SourceDetail(SourceSummary, kw_only=True):
    app: int
    provider_config: Any
    materialized_count: int
    created_by: int | None
    modified_by: int | None

    @classmethod
    def whole(cls, app: App, source: DataSource, counts: tuple[int, int]) -> SourceDetail:
        return cls(
            **_source(app, source),
            app=app.id,
            provider_config=source.provider_config,
            table_count=counts[0],
            materialized_count=counts[1],
            created_by=source.created_by,
            modified_by=source.modified_by,
        )


class TableSummary(msgspec.Struct, kw_only=True):
    id: int
    name: str
    datasource_name: str
    datasource_slug: str
    app_name: str
    app_slug: str
    physical_table_name: str
    is_materialized: bool
    is_active: bool
    field_count: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, app: App, entry: TableEntry) -> TableSummary:
        return cls(**_table(app, entry))


class TableDetail(TableSummary, kw_only=True):
    data_source: int
    json_schema: SchemaText
    description: str
    schema_hash: str
    field_names: list[str]
    primary_key: list[str]
    created_by: int | None
    modified_by: int | None

    @classmethod
    def whole(cls, app: App, entry: TableEntry) -> TableDetail:
        table, raw = entry.table, entry.table.json_schema
        key = raw["primaryKey"]
        return cls(
            **_table(app, entry),
            data_source=table.data_source_id,
            json_schema=msgspec.Raw(entry.schema_text.encode()),
            description=table.description,
            schema_hash=table.schema_hash,
            field_names=[field["name"] for field in raw["fields"]],
            primary_key=[key] if isinstance(key, str) else list(key),
            created_by=table.created_by,
            modified_by=table.modified_by,
        )


class SchemaOnly(msgspec.Struct, kw_only=True):
    name: TableName
    schema: SchemaText
    schema_hash: str
    field_count: int

    @classmethod
    def of(cls, entry: TableEntry) -> SchemaOnly:
        return cls(
            name=entry.table.name,
            schema=msgspec.Raw(entry.schema_text.encode()),
            schema_hash=entry.table.schema_hash,
            field_count=entry.field_count,
        )


class OperationOut(msgspec.Struct, kw_only=True):
    id: int
    operation_type: str
    description: str
    sql: str
    rollback_sql: str | None
    status: str
    execution_time_ms: int
    created_at: Moment
    revision: int | None
    reason: str | None

    @classmethod
    def of(cls, operation: Operation) -> OperationOut:
        kept = [name for name in cls.__struct_fields__ if name != "reason"]
        return cls(**{name: getattr(operation, name) for name in kept}, reason=operation.detail.get("reason"))


def _source(app: App, source: DataSource) -> dict[str, Any]:
    return {
        "id": source.id,
        "name": source.name,
        "slug": source.slug,
        "app_name": app.name,
        "app_slug": app.slug,
        "provider_type": source.provider_type.value,
        "description": source.description,
        "is_active": source.is_active,
        "created_at": source.created_at,
        "updated_at": source.updated_at,
    }


def _table(app: App, entry: TableEntry) -> dict[str, Any]:
    table = entry.table
    return {
        "id": table.id,
        "name": table.name,
        "datasource_name": entry.source_name,
        "datasource_slug": entry.source_slug,
        "app_name": app.name,
        "app_slug": app.slug,
        "physical_table_name": table.physical_name,
        "is_materialized": table.is_materialized,
        "is_active": table.is_active,
        "field_count": entry.field_count,
        "created_at": table.created_at,
        "updated_at": table.updated_at,
    }
