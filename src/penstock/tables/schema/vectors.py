"""What a field of type `vector` declares, and the extension of PostgreSQL that keeps it: pgvector.

The extension may be in any schema of the database; names of it are always qualified. Of the embedded PostgreSQL it is
made when the first table needs it, so that a database without vectors can move to a server without pgvector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn, cast

from penstock.kit import errors, sql
from penstock.kit.db import Connection
from penstock.tables.fields.vector import options
from penstock.tables.models import Field, Index, TableSchema, Vector

# The operator and the operator class of each metric.
METRICS: Mapping[str, tuple[str, str]] = {
    "cosine": ("<=>", "vector_cosine_ops"),
    "l2": ("<->", "vector_l2_ops"),
    "ip": ("<#>", "vector_ip_ops"),
}
MAX_DIMENSIONS = 16_000
# Longer vectors are kept, and searched without an index.
MAX_INDEXED = 2_000
# The version that can go on with a scan when conditions leave too few rows.
_LEAST = (0, 8)
_FOUND = """
SELECT n.nspname AS home, e.extversion AS version,
    has_schema_privilege(current_user, n.oid, 'USAGE')
    AND has_schema_privilege(replace(current_user, '_owner', '_records'), n.oid, 'USAGE') AS open
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'
"""


def parse_vector(entry: Mapping[str, Any], name: str, refuse: Callable[[str], NoReturn]) -> Vector:
    """The `dimensions`, `metric`, `m` and `ef_construction` of a field."""
    metric = entry.get("metric", "cosine")
    if not isinstance(metric, str) or metric not in METRICS:
        refuse(f"Field '{name}' has the metric {str(metric)[:40]!r}; metrics are: {', '.join(METRICS)}.")
    if "dimensions" not in entry:
        refuse(f"Field '{name}' is a vector and must say of how many numbers: \"dimensions\".")

    def whole(key: str, least: int, most: int, default: int) -> int:
        value = entry.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            refuse(
                f"Field '{name}' has {str(value)[:40]!r} for '{key}', which is a whole number from {least} to {most:,}."
            )
        return value

    m = whole("m", 2, 100, 16)
    effort = whole("ef_construction", 4, 1000, max(64, 2 * m))
    if effort < 2 * m:
        refuse(
            f"Field '{name}' has an 'ef_construction' of {effort}; it must be at least twice 'm', {2 * m}."
        )
    return Vector(whole("dimensions", 1, MAX_DIMENSIONS, 0), metric, m, effort)


def is_indexed(field: Field) -> bool:
    return field.vector is not None and field.vector.dimensions <= MAX_INDEXED


def vector_indexes(schema: TableSchema) -> tuple[Index, ...]:
    """The HNSW indexes that vectors are searched by. No declared index can have such a name."""
    return tuple(
        Index(
            f"({one.name}) nearest",
            (one.name,),
            method="hnsw",
            operators=sql.qualified(options(one).home, METRICS[options(one).metric][1]),
            options=f"m = {options(one).m}, ef_construction = {options(one).ef_construction}",
        )
        for one in schema.fields
        if is_indexed(one)
    )


def declared(json_schema: Mapping[str, Any]) -> bool:
    """True for a definition with vectors."""
    fields = cast("list[Mapping[str, Any]]", json_schema.get("fields", ()))
    return any(one.get("type") == "vector" for one in fields)


def at_home(schema: TableSchema, home: str | None) -> TableSchema:
    """The schema for a database that has pgvector there."""
    if home is None or not any(one.vector for one in schema.fields):
        return schema
    fields = tuple(
        replace(one, vector=replace(one.vector, home=home)) if one.vector else one for one in schema.fields
    )
    return replace(schema, fields=fields)


async def find_home(conn: Connection) -> str | None:
    """The schema that has pgvector; None where nothing has it."""
    found = await conn.row(_FOUND)
    return found["home"] if found else None


async def require_home(conn: Connection) -> str:
    """The schema that has pgvector, which is made if it may be. Raises `Invalid` for `json_schema`."""
    if await conn.value("SELECT to_regproc('penstock.make_vectors') IS NOT NULL"):
        await conn.execute("SELECT penstock.make_vectors()")
    found = await conn.row(_FOUND)
    if found is None:
        _refuse(
            "this PostgreSQL has no pgvector. Install it, and have a superuser run in this database: "
            "CREATE EXTENSION vector;"
        )
    home, version = sql.identifier(found["home"]), str(found["version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _LEAST:
        _refuse(
            f"this PostgreSQL has pgvector {version}, and 0.8 or later is needed: ALTER EXTENSION vector UPDATE;"
        )
    if not found["open"]:
        owner = await conn.value("SELECT current_user")
        names = f"{sql.identifier(owner)}, {sql.identifier(owner.replace('_owner', '_records'))}"
        _refuse(
            f"pgvector is in the schema {home}, which is closed to this program: "
            f"GRANT USAGE ON SCHEMA {home} TO {names};"
        )
    return found["home"]


def _refuse(reason: str) -> NoReturn:
    raise errors.Invalid({"json_schema": [f"Fields of type vector cannot be made: {reason}"]})
