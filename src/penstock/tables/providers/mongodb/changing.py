"""Changes of collections that stand. MongoDB has no transaction for this: PostgreSQL, where definitions are, has it.

Until the transaction there has committed, nothing that the definition of before relies on is touched. What is written
is written where only the new one looks, and writers of before are kept out by a validator; see decision 15.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import asyncpg
import pymongo
from pymongo import UpdateOne
from pymongo.errors import OperationFailure, PyMongoError

from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables.models import Field, TableSchema
from penstock.tables.providers.mongodb.altering import Act, Alteration, Conversion, Look
from penstock.tables.providers.mongodb.converting import UNFIT, Converter, breaks
from penstock.tables.providers.mongodb.definition import (
    LAYOUT,
    IndexWish,
    Layout,
    fence,
    indexes,
    path_in,
    validator,
)
from penstock.tables.providers.mongodb.failures import translate
from penstock.tables.providers.mongodb.match import Match
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import comparable, stored_value
from penstock.tables.providers.mongodb.values import Unstorable
from penstock.tables.schema import Done, Step, edges_place, place_of
from penstock.tables.schema.alter import MOST_COUNTED
from penstock.tables.schema.apply import Limits, StepFailed, obstructed, reason_of, refusal

_AT_ONCE = 1000
_DUPLICATE = 11000
_ABSENT = 26  # NamespaceNotFound
_REPEATED = "rows have the same value"
_MOST_SEEN = 100_000
_Document = dict[str, Any]


class Changing:
    """One alteration on its way. `examine` only looks; `apply` does it, and `restore` undoes that.

    What writes or reads all documents may take `longest` seconds, a command as long as a statement of PostgreSQL.
    """

    def __init__(
        self, place: Place, conn: Connection, alteration: Alteration, limits: Limits, longest: float
    ) -> None:
        self.place, self.conn, self.alteration, self.limits = place, conn, alteration, limits
        self.longest = longest
        self.records = place.collection(alteration.table.physical_name)
        self.before, self.after = alteration.layout
        self.began: list[IndexWish] = []
        self._times: dict[int, float] = {}

    # --- looking

    async def examine(self, *, thoroughly: bool) -> list[Done]:
        """Raises `StepFailed` for records in the way, among what is there already; conversions too, if asked."""
        for act in self.alteration.acts:
            with self._within(act):
                if act.conversion and thoroughly:
                    await self._convert(act, act.conversion, write=False)
                if act.filling and act.change.after.constraints.unique and await self._count({}) > 1:
                    self._fail(act, _REPEATED)
                if act.look and self._is_there(act.look):
                    await self._look(act, act.look)
        return self._done()

    def _is_there(self, look: Look) -> bool:
        """False for what only the change will write."""
        old = self.alteration.schema[0]
        known = {path_in(old, self.before, name) for name in old.names}
        if look.wish is not None:
            return known.issuperset(look.wish.paths)
        return look.path in known or look.kind == "required"

    async def _look(self, act: Act, look: Look) -> None:
        match look.kind:
            case "required":
                if act.filling is None:
                    await self._refuse(act, await self._count({look.path: {"$exists": False}}))
            case "check":
                assert look.field is not None
                await self._check(act, look.path, look.field)
            case "reference":
                await self._refuse(act, await self._orphans(look))
            case "unique":
                await self._refuse(act, await self._repeated(look))

    async def _refuse(self, act: Act, count: int) -> None:
        if count:
            raise obstructed(self.alteration.table, act.step, count)

    async def _count(self, match: Match) -> int:
        return await self.records.count_documents(match, limit=MOST_COUNTED + 1)

    async def _counted(self, stages: Sequence[_Document]) -> int:
        cursor = await self.records.aggregate(
            [*stages, {"$limit": MOST_COUNTED + 1}, {"$count": "found"}], allowDiskUse=True
        )
        rows = await cursor.to_list()
        return rows[0]["found"] if rows else 0

    async def _orphans(self, look: Look) -> int:
        assert look.key is not None
        target = self.alteration.targets[look.key.resource]
        found = {"from": target, "localField": look.path, "foreignField": "_id", "as": "found"}
        return await self._counted(
            [
                {"$match": {look.path: {"$exists": True}}},
                {"$project": {look.path: 1}},
                {"$lookup": found},
                {"$match": {"found": []}},
            ]
        )

    async def _repeated(self, look: Look) -> int:
        assert look.wish is not None
        named = {f"k{n}": f"${path}" for n, path in enumerate(look.wish.paths)}
        return await self._counted(
            [
                {"$match": {path: {"$exists": True} for path in look.wish.paths}},
                {"$group": {"_id": named, "count": {"$sum": 1}}},
                {"$match": {"count": {"$gt": 1}}},
            ]
        )

    async def _check(self, act: Act, path: str, field: Field) -> None:
        broken, count = breaks(field), 0
        async for batch in self._batches(path):
            count += sum(broken(value) for _, value in batch)
            if count > MOST_COUNTED:
                break
        await self._refuse(act, count)

    async def _batches(self, path: str) -> AsyncIterator[list[tuple[Any, Any]]]:
        """Keys and values of the documents that have one there."""
        batch: list[tuple[Any, Any]] = []
        async with self.records.find({path: {"$exists": True}}, {path: 1}, batch_size=_AT_ONCE) as cursor:
            async for one in cursor:
                batch.append((one["_id"], one[path]))
                if len(batch) == _AT_ONCE:
                    yield batch
                    batch = []
        if batch:
            yield batch

    # --- doing

    async def apply(self) -> list[Done]:
        """What was done, each with its time. Raises `StepFailed`."""
        one = self.alteration
        old, new = one.schema
        known = {path_in(old, self.before, name) for name in old.names}
        wishes = [wish for wish in indexes(new, self.after) if wish not in indexes(old, self.before)]
        await self._index([wish for wish in wishes if known.issuperset(wish.paths)])
        if one.is_fenced:
            await self._rules(fence(self.after))
        for act in one.acts:
            with self._within(act):
                if act.clears_edges:
                    await self.place.collection(edges_place(place_of(one.table)).name).drop()
                if act.conversion:
                    await self._convert(act, act.conversion, write=True)
                if act.filling:
                    await self._fill(act, *act.filling)
        for act in one.acts:
            with self._within(act):
                # What is unique, its index has found out.
                if act.look and act.look.kind != "unique":
                    await self._look(act, act.look)
        await self._index([wish for wish in wishes if not known.issuperset(wish.paths)])
        if one.is_fenced or validator(old, self.before) != validator(new, self.after):
            await self._rules(validator(new, self.after))
        return self._done()

    async def restore(self) -> None:
        """As it was, but for values where nobody looks."""
        old, _ = self.alteration.schema
        await self._rules(validator(old, self.before))
        for wish in self.began:
            with suppress(OperationFailure):
                await self.records.drop_index(wish.name)
        for act in self.alteration.acts:
            path = act.conversion.target if act.conversion else act.filling[0] if act.filling else None
            if path is not None:
                await self.records.update_many(
                    {path: {"$exists": True}}, self._unmarked({"$unset": {path: ""}})
                )

    async def _rules(self, rules: _Document) -> None:
        with self._within(self.alteration.acts[-1], command=True):
            command = {"collMod": self.alteration.table.physical_name, "validator": rules}
            await self.place.database.command(command)

    async def _index(self, wishes: Sequence[IndexWish]) -> None:
        for wish in wishes:
            act = self._act_of(wish)
            with self._within(act):
                self.began.append(wish)
                try:
                    await self.place.database.command(
                        {"createIndexes": self.alteration.table.physical_name, "indexes": [wish.arguments()]}
                    )
                except OperationFailure as error:
                    if error.code != _DUPLICATE:
                        raise
                    self._fail(act, _REPEATED, error)

    def _act_of(self, wish: IndexWish) -> Act:
        """The change that asks for an index."""
        acts = self.alteration.acts
        for act in acts:
            if act.look and act.look.wish == wish:
                return act
        return next((act for act in acts if act.conversion and act.conversion.target in wish.paths), acts[-1])

    async def _convert(self, act: Act, conversion: Conversion, *, write: bool) -> None:
        converter, unfit = Converter(conversion.before, conversion.after), 0
        checked = [
            one.look.field for one in self.alteration.acts if one.look and one.look.path == conversion.target
        ]
        # A rehearsal of a large table may overlook it.
        seen: set[Any] | None = set() if conversion.after.constraints.unique and not write else None
        broken = [] if write else [breaks(field) for field in checked if field is not None]
        async for batch in self._batches(conversion.source):
            try:
                values = await converter.convert(self.conn, [value for _, value in batch])
            except asyncpg.PostgresError as error:
                self._fail(act, reason_of(error), error)
            required = conversion.after.constraints.required
            unfit += sum(value is UNFIT or (required and value is None) for value in values)
            if unfit > MOST_COUNTED:
                break
            if not unfit and any(test(value) for value in values if value is not None for test in broken):
                self._fail(act, "rows break what the schema asks of the new values")
            if seen is not None and not unfit and len(seen) < _MOST_SEEN:
                given = [_hashable(value) for value in values if value is not None]
                if len(seen | set(given)) < len(seen) + len(given):
                    self._fail(act, _REPEATED)
                seen |= set(given)
            if write and not unfit:
                changes = [
                    UpdateOne({"_id": key}, self._marked({"$set": {conversion.target: value}}))
                    for (key, _), value in zip(batch, values, strict=True)
                    if value is not None
                ]
                if changes:
                    await self.records.bulk_write(changes, ordered=False)
        if unfit:
            raise obstructed(self.alteration.table, act.step, unfit)

    async def _fill(self, act: Act, path: str, value: Any) -> None:
        try:
            change = self._marked({"$set": {path: stored_value(value)}})
        except Unstorable as error:
            self._fail(act, str(error), error)
        await self.records.update_many({}, change)

    def _marked(self, change: _Document) -> _Document:
        change["$set"][LAYOUT] = self.after.token
        return change

    def _unmarked(self, change: _Document) -> _Document:
        if self.before.token:
            change["$set"] = {LAYOUT: self.before.token}
        else:
            change["$unset"][LAYOUT] = ""
        return change

    # --- telling

    def _fail(self, act: Act, reason: str, cause: Exception | None = None) -> NoReturn:
        raise StepFailed(self.alteration.table, act.step, refusal(act.step, reason)) from cause

    @contextmanager
    def _within(self, act: Act, *, command: bool = False) -> Generator[None]:
        """What MongoDB refuses is the failure of this step."""
        started = time.perf_counter()
        try:
            with pymongo.timeout(self.limits.statement if command else self.longest):
                yield
        except PyMongoError as error:
            setting = "STATEMENT_TIMEOUT" if command else "WIDENING_SECONDS"
            refused = _explained(act.step, error, setting)
            raise StepFailed(self.alteration.table, act.step, refused) from error
        finally:
            spent = time.perf_counter() - started
            self._times[id(act)] = self._times.get(id(act), 0) + spent

    def _done(self) -> list[Done]:
        table = self.alteration.table
        return [
            Done(table, one.step, int(self._times.get(id(one), 0) * 1000)) for one in self.alteration.acts
        ]


def _hashable(value: Any) -> Any:
    return repr(value) if type(value) in (dict, list) else comparable(value)


def _explained(step: Step, error: PyMongoError, setting: str) -> errors.PenstockError:
    found = translate(error)
    if isinstance(found, errors.GatewayTimeout):
        return refusal(step, f"it takes longer than PENSTOCK_SCHEMA_{setting} allows")
    if isinstance(found, errors.Internal):
        return refusal(step, f"MongoDB refuses it: {str(error)[:200]}")
    return found


async def apply_all(changes: Sequence[Changing]) -> list[Done]:
    """All of them, or none."""
    begun: list[Changing] = []
    done: list[Done] = []
    try:
        for one in changes:
            begun.append(one)
            done += await one.apply()
    except BaseException:
        for one in reversed(begun):
            # Whoever is refused by what is left brings it in line.
            with suppress(Exception):
                await asyncio.shield(one.restore())
        raise
    return done


async def bring_in_line(place: Place, name: str, schema: TableSchema, layout: Layout) -> bool:
    """Have a collection be what its definition says; true when it was not. Nobody may be changing it.

    What is done already is not done again, so it does not matter who did how much of it before.
    """
    rules, differs = validator(schema, layout), False
    cursor = await place.database.list_collections(filter={"name": name})
    found = await cursor.to_list()
    if not found:
        differs = await place.make(name, validator=rules)
    elif found[0].get("options", {}).get("validator") != rules:
        await place.database.command({"collMod": name, "validator": rules})
        differs = True
    wishes = {one.name: one for one in indexes(schema, layout)}
    known: set[str] = set()
    try:
        async for one in await place.collection(name).list_indexes():
            known.add(one["name"])
    except OperationFailure as error:
        if error.code != _ABSENT:
            raise
    for extra in sorted(known - set(wishes) - {"_id_"}):
        await place.collection(name).drop_index(extra)
        differs = True
    missing = [wish.arguments() for label, wish in wishes.items() if label not in known]
    if missing:
        await place.database.command({"createIndexes": name, "indexes": missing})
        differs = True
    return differs
