"""The records of a graph as statements name them: their key, and which of them a caller may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.kit import sql
from penstock.kit.filters import EVERYTHING
from penstock.tables.records.compile import where
from penstock.tables.records.reach import Reach

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


def visible(reach: Reach, values: list[Any]) -> str | None:
    """The condition on a row `t` that the caller may see it and that it is not deleted; None when all are."""
    hides = reach.table.schema.soft_deletes
    if reach.rows == EVERYTHING and not hides:
        return None
    return where(reach.rows, values, hide_deleted=hides)


def is_visible(reach: Reach, key: str, values: list[Any]) -> str:
    """The condition that the record with this key is visible; TRUE where nothing is hidden."""
    condition = visible(reach, values)
    if condition is None:
        return "TRUE"
    return (
        f"EXISTS (SELECT FROM {reach.table.rows} AS t WHERE t.{key_of(reach.table)} = {key} AND {condition})"
    )


def key_of(table: Table) -> str:
    """The quoted key of a table with a graph."""
    return sql.identifier(table.schema.primary_key[0])
