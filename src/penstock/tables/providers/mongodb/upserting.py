"""The verb upsert: insert what is new and update what is there, matched by fields of the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from pymongo import UpdateOne

from penstock.identity import Grant
from penstock.kit import errors
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.keys import give_keys
from penstock.tables.providers.mongodb.linking import require_parents
from penstock.tables.providers.mongodb.match import Match, any_of, every
from penstock.tables.providers.mongodb.ruling import complete, require_within, seen
from penstock.tables.providers.mongodb.shape import changes, comparable, not_deleted, path_of, row_json
from penstock.tables.providers.mongodb.violations import Taken, explained
from penstock.tables.providers.mongodb.writing import (
    Document,
    Writes,
    apply,
    change_of,
    defaults,
    fill,
    insert,
)
from penstock.tables.records import batch, shape
from penstock.tables.records.codec import MAX_REPORTED, Fault, Incoming, must_be_sent
from penstock.tables.records.reach import limits_in
from penstock.tables.records.shape import Answer
from penstock.tables.records.upsert import answered, has_unique_index
from penstock.tables.rules.models import Limits

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

LOCKS = "#locks"
_AT_ONCE = 500
_TRIES = 3


async def upsert(
    writes: Writes, table: Table, grant: Grant, incoming: Incoming, unique: tuple[str, ...]
) -> Answer:
    """Insert or update each row, matched by the fields `unique`; all or none."""
    assert grant.action == "record.write"
    if not incoming.rows:
        return shape.records([], extra=',"created":0,"updated":0')
    batch.require(table, incoming, unique, "This field tells records apart here and must be sent.")
    batch.refuse_repeated(table, incoming, unique)
    sent = changes(table, incoming)
    indexed = has_unique_index(table, unique)

    limits = limits_in(table, grant.principal)

    async def work(inner: Writes) -> tuple[list[str], int]:
        return await _merge(inner, table, limits, incoming, sent, unique, indexed=indexed)

    try:
        alone = len(sent) == 1 and indexed and not table.schema.foreign_keys and not limits.is_limited
        if alone and not await writes.place.server.can_transact():
            rows, created = await _alone(writes, work)
        else:
            rows, created = await writes.together(work, limits)
    except Taken as refused:
        raise await explained(
            writes.place, table, refused, sent, is_list=incoming.is_list, matched=unique
        ) from refused
    return answered(rows, created, is_list=incoming.is_list)


async def _alone(
    writes: Writes, work: Callable[[Writes], Awaitable[tuple[list[str], int]]]
) -> tuple[list[str], int]:
    """One record on a server without transactions: again, when another request made or removed it meanwhile."""
    for _ in range(_TRIES):
        try:
            return await work(writes)
        except (Taken, _Vanished):
            continue
    return await work(writes)


class _Vanished(errors.Contended):
    """The record that was to be updated is gone; try again."""


async def _merge(
    writes: Writes,
    table: Table,
    limits: Limits,
    incoming: Incoming,
    sent: Sequence[Document],
    unique: tuple[str, ...],
    *,
    indexed: bool,
) -> tuple[list[str], int]:
    """The records as they are now, in the order of the rows, and how many are new."""
    if not indexed:
        # Two requests that would both find nothing meet here, and one of them begins again.
        with translated():
            await writes.place.collection(LOCKS).update_one(
                {"_id": table.place.name}, {"$inc": {"turn": 1}}, upsert=True, session=writes.session
            )
    names = [path_of(table, name) for name in unique]
    # What no index keeps unique may be there once more, where the caller does not see it.
    known = {} if indexed else seen(limits)
    found = await stored_records(writes, table, sent, names, known, live=not indexed)
    await require_within(writes, limits, [stored[0] for stored in found if stored])
    check(table, incoming, sent, found, unique)
    refuse_ambiguous(found, unique, is_list=incoming.is_list)
    made = [
        {path: value for path, value in {**defaults(table.whole), **one}.items() if value is not None}
        for one, there in zip(sent, found, strict=True)
        if not there
    ]
    complete(table, made, {})
    fill(writes, table, made)
    await give_keys(writes.place, table, made)
    if made:
        await insert(writes, table, made)
    there = [(one, stored[0]) for one, stored in zip(sent, found, strict=True) if stored]
    if changed := updates(table, writes, there, unique, revive=indexed):
        await apply(writes, table, changed)
    await require_parents(writes, table, sent, is_list=incoming.is_list)
    after = iter(await _after(writes, table, [stored for _, stored in there]))
    new = iter(made)
    await require_within(writes, limits, [*made, *(stored for _, stored in there)])
    rows = [next(after) if one else row_json(table, table.schema.names, next(new)) for one in found]
    return rows, len(made)


async def stored_records(
    writes: Writes, table: Table, sent: Sequence[Document], names: Sequence[str], also: Match, *, live: bool
) -> list[list[Document]]:
    """For each row, the records that have its values in these fields; null is the same as nothing."""
    found: dict[Any, list[Document]] = {}
    known = [one for one in sent if all(one[path] is not None for path in names)]
    for start in range(0, len(known), _AT_ONCE):
        wanted = [[one[path] for path in names] for one in known[start : start + _AT_ONCE]]
        match = any_of(names, wanted)
        if live and table.schema.soft_deletes:
            match = every([match, not_deleted(table)])
        match = every([match, also])
        with translated():
            async for one in writes.collection(table).find(match, session=writes.session):
                found.setdefault(_values(one, names), []).append(one)
    return [found.get(_values(one, names), []) for one in sent]


def _values(document: Document, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(comparable(document.get(path)) for path in names)


def refuse_ambiguous(found: Sequence[Sequence[Document]], unique: tuple[str, ...], *, is_list: bool) -> None:
    ambiguous = [place for place, stored in enumerate(found) if len(stored) > 1]
    if ambiguous:
        faults = [errors.RowError(n, {unique[0]: ["Several records match."]}) for n in ambiguous]
        message = f"Several records have the same {', '.join(unique)}."
        raise errors.Conflict(message, rows=faults[:MAX_REPORTED] if is_list else None)


def check(
    table: Table,
    incoming: Incoming,
    sent: Sequence[Document],
    found: Sequence[Sequence[Document]],
    unique: tuple[str, ...],
) -> None:
    """A row without some required field cannot be new, and one that names a key must not give it to another record."""
    needed = [
        (one.name, path_of(table, one.name)) for one in table.schema.fields if must_be_sent(one, table.schema)
    ]
    keys = [(name, path_of(table, name)) for name in table.schema.primary_key if name not in unique]
    faults: list[Fault] = []
    for place, (one, there) in enumerate(zip(sent, found, strict=True)):
        if not there:
            faults += [
                Fault(place, name, "This field is required.") for name, path in needed if path not in one
            ]
        elif any(
            path in one and comparable(one[path]) != comparable(stored[path])
            for stored in there
            for _, path in keys
        ):
            faults.append(Fault(place, keys[0][0], "The key of a record cannot be changed."))
    if faults:
        table.codec.refuse(faults, len(sent), is_list=incoming.is_list)


def updates(
    table: Table,
    writes: Writes,
    there: Sequence[tuple[Document, Document]],
    unique: tuple[str, ...],
    *,
    revive: bool,
) -> list[UpdateOne]:
    operations: list[UpdateOne] = []
    deleted = path_of(table, "is_deleted")
    for one, stored in there:
        change = change_of(writes, table, one, unique)
        if revive and table.schema.soft_deletes and deleted not in one:
            change["$set"][deleted] = False
        operations.append(UpdateOne({"_id": stored["_id"]}, change))
    return operations


async def _after(writes: Writes, table: Table, before: Sequence[Document]) -> list[str]:
    found: dict[Any, Document] = {}
    keys = [one["_id"] for one in before]
    for start in range(0, len(keys), _AT_ONCE):
        match: Match = {"_id": {"$in": keys[start : start + _AT_ONCE]}}
        with translated():
            async for one in writes.collection(table).find(match, session=writes.session):
                found[comparable(one["_id"])] = one
    if len(found) < len(keys):
        raise _Vanished
    return [row_json(table, table.schema.names, found[comparable(key)]) for key in keys]
