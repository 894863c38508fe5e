"""Foreign keys between collections: checked and acted upon in the transaction of the write.

Whoever refers to a record changes a mark in it, so that it cannot be deleted before the transaction has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bson.objectid import ObjectId

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.errors import RowError
from penstock.tables import store
from penstock.tables.models import UNSET, ForeignKey, OnDelete, ProviderType
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.match import Match, any_of
from penstock.tables.providers.mongodb.shape import (
    VERSION,
    comparable,
    marked,
    new_version,
    path_of,
    value_json,
)
from penstock.tables.providers.mongodb.values import stored
from penstock.tables.records.codec import MAX_REPORTED

if TYPE_CHECKING:
    from penstock.tables.catalog import Table
    from penstock.tables.providers.mongodb.writing import Document, Writes

# Of a record that is counted on.
LOCK = "#lock"
_AT_ONCE = 1000
_MAX_DEPTH = 50
_STILL_USED = "Other records still refer to this one."


class Links:
    """Which tables a table's foreign keys lead to, and which ones lead to it."""

    def __init__(self, ctx: Context, grant: Grant) -> None:
        self._ctx = ctx
        self._grant = grant

    async def parent(self, table: Table, key: ForeignKey) -> Table:
        return table if key.resource in ("", table.name) else await self._table(table, key.resource)

    async def children(self, table: Table) -> list[tuple[Table, ForeignKey]]:
        """Those that have records; the table itself, when it refers to itself."""
        async with self._ctx.db.control.transaction() as conn:
            names = await store.children_of(conn, self._grant, [table.name])
        tables = [table, *[await self._table(table, name) for name in names]]
        return [
            (child, key)
            for child in tables
            if child.definition.is_materialized and child.provider is ProviderType.MONGODB
            for key in child.schema.foreign_keys
            if (key.resource or child.name) == table.name
        ]

    async def around(self, table: Table) -> list[Table]:
        """The table and those that writes of it touch, with all of their fields."""
        parents = [await self.parent(table, key) for key in table.schema.foreign_keys]
        found = [table, *parents, *(child for child, _ in await self.children(table))]
        return list({one.definition.id: one.whole for one in found}.values())

    async def _table(self, table: Table, name: str) -> Table:
        from penstock.tables.catalog import Catalog  # noqa: PLC0415  (it imports this package)

        return await Catalog.of(self._ctx).table(self._grant.org_id, table.app_slug, name)


async def require_parents(writes: Writes, table: Table, rows: Sequence[Document], *, is_list: bool) -> None:
    """Every record that these refer to is there, and stays until the transaction has ended.

    Raises `Invalid` for the key that the first bad row breaks, as PostgreSQL would find it.
    """
    broken = await orphans(writes, table, rows)
    if broken:
        places, key = min(broken, key=lambda one: one[0][0])
        raise _refusal(table, key, rows, places, is_list=is_list)


async def orphans(
    writes: Writes, table: Table, rows: Sequence[Document]
) -> list[tuple[list[int], ForeignKey]]:
    """The places of the rows that refer to a record that is not there, by foreign key; the others' records stay."""
    broken: list[tuple[list[int], ForeignKey]] = []
    for key in table.schema.foreign_keys:
        paths = [path_of(table, name) for name in key.fields]
        wanted = [(n, tuple(one.get(path) for path in paths)) for n, one in enumerate(rows)]
        filled = [(n, values) for n, values in wanted if all(value is not None for value in values)]
        if not filled:
            continue
        parent = await writes.links.parent(table, key)
        missing = await _missing(writes, parent, key, [values for _, values in filled])
        places = [n for n, values in filled if _same(values) in missing]
        if places:
            broken.append((places, key))
    return broken


async def _missing(
    writes: Writes, parent: Table, key: ForeignKey, wanted: Sequence[tuple[Any, ...]]
) -> set[tuple[Any, ...]]:
    paths = [path_of(parent, name) for name in key.reference_fields]
    left = {_same(values): values for values in wanted}
    records, every_one = writes.collection(parent), list(left.values())
    for start in range(0, len(every_one), _AT_ONCE):
        match = any_of(paths, every_one[start : start + _AT_ONCE])
        with translated():
            async for one in records.find(match, dict.fromkeys(paths, 1), session=writes.session):
                left.pop(_same(tuple(one.get(path) for path in paths)), None)
            lock = marked(parent, {"$set": {LOCK: ObjectId()}})
            await records.update_many(match, lock, session=writes.session)
    return set(left)


