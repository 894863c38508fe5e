"""Configuration of `jsonb` sources: how documents are compressed and indexed."""

from __future__ import annotations

from typing import Any

from penstock.kit.db import Connection
from penstock.tables.providers.config import refuse

_CHOICES = {"compression": ("lz4", "pglz", "none"), "indexing": ("gin", "none")}


async def check_config(conn: Connection, config: dict[str, Any]) -> dict[str, Any]:
    for key, choices in _CHOICES.items():
        if key in config and config[key] not in choices:
            refuse(f"'{key}' is {str(config[key])[:40]!r}; it may be {', '.join(choices)}.")
    if config.get("compression") == "lz4" and not await _has_lz4(conn):
        # Said openly rather than refused: the same definition then fits every server.
        return {**config, "effective": {"compression": "pglz"}}
    return config


async def _has_lz4(conn: Connection) -> bool:
    """Whether the server was built with lz4."""
    sql = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    return bool(await conn.value(sql))
