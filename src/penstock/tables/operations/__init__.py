"""What tables offer over HTTP, declared for the OpenAPI document; `routes` and `records.routes` do it."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi import Operation
from penstock.tables.operations import apps, definitions, records, sources
from penstock.tables.operations.records import GENERIC, record_operations

TAGS: Final = {
    "Apps": "Named groups of data sources.",
    "Data sources": "Groups of data tables under one storage provider.",
    "Data tables": "Definitions of tables: their schemas, their statistics, their history.",
    "Records": "The rows of any table. The document of an app describes each of its tables exactly: "
    "`/api/apps/{app}/openapi.json`.",
}
SCHEMAS: Final[dict[str, Any]] = {**apps.SCHEMAS, **definitions.SCHEMAS, **records.SCHEMAS}
OPERATIONS: Final[tuple[Operation, ...]] = (
    *apps.OPERATIONS,
    *sources.OPERATIONS,
    *definitions.OPERATIONS,
    *record_operations(GENERIC),
)
