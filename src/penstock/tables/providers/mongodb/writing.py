"""Writes records: one by one command, several in a transaction, which a server that stands alone does not have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo import InsertOne, ReturnDocument, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.filters import bind, parse_delete, paths
from penstock.tables.models import UNSET
from penstock.tables.providers.mongodb.definition import LAYOUT
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.keys import give_keys
from penstock.tables.providers.mongodb.linking import Links, let_go, require_parents
from penstock.tables.providers.mongodb.match import Match, every
from penstock.tables.providers.mongodb.reading import key_match, matching, version_of
from penstock.tables.providers.mongodb.ruling import complete, require_unseen, require_within, within
from penstock.tables.providers.mongodb.servers import Place, transact
from penstock.tables.providers.mongodb.shape import (
    VERSION,
    changes,
    comparable,
    documents,
    layout_of,
    marked,
    new_version,
    not_deleted,
    path_of,
    row_json,
    stored_value,
    value_json,
)
from penstock.tables.providers.mongodb.values import instant
from penstock.tables.providers.mongodb.violations import Taken, explained, taken
from penstock.tables.records import batch, shape
from penstock.tables.records.codec import MAX_REPORTED, Incoming
from penstock.tables.records.plan import key_filter, keys_filter
from penstock.tables.records.reach import limits_in
from penstock.tables.records.service import refuse_new_key
from penstock.tables.records.shape import Answer
from penstock.tables.rules.models import Limits

if TYPE_CHECKING:
    from penstock.tables.catalog import Table
    from penstock.tables.records.change import Versions

T = TypeVar("T")
Document = dict[str, Any]
_AT_ONCE = 1000
_ALONE = (
    "This MongoDB stands alone, without a replica set: it changes one record at a time, and cannot promise that "
    "a request that changes several is done wholly or not at all."
)
_UNRULED = (
    "This MongoDB stands alone, without a replica set: it cannot take back a record that the rules of its table "
    "refuse, so who is held to rules writes none."
)


class Writes:
    """Where writes run: in the transaction of `session`, or each by itself.

    `now` is the moment of all of them, as PostgreSQL has one for each transaction.
    """

    def __init__(self, place: Place, links: Links, session: AsyncClientSession | None = None) -> None:
        self.place = place
        self.links = links
        self.session = session
        self.now = instant(datetime.now(UTC))

    def collection(self, table: Table) -> AsyncCollection[Document]:
        return self.place.collection(table.place.name)

    async def together(self, work: Callable[[Writes], Awaitable[T]], limits: Limits | None = None) -> T:
        """All of `work` or nothing. Raises `BadRequest` where that cannot be promised."""
        if self.session is not None:
            return await work(self)
        await self.require_transactions(limits)
        return await transact(
            self.place.server, lambda session: work(Writes(self.place, self.links, session))
        )

    async def require_transactions(self, limits: Limits | None) -> None:
        """Raises `BadRequest` where all of something or nothing cannot be promised."""
        if await self.place.server.can_transact():
            return
        if limits is not None and limits.is_limited:
            raise errors.BadRequest(_UNRULED)
        raise errors.BadRequest(_ALONE, hint="Send the records one by one, or give MongoDB a replica set.")


async def create(
    writes: Writes, table: Table, grant: Grant, incoming: Incoming, *, brief: bool = False
) -> Answer:
    """Insert all rows or none; the answer has them complete, in the order of the request, or is `brief`."""
    assert grant.action == "record.write"
    if not incoming.rows:
        return shape.records([], status=201)
    limits = limits_in(table, grant.principal)
    made = documents(table, incoming)
    complete(table, made, defaults(table.whole))
    fill(writes, table, made)
    await give_keys(writes.place, table, made)

    async def work(inner: Writes) -> None:
        await insert(inner, table, made)
        await require_parents(inner, table, made, is_list=incoming.is_list)
        await require_within(inner, limits, made)

    try:
        if len(made) == 1 and not table.schema.foreign_keys and not limits.is_limited:
            await work(writes)
        else:
            await writes.together(work, limits)
    except Taken as refused:
        raise await explained(writes.place, table, refused, made, is_list=incoming.is_list) from refused
    if brief:
        return shape.records([], status=201, extra=f',"created":{len(made)}')
    rows = [row_json(table, table.schema.names, one) for one in made]
    return shape.records(rows, status=201) if incoming.is_list else shape.record(rows[0], status=201)


def fill(writes: Writes, table: Table, made: Sequence[Document]) -> None:
    """What the service sets in new records."""
    version, token = new_version(), layout_of(table).token
    managed = [
        path_of(table, name) for name in ("created_at", "updated_at") if table.whole.schema.manages(name)
    ]
    for one in made:
        for path in managed:
            one.setdefault(path, writes.now)
        one[VERSION] = version
        if token:
            one[LAYOUT] = token


async def insert(writes: Writes, table: Table, made: Sequence[Document]) -> None:
    """Raises `Taken`."""
    try:
        with translated():
            try:
                if len(made) == 1:
                    await writes.collection(table).insert_one(made[0], session=writes.session)
                else:
                    await writes.collection(table).insert_many(made, session=writes.session)
            except PyMongoError as error:
                _raise_taken(error)
                raise
    finally:
        # The driver names documents that have no key of their own.
        if len(table.schema.primary_key) > 1:
            for one in made:
                one.pop("_id", None)


def _raise_taken(error: PyMongoError) -> None:
    if (refused := taken(error)) is not None:
        raise refused from error


def change_of(writes: Writes, table: Table, sent: Document, fixed: Sequence[str]) -> Document:
    """The update for what a row sends: not its key, and not what the service sets itself."""
    schema = table.whole.schema
    held = {path_of(table, name) for name in (*fixed, *schema.primary_key)}
    values = {path: value for path, value in sent.items() if path not in held}
    if schema.manages("updated_at"):
        values[path_of(table, "updated_at")] = writes.now
    found: Document = {"$set": {VERSION: new_version()}}
    for path, value in values.items():
        if value is None:
            found.setdefault("$unset", {})[path] = ""
        else:
            found["$set"][path] = value
    return marked(table, found)


async def update_one(
    writes: Writes, table: Table, grant: Grant, key: str, incoming: Incoming, versions: Versions
) -> Answer:
    """Change one record. Raises `NotFound`, or `PreconditionFailed` when it is at none of `versions`."""
    assert grant.action == "record.write"
    refuse_new_key(table, key, incoming)
    (sent,) = changes(table, incoming)
    hides = table.schema.soft_deletes and path_of(table, "is_deleted") not in sent
    found = key_match(table, key_filter(key, table), hide_deleted=hides)
    limits = limits_in(table, grant.principal)
    match, change = every([found, within(limits), _at(versions)]), change_of(writes, table, sent, ())

    async def work(inner: Writes) -> Document | None:
        after = await _change_one(inner, table, match, change)
        if after is not None and refers:
            await require_parents(inner, table, [after], is_list=False)
        if after is not None:
            await require_within(inner, limits, [after])
        return after

    refers = _refers(table, sent)
    try:
        together = refers or limits.is_limited
        after = await (writes.together(work, limits) if together else work(writes))
    except Taken as refused:
        raise await explained(writes.place, table, refused, [sent], is_list=False) from refused
    if after is None:
        await _absent_or_changed(writes, table, limits, key, versions)
    assert after is not None
    return shape.record(row_json(table, table.schema.names, after), version_of(after))


async def _change_one(writes: Writes, table: Table, match: Match, change: Document) -> Document | None:
    """The record as it is then. Raises `Taken`."""
    with translated():
        try:
            return await writes.collection(table).find_one_and_update(
                match, change, return_document=ReturnDocument.AFTER, session=writes.session
            )
        except PyMongoError as error:
            _raise_taken(error)
            raise


def _refers(table: Table, sent: Document) -> bool:
    """True when a change of these fields may make the record refer to another."""
    return any(path_of(table, name) in sent for key in table.schema.foreign_keys for name in key.fields)


def _at(versions: Versions) -> Match:
    if versions is None:
        return {}
    return {"$expr": {"$in": [{"$toString": f"${VERSION}"}, {"$literal": list(versions)}]}}


async def _absent_or_changed(
    writes: Writes, table: Table, limits: Limits, key: str, versions: Versions
) -> None:
    found = key_match(table, key_filter(key, table), hide_deleted=table.schema.soft_deletes)
    if versions is not None:
        match = every([found, within(limits)])
        with translated():
            if await writes.collection(table).find_one(match, {"_id": 1}, session=writes.session) is not None:
                raise errors.PreconditionFailed
    await require_unseen(writes, limits, found)
    raise errors.NotFound


async def update_many(writes: Writes, table: Table, grant: Grant, incoming: Incoming) -> Answer:
    """Change each record named by its key in the request; all or none."""
    assert grant.action == "record.write"
    key = table.schema.primary_key
    batch.require(table, incoming, key, "The key of the record to change is missing.")
    batch.refuse_repeated(table, incoming, key)
    sent = changes(table, incoming)
    keys = [path_of(table, name) for name in key]
    limits = limits_in(table, grant.principal)

    async def work(inner: Writes) -> list[str]:
        matches = [every([_own(table, one, keys), within(limits)]) for one in sent]
        await _require_all(inner, table, limits, matches, [_own(table, one, keys) for one in sent])
        await apply(
            inner,
            table,
            [
                UpdateOne(match, change_of(writes, table, one, ()))
                for match, one in zip(matches, sent, strict=True)
            ],
        )
        await require_parents(inner, table, sent, is_list=True)
        await require_within(inner, limits, sent)
        return await read_back(inner, table, sent, keys)

    try:
        rows = await writes.together(work, limits)
    except Taken as refused:
        raise await explained(writes.place, table, refused, sent, is_list=True) from refused
    return shape.records(rows)


def _own(table: Table, sent: Document, keys: Sequence[str]) -> Match:
    match: Match = {path: {"$eq": sent[path]} for path in keys}
    hides = table.schema.soft_deletes and path_of(table, "is_deleted") not in sent
    return every([match, not_deleted(table)]) if hides else match


async def _require_all(
    writes: Writes, table: Table, limits: Limits, matches: Sequence[Match], own: Sequence[Match]
) -> None:
    """Every record is there, and one that the caller may change; `own` finds them whoever asks."""
    missing: list[int] = []
    for start in range(0, len(matches), _AT_ONCE):
        part = matches[start : start + _AT_ONCE]
        with translated():
            count = await writes.collection(table).count_documents(
                {"$or": list(part)}, session=writes.session
            )
            if count < len(part):
                for position, match in enumerate(part, start):
                    if (
                        await writes.collection(table).find_one(match, {"_id": 1}, session=writes.session)
                        is None
                    ):
                        missing.append(position)
    if missing:
        await require_unseen(writes, limits, {"$or": [own[place] for place in missing[:MAX_REPORTED]]})
        name = table.schema.primary_key[0]
        rows = [
            errors.RowError(place, {name: ["There is no such record."]}) for place in missing[:MAX_REPORTED]
        ]
        message = f"{len(missing):,} of the records do not exist; nothing was changed."
        raise errors.NotFound(message, rows=rows)


async def apply(writes: Writes, table: Table, operations: Sequence[InsertOne[Document] | UpdateOne]) -> None:
    """Raises `Taken`."""
    with translated():
        try:
            await writes.collection(table).bulk_write(operations, session=writes.session)
        except PyMongoError as error:
            _raise_taken(error)
            raise


async def read_back(writes: Writes, table: Table, sent: Sequence[Document], keys: Sequence[str]) -> list[str]:
    """The records with the keys of these rows, in their order."""
    found: dict[tuple[Any, ...], str] = {}
    for start in range(0, len(sent), _AT_ONCE):
        match: Match = {
            "$or": [{path: {"$eq": one[path]} for path in keys} for one in sent[start : start + _AT_ONCE]]
        }
        with translated():
            async for one in writes.collection(table).find(match, session=writes.session):
                found[_key(table, one)] = row_json(table, table.schema.names, one)
    return [found[_key(table, one)] for one in sent]


def _key(table: Table, document: Document) -> tuple[Any, ...]:
    return tuple(comparable(document[path_of(table, name)]) for name in table.schema.primary_key)


async def delete_one(writes: Writes, table: Table, grant: Grant, key: str, versions: Versions) -> Answer:
    assert grant.action == "record.write"
    found = key_match(table, key_filter(key, table), hide_deleted=table.schema.soft_deletes)
    limits = limits_in(table, grant.principal)
    match = every([found, _at(versions)])
    if limits.is_limited or await _is_counted_on(writes, table.whole):
        count = await writes.together(lambda inner: remove(inner, table, match, limits), limits)
    else:
        count = await _remove_one(writes, table, match)
    if not count:
        await _absent_or_changed(writes, table, limits, key, versions)
    return Answer(204, b"")


async def _remove_one(writes: Writes, table: Table, match: Match) -> int:
    with translated():
        if table.schema.soft_deletes:
            done = await writes.collection(table).update_one(
                match, _mark(writes, table), session=writes.session
            )
            return done.matched_count
        return (await writes.collection(table).delete_one(match, session=writes.session)).deleted_count


async def _is_counted_on(writes: Writes, table: Table) -> bool:
    """True when something goes with a record, or keeps it: its edges, and records that refer to it."""
    if table.schema.soft_deletes:
        return False
    return table.edges is not None or bool(await writes.links.children(table))


def _mark(writes: Writes, table: Table) -> Document:
    """The update that deletes softly."""
    return change_of(writes, table, {path_of(table, "is_deleted"): True}, ())


async def delete_by_keys(writes: Writes, table: Table, grant: Grant, text: str) -> Answer:
    """Delete the records of `ids=`; unknown ones are skipped."""
    assert grant.action == "record.write"
    match = matching(table, keys_filter(text, table), hide_deleted=table.schema.soft_deletes)
    name = table.schema.primary_key[0]
    path = path_of(table, name)
    limits = limits_in(table, grant.principal)

    async def work(inner: Writes) -> list[Any]:
        with translated():
            found = every([match, within(limits)])
            cursor = inner.collection(table).find(found, {path: 1}, session=inner.session)
            keys = [one[path] async for one in cursor]
        await remove(inner, table, {path: {"$in": keys}}, limits)
        await require_unseen(inner, limits, match)
        return keys

    keys = await writes.together(work, limits)
    said = ", ".join(value_json(table, name, key) for key in keys)
    return Answer(200, f'{{"deleted":{len(keys)},"ids":[{said}]}}'.encode())


async def delete_by_filter(writes: Writes, table: Table, grant: Grant, text: str) -> Answer:
    """Delete what a filter object matches; an empty filter is refused while parsing."""
    assert grant.action == "record.write"
    tree = parse_delete(text, table.columns)
    hides = table.schema.soft_deletes and "is_deleted" not in paths(tree)
    match = matching(table, bind(tree, table.columns.get, table.columns), hide_deleted=hides)
    limits = limits_in(table, grant.principal)

    async def work(inner: Writes) -> int:
        count = await remove(inner, table, match, limits)
        left = every([match, not_deleted(table)]) if table.schema.soft_deletes else match
        await require_unseen(inner, limits, left)
        return count

    return shape.counted(deleted=await writes.together(work, limits))


async def remove(writes: Writes, table: Table, match: Match, limits: Limits) -> int:
    """In a transaction, when there may be several."""
    match = every([match, within(limits)])
    with translated():
        records = writes.collection(table)
        if table.schema.soft_deletes:
            return await _mark_all(writes, table, match, limits)
        if not await _is_counted_on(writes, table.whole):
            return (await records.delete_many(match, session=writes.session)).deleted_count
        keys = [one["_id"] async for one in records.find(match, {"_id": 1}, session=writes.session)]
        for start in range(0, len(keys), _AT_ONCE):
            some: Match = {"_id": {"$in": keys[start : start + _AT_ONCE]}}
            await records.delete_many(some, session=writes.session)
    await let_go(writes, table.whole, keys)
    return len(keys)


async def _mark_all(writes: Writes, table: Table, match: Match, limits: Limits) -> int:
    records = writes.collection(table)
    if not limits.is_limited:
        return (await records.update_many(match, _mark(writes, table), session=writes.session)).modified_count
    found = [one async for one in records.find(match, session=writes.session)]
    keys = [one["_id"] for one in found]
    done = await records.update_many({"_id": {"$in": keys}}, _mark(writes, table), session=writes.session)
    await require_within(writes, limits, found)
    return done.modified_count


def defaults(table: Table) -> Document:
    """What a new record has where a request that need not be complete says nothing."""
    found: Document = {}
    for one in table.schema.fields:
        if one.default is not UNSET and one.default is not None:
            found[path_of(table, one.name)] = stored_value(one.default)
        elif one.name == "is_deleted" and table.schema.soft_deletes:
            found[path_of(table, one.name)] = False
    return found
