"""What differs between the foreign systems that a statement may name tables of."""

from __future__ import annotations

from typing import Final

from penstock.tables import NumberedSource

POSTGRESQL: Final = "postgresql"
MYSQL: Final = "mysql"
# Has no tables of its own: results of queries, and tables by their full names.
RESULTS: Final = "results"
# These run statements themselves, in their own dialect.
WHOLE: Final = frozenset({POSTGRESQL, MYSQL})
# How many parts the name of a table has at the most.
PARTS: Final = {POSTGRESQL: 2, MYSQL: 2, "sqlite": 1, "duckdb": 2, "csv": 1, "parquet": 1}
_SYSTEM: Final = frozenset(
    {"information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys"}
)


def is_system(provider: str, parts: tuple[str, ...]) -> bool:
    """True for tables about the system itself, which nobody asks queries about."""
    *schemas, name = parts
    if schemas:
        schema = schemas[-1].lower()
        return schema in _SYSTEM or schema.startswith("pg_temp") or schema.startswith("pg_toast")
    return provider == POSTGRESQL and name.lower().startswith("pg_")


def paused(source: NumberedSource) -> str:
    """The sentence for who asks it meanwhile."""
    reason = f": {source.pause_reason}" if source.pause_reason else "."
    return f"{source.name or 'The data source'} is paused{reason}"
