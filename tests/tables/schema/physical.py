"""What a table is in the database, in a form that two tables of equal schemas have alike."""

from __future__ import annotations

import re
from typing import Any

from penstock.tables.schema import Place, parse_schema, violations
from tests.tables.workbench import Records, Workbench

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), c.collname, a.attnotnull, a.attidentity::text,
       a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname
"""
# NOT NULL is a constraint with a name since PostgreSQL 18; `attnotnull` says it everywhere.
_CONSTRAINTS = """
SELECT conname, contype::text, convalidated, pg_get_constraintdef(oid)
FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype <> 'n'
"""
_INDEXES = """
SELECT i.indexrelid::regclass::text, i.indisvalid, pg_get_indexdef(i.indexrelid)
FROM pg_index i WHERE i.indrelid = $1::text::regclass
"""


async def place_of(workbench: Workbench, table: Records) -> Place:
    details = await workbench.details(table)
    row = await workbench.fetch(
        "SELECT physical_schema, physical_name FROM penstock.data_tables WHERE id = $1", details["id"]
    )
    return Place(row[0][0], row[0][1])


async def physical(workbench: Workbench, table: Records) -> dict[str, Any]:
    """Columns, constraints and indexes; names that the server made up are left out."""
    place = await place_of(workbench, table)
    columns = [tuple(row) for row in await workbench.fetch(_COLUMNS, place.sql)]
    constraints = [tuple(row) for row in await workbench.fetch(_CONSTRAINTS, place.sql)]
    indexes = [tuple(row) for row in await workbench.fetch(_INDEXES, place.sql)]

    def plain(text: str) -> str:
        text = text.replace(place.name, "T").replace(place.schema, "S")
        return re.sub(r"INDEX \S+ ON", "INDEX ON", text)

    schema = parse_schema((await workbench.details(table))["json_schema"])
    known = {name for name, one in violations(place, schema).items()}
    named = {row[0] for row in constraints} | {
        row[0].rpartition(".")[2].strip('"') for row in indexes if "UNIQUE" in row[2]
    }
    # Whatever the database may refuse a row for leads back to fields.
    assert named == known
    return {
        "columns": [(*row[:-1], plain(row[-1]) if row[-1] else None) for row in columns],
        "constraints": sorted((row[1], row[2], plain(row[3])) for row in constraints),
        "indexes": sorted((row[1], plain(row[2])) for row in indexes),
    }
