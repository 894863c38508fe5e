"""What tables offer over HTTP, declared for the OpenAPI document; `routes` and `records.routes` do it."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi import Operation
from penstock.tables.operations import (
    access,
    apps,
    asking,
    bulk,
    changes,
    definitions,
    edges,
    records,
    rules,
    sources,
)
from penstock.tables.operations.edges import GENERIC as ANY_EDGES
from penstock.tables.operations.edges import edge_operations
from penstock.tables.operations.records import GENERIC, record_operations

TAGS: Final = {
    "Apps": "Named groups of data sources.",
    "Data sources": "Groups of data tables under one storage provider.",
    "Data tables": "Definitions of tables: their schemas, their statistics, their history.",
    "Row rules": "Who reads and writes which rows and fields of a table.",
    "Records": "The rows of any table. The document of an app describes each of its tables exactly: "
    "`/api/apps/{app}/openapi.json`.",
    "Edges": "What leads from record to record of a table with a hierarchy or graph. They are the records of a "
    "table of their own besides, whose name is that of the table with `_edges`.",
}
SCHEMAS: Final[dict[str, Any]] = {
    **apps.SCHEMAS,
    **definitions.SCHEMAS,
    **records.SCHEMAS,
    **edges.SCHEMAS,
    **bulk.SCHEMAS,
    **changes.SCHEMAS,
}
OPERATIONS: Final[tuple[Operation, ...]] = (
    *apps.OPERATIONS,
    *sources.OPERATIONS,
    *definitions.OPERATIONS,
    *access.OPERATIONS,
    *rules.OPERATIONS,
    *record_operations(GENERIC),
    *asking.OPERATIONS,
    *edge_operations(ANY_EDGES),
    *bulk.OPERATIONS,
    *changes.OPERATIONS,
)
