"""Data tables: their definitions, alone and over a whole app."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi import (
    GONE,
    PAGING,
    Body,
    Operation,
    Parameter,
    Reply,
    described,
    flag,
    in_either_shape,
    ref,
)
from penstock.tables import schemas
from penstock.tables.fields import BY_NAME
from penstock.tables.operations.apps import COUNT, TOTALS
from penstock.tables.operations.common import (
    APP,
    DRY_RUN,
    IF_MATCH,
    IF_NONE_MATCH,
    SLUG,
    SOURCE,
    TABLE,
    TAG,
    access,
)
from penstock.tables.routes.tables import STATUSES
from penstock.tables.schema.diff import Kind

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_PRODUCTS: Final = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True}},
        {"name": "name", "type": "string", "constraints": {"required": True, "maxLength": 200}},
        {"name": "price", "type": "number", "constraints": {"minimum": 0}},
        {"name": "in_stock", "type": "boolean", "default": True},
    ],
    "primaryKey": ["id"],
}
_STEP: Final = described(
    {
        "table": _TEXT,
        "operation_type": _TEXT,
        "description": _TEXT,
        "sql": _TEXT,
        "rollback_sql": {"type": ["string", "null"]},
        "destructive": {"type": "boolean", "description": "Needs `allow_data_loss`."},
        "rewrites": {
            "type": "boolean",
            "description": "Writes every row anew, under a lock that keeps all out.",
        },
    }
)
_CHANGE: Final = described(
    {
        "table": _TEXT,
        "kind": {"enum": [one.value for one in Kind]},
        "name": {**_TEXT, "description": "Of the field or index; of a foreign key its fields."},
        "destructive": {"type": "boolean", "description": "Needs `allow_data_loss`."},
        "reason": {"type": ["string", "null"], "description": "What is lost."},
    }
)
_PLAN: Final = {
    "dry_run": {"const": True},
    "destructive": {"type": "boolean", "description": "Whether any change needs `allow_data_loss`."},
    "changes": {"type": "array", "items": _CHANGE, "description": "What changes in tables that stand."},
    "rows": {
        "type": "object",
        "description": "About how many rows the changed tables have.",
        "additionalProperties": COUNT,
    },
    "steps": {"type": "array", "items": _STEP},
}
_IMPORTED: Final = {
    "created_count": COUNT,
    "updated_count": COUNT,
    "unchanged_count": COUNT,
    "error_count": COUNT,
    "errors": {"type": "object"},
}
SCHEMAS: Final[dict[str, Any]] = {
    "TableSchema": {
        "type": "object",
        "description": "A Frictionless Table Schema; other keys are kept as they are.",
        "properties": {
            "fields": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "name": _TEXT,
                        "type": {"enum": list(BY_NAME), "default": "string"},
                        "format": _TEXT,
                        "default": {},
                        "constraints": {"type": "object"},
                    },
                    "required": ["name"],
                },
            },
            "primaryKey": {"anyOf": [_TEXT, {**_TEXTS, "minItems": 1}]},
        },
        "required": ["fields", "primaryKey"],
        "examples": [_PRODUCTS],
    },
    "TablePlan": {**described({**_PLAN, "schema_hash": _TEXT}, "schema_hash"), "description": "A dry run."},
    "ImportSummary": described(_IMPORTED),
    "ImportPlan": described({**_PLAN, **_IMPORTED}),
    "TableStatistics": described(
        {
            **TOTALS,
            "datasource_count": COUNT,
            "datasources": {
                "type": "object",
                "description": "By slug of the data source.",
                "additionalProperties": described(
                    {
                        "name": _TEXT,
                        "provider_type": _TEXT,
                        "table_count": COUNT,
                        "materialized_count": COUNT,
                    }
                ),
            },
        }
    ),
    "ValidationReport": described(
        {
            "is_valid": {"type": "boolean"},
            "errors": {**_TEXTS, "description": "Sentences such as `Row 0: Missing required field 'name'`."},
            "error_count": COUNT,
            "validated_rows": COUNT,
        }
    ),
    "History": described(
        {
            "data": {"type": "array", "items": schemas.OperationOut},
            "total": COUNT,
            "page": COUNT,
            "page_size": COUNT,
        }
    ),
}
_DIRECT: Final = "/api/apps/{app}/datatables"
_NESTED: Final = "/api/apps/{app}/datasources/{source}/datatables"
_ONE: Final = f"{_DIRECT}/{{table}}"
_LOSS: Final = flag("allow_data_loss", "Make changes in which data may be lost; also a key of the body.")
_DETAIL: Final = Reply(status=200, description="The table.", schema=schemas.TableDetail, headers=TAG)
_DETAIL_OR_PLAN: Final = Reply(
    status=200,
    description="The table; with `dry_run` what would be done.",
    schema={"anyOf": [schemas.TableDetail, ref("TablePlan")]},
    headers=TAG,
)
_LIST: Final = Reply(status=200, description="Tables.", schema=in_either_shape(schemas.TableSummary))


def _also(tail: str, name: str) -> tuple[tuple[str, str], ...]:
    """The address of a table under its data source, beside the one by its name alone."""
    return ((f"{_NESTED}/{{table}}{tail}", name),)


_LISTS: Final = (
    Operation(
        id="listTables",
        method="get",
        path=_DIRECT,
        summary="List the tables of an app",
        tag="Data tables",
        access=access("table.read"),
        parameters=(
            APP,
            Parameter(
                name="datasource", schema=_TEXT, description="Only tables of the data source with this slug."
            ),
            flag("is_materialized", "Only tables that are, or are not, materialized."),
            *PAGING,
        ),
        replies=(_LIST,),
    ),
    Operation(
        id="listTablesOfSource",
        method="get",
        path=_NESTED,
        summary="List the tables of a data source",
        tag="Data tables",
        access=access("table.read"),
        parameters=(APP, SOURCE, *PAGING),
        replies=(_LIST,),
    ),
    Operation(
        id="readTableStatistics",
        method="get",
        path=f"{_DIRECT}/stats",
        summary="Count the tables of an app by data source",
        tag="Data tables",
        access=access("table.read"),
        parameters=(APP,),
        replies=(Reply(status=200, description="Counts.", schema=ref("TableStatistics")),),
    ),
)
_MAKING: Final = (
    Operation(
        id="createTable",
        method="post",
        path=_NESTED,
        summary="Create a table",
        description="The first request for records makes the physical table, `materialize` does at once.",
        tag="Data tables",
        access=access("table.create"),
        parameters=(APP, SOURCE, flag("materialize", "Make the physical table at once."), DRY_RUN),
        body=Body(
            schema=schemas.TableCreate,
            examples={"products": {"name": "products", "json_schema": _PRODUCTS}},
        ),
        replies=(
            Reply(status=200, description="What would be done (`dry_run`).", schema=ref("TablePlan")),
            Reply(status=201, description="The new table.", schema=schemas.TableDetail, headers=TAG),
        ),
        errors=(409,),
    ),
    Operation(
        id="importPackage",
        method="post",
        path=f"{_DIRECT}/create_schema",
        summary="Import a data package",
        description="Creates or updates every table that a Frictionless Data Package lists, or none of them.",
        tag="Data tables",
        access=access("table.create"),
        parameters=(
            APP,
            flag("materialize", "Make the physical tables at once."),
            Parameter(name="datasource", schema=SLUG, description="Where new tables go."),
            DRY_RUN,
            _LOSS,
        ),
        body=Body(
            schema=schemas.Package,
            examples={
                "one table": {"name": "shop", "resources": [{"name": "products", "schema": _PRODUCTS}]}
            },
        ),
        replies=(
            Reply(
                status=200,
                description="What was done; with `dry_run` what would be done.",
                schema={"anyOf": [ref("ImportPlan"), ref("ImportSummary")]},
            ),
        ),
        errors=(409,),
    ),
)
_SINGLE: Final = (
    Operation(
        id="readTable",
        method="get",
        path=_ONE,
        also=_also("", "readTableOfSource"),
        summary="Read a table's definition",
        tag="Data tables",
        access=access("table.read"),
        parameters=(APP, SOURCE, TABLE, IF_NONE_MATCH),
        replies=(_DETAIL, Reply(status=304, description="Not changed.")),
    ),
    *(
        Operation(
            id=name,
            method=method,
            path=_ONE,
            also=_also("", f"{name}OfSource"),
            summary=summary,
            description="What is absent stays. A materialized table is migrated to a new schema, in one transaction.",
            tag="Data tables",
            access=access("table.alter"),
            parameters=(APP, SOURCE, TABLE, IF_MATCH, DRY_RUN, _LOSS),
            body=Body(
                schema=schemas.TableChange, examples={"a description": {"description": "What we sell"}}
            ),
            replies=(_DETAIL_OR_PLAN,),
            errors=(409, 412),
        )
        for name, method, summary in (
            ("replaceTable", "put", "Change a table's definition (as PATCH)"),
            ("updateTable", "patch", "Change a table's definition"),
        )
    ),
    Operation(
        id="deleteTable",
        method="delete",
        path=_ONE,
        also=_also("", "deleteTableOfSource"),
        summary="Delete a table",
        description="Hides the table; its records stay where they are.",
        tag="Data tables",
        access=access("table.delete"),
        parameters=(APP, SOURCE, TABLE, IF_MATCH, flag("force", "Even while foreign keys refer to it.")),
        replies=(GONE,),
        errors=(409, 412),
    ),
    Operation(
        id="readTableSchema",
        method="get",
        path=f"{_ONE}/schema",
        also=_also("/schema", "readTableSchemaOfSource"),
        summary="Read a table's schema",
        tag="Data tables",
        access=access("table.read"),
        parameters=(APP, SOURCE, TABLE, IF_NONE_MATCH),
        replies=(
            Reply(status=200, description="The schema.", schema=schemas.SchemaOnly, headers=TAG),
            Reply(status=304, description="Not changed."),
        ),
    ),
    Operation(
        id="materializeTable",
        method="post",
        path=f"{_ONE}/materialize",
        also=_also("/materialize", "materializeTableOfSource"),
        summary="Make the physical table",
        description="And first those that its foreign keys refer to.",
        tag="Data tables",
        access=access("table.alter"),
        parameters=(APP, SOURCE, TABLE, DRY_RUN),
        replies=(_DETAIL_OR_PLAN,),
        errors=(409,),
    ),
    Operation(
        id="rollBackTable",
        method="post",
        path=f"{_ONE}/rollback",
        also=_also("/rollback", "rollBackTableOfSource"),
        summary="Take back the newest change of a table's schema",
        description="All steps of the change that the operation belongs to; values of dropped columns do not return.",
        tag="Data tables",
        access=access("table.alter"),
        parameters=(APP, SOURCE, TABLE, DRY_RUN),
        body=Body(schema=schemas.Rollback, examples={"an operation of the history": {"revision_id": 1}}),
        replies=(_DETAIL_OR_PLAN,),
        errors=(409,),
    ),
    Operation(
        id="validateRows",
        method="post",
        path=f"{_ONE}/validate_data",
        also=_also("/validate_data", "validateRowsOfSource"),
        summary="Check rows against a table's schema",
        description="Writes nothing.",
        tag="Data tables",
        access=access("table.read"),
        parameters=(APP, SOURCE, TABLE),
        body=Body(
            schema=schemas.RowsToCheck, examples={"rows": {"data": [{"name": "Chair", "price": 49.5}]}}
        ),
        replies=(Reply(status=200, description="The report.", schema=ref("ValidationReport")),),
    ),
    Operation(
        id="listTableOperations",
        method="get",
        path=f"{_ONE}/operation-history",
        also=_also("/operation-history", "listTableOperationsOfSource"),
        summary="List what was done to the physical table, newest first",
        tag="Data tables",
        access=access("table.read"),
        parameters=(
            APP,
            SOURCE,
            TABLE,
            Parameter(name="status", schema={"enum": list(STATUSES)}, description="Only with this status."),
            *PAGING,
        ),
        replies=(Reply(status=200, description="Operations.", schema=ref("History")),),
    ),
)
OPERATIONS: Final[tuple[Operation, ...]] = (*_LISTS, *_MAKING, *_SINGLE)
