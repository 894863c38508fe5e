"""Integer keys: a counter for each collection, which gives no number twice, as a sequence does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bson.int64 import Int64
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import path_of

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

COUNTERS = "#counters"
# As for sequences: a key beyond does not move the counter, which could not go back.
_FARTHEST = 2**62


async def give_keys(place: Place, table: Table, documents: Sequence[dict[str, Any]]) -> None:
    """Fill the generated key of new documents that bring none; a counter moves past those that do."""
    key = table.schema.generates_key()
    if key is None:
        return
    path = path_of(table, key.name)
    lacking = [one for one in documents if path not in one]
    if key.type != "integer":
        for one in lacking:
            one[path] = uuid4()
        return
    given = [one[path] for one in documents if path in one and 0 < one[path] <= _FARTHEST]
    if given:
        await _move(place, table, {"$max": {"last": Int64(max(given))}})
    if lacking:
        last = await _move(place, table, {"$inc": {"last": Int64(len(lacking))}})
        for number, one in enumerate(lacking, last - len(lacking) + 1):
            one[path] = Int64(number)


async def _move(place: Place, table: Table, change: dict[str, Any]) -> int:
    """Outside any transaction, so that nobody waits for another's; a number that is not used is lost."""
    with translated():
        while True:
            try:
                found: dict[str, Any] | None = await place.collection(COUNTERS).find_one_and_update(
                    {"_id": table.place.name}, change, upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:
                continue  # another request made the counter at this moment
            assert found is not None
            return int(found["last"])