def _same(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(comparable(value) for value in values)


def missing(key: ForeignKey) -> str:
    """What is wrong with a row that refers to a record that is not there."""
    target = key.resource or "this table"
    return f"The record of '{target}' that {', '.join(key.fields)} refers to does not exist."


def _refusal(
    table: Table, key: ForeignKey, rows: Sequence[Document], places: Sequence[int], *, is_list: bool
) -> errors.Invalid:
    names, target = ", ".join(key.fields), key.resource or "this table"
    if not is_list:
        said = ", ".join(
            value_json(table, name, rows[places[0]][path_of(table, name)]) for name in key.fields
        )
        shown = said.replace('"', "")[:100]
        message = f"The record of '{target}' that {names} ({shown}) refers to does not exist."
        return errors.Invalid({name: [message] for name in key.fields})
    message = missing(key)
    refusal = "1 row was" if len(places) == 1 else f"{len(places):,} rows were"
    return errors.Invalid(
        {},
        message=f"{refusal} refused and nothing was written; row {places[0]}: {message}",
        rows=[RowError(place, {key.fields[0]: [message]}) for place in places[:MAX_REPORTED]],
    )


async def let_go(writes: Writes, table: Table, keys: Sequence[Any], *, depth: int = 0) -> None:
    """Do with what refers to these records what foreign keys say, and drop their edges. Raises `Conflict`.

    `keys` are the documents' own, of records that are gone already.
    """
    if not keys:
        return
    if table.edges is not None:
        for start in range(0, len(keys), _AT_ONCE):
            some: Match = {"$in": [*keys[start : start + _AT_ONCE]]}
            ends: Match = {"$or": [{"from_id": some}, {"to_id": some}]}
            with translated():
                await writes.collection(table.edges).delete_many(ends, session=writes.session)
    if depth > _MAX_DEPTH:
        raise errors.BadRequest(f"Deleting would go on through more than {_MAX_DEPTH} tables.")
    for child, key in await writes.links.children(table):
        path = path_of(child, key.fields[0])
        for start in range(0, len(keys), _AT_ONCE):
            match: Match = {path: {"$in": [*keys[start : start + _AT_ONCE]]}}
            await _act(writes, child, key, path, match, depth)


async def _act(writes: Writes, child: Table, key: ForeignKey, path: str, match: Match, depth: int) -> None:
    records = writes.collection(child)
    with translated():
        found = [one["_id"] async for one in records.find(match, {"_id": 1}, session=writes.session)]
        if not found:
            return
        if key.on_delete is OnDelete.CASCADE:
            await records.delete_many({"_id": {"$in": found}}, session=writes.session)
        elif key.on_delete in (OnDelete.SET_NULL, OnDelete.SET_DEFAULT):
            await records.update_many(match, _changed(child, key, path), session=writes.session)
        else:
            raise errors.Conflict(_STILL_USED, hint="Delete or change the records that refer to it first.")
    if key.on_delete is OnDelete.CASCADE:
        await let_go(writes, child, found, depth=depth + 1)
    elif key.on_delete is OnDelete.SET_DEFAULT:
        default = child.schema.by_name[key.fields[0]].default
        if default is not UNSET and default is not None:
            await require_parents(writes, child, [{path: stored(default)}], is_list=False)


def _changed(child: Table, key: ForeignKey, path: str) -> dict[str, Any]:
    field = child.schema.by_name[key.fields[0]]
    default = field.default if key.on_delete is OnDelete.SET_DEFAULT else None
    if default is not None and default is not UNSET:
        return marked(child, {"$set": {path: stored(default), VERSION: new_version()}})
    if field.constraints.required:
        raise errors.Conflict(_STILL_USED, hint=f"Their field '{field.name}' may not be empty.")
    return marked(child, {"$unset": {path: ""}, "$set": {VERSION: new_version()}})
