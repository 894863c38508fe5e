"""All records of a table, piece by piece, for who reads them as a table of SQL."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from penstock.kit.filters import BoundTree
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.joining import Stage, selection
from penstock.tables.providers.mongodb.match import Match
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import path_of, projection, values_json
from penstock.tables.providers.mongodb.values import Unstorable, stored

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_PIECE = 2_000  # records
_OPERATORS = {"=": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_TYPES: dict[str, type[Any]] = {"integer": Decimal, "number": Decimal, "string": str}


def stages_of(
    table: Table, rows: BoundTree, *, hide_deleted: bool, also: Sequence[Match] = ()
) -> list[Stage]:
    """What leaves the documents that a reader sees."""
    return selection(table, rows, hide_deleted=hide_deleted, also=also)


def match_of(table: Table, name: str, operator: str, value: Any) -> Match | None:
    """The condition on documents; None where it cannot be said to be the same."""
    if _TYPES.get(table.schema.by_name[name].type) is not type(value):
        return None
    try:
        return {path_of(table, name): {_OPERATORS[operator]: stored(value)}}
    except Unstorable:
        return None


async def pieces(
    place: Place, table: Table, stages: Sequence[Stage], names: tuple[str, ...], seconds: float
) -> AsyncGenerator[list[str]]:
    """The values of these fields, as the JSON array of each record, some records at a time."""
    with translated():
        cursor = await place.collection(table.place.name).aggregate(
            [*stages, {"$project": projection(table, names)}],
            allowDiskUse=True,
            maxTimeMS=max(1, int(seconds * 1000)),
            batchSize=_PIECE,
        )
        async with cursor:
            found: list[str] = []
            async for one in cursor:
                found.append(values_json(table, names, one))
                if len(found) == _PIECE:
                    yield found
                    found = []
            yield found
