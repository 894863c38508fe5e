"""Writes edges: both ends are there and stay until the end, no edge is there twice, and limits of types hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from bson.objectid import ObjectId
from pymongo import UpdateOne

from penstock.identity import Grant
from penstock.kit import errors
from penstock.tables.graph.drafts import ENDS, Draft, Drafts, changed, drafts
from penstock.tables.graph.service import EXISTS, end_of, limits_of, refuse_existing
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.keys import give_keys
from penstock.tables.providers.mongodb.linking import LOCK
from penstock.tables.providers.mongodb.match import Match, every
from penstock.tables.providers.mongodb.reading import matching, version_of
from penstock.tables.providers.mongodb.shape import VERSION, marked, new_version, row_json
from penstock.tables.providers.mongodb.values import Unstorable, json_text, raw, stored
from penstock.tables.providers.mongodb.violations import Taken
from penstock.tables.providers.mongodb.writing import Document, Writes, apply, fill, insert
from penstock.tables.records import shape
from penstock.tables.records.change import Versions
from penstock.tables.records.codec import MAX_REPORTED, Fault, Incoming
from penstock.tables.records.reach import Reach
from penstock.tables.records.shape import Answer

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_AT_ONCE = 1000


async def create(writes: Writes, edges: Table, grant: Grant, nodes: Reach, incoming: Incoming) -> Answer:
    """Insert all edges or none; the answer has them in the order of the request."""
    assert grant.action == "record.write"
    found = drafts(edges, incoming)
    if not found.edges:
        return shape.records([], status=201)
    made = _documents(edges, found)
    fill(writes, edges, made)
    await give_keys(writes.place, edges, made)

    async def work(inner: Writes) -> None:
        await _require_ends(inner, edges, nodes, found, made)
        there = await _existing(inner, edges, made)
        if any(there):
            refuse_existing([None if one else "" for one in there], found)
        await insert(inner, edges, made)
        await _require_limits(inner, edges, found, made)

    try:
        await writes.together(work)
    except Taken as refused:
        raise errors.Conflict(EXISTS, errors={"to_id": [EXISTS]}) from refused
    rows = [row_json(edges, edges.schema.names, one) for one in made]
    return shape.records(rows, status=201) if found.is_list else shape.record(rows[0], status=201)


def _documents(edges: Table, found: Drafts) -> list[Document]:
    faults: list[Fault] = []
    made: list[Document] = []
    for place, draft in enumerate(found.edges):
        one: Document = {"from_id": stored(draft.from_id), "to_id": stored(draft.to_id), "type": draft.type}
        if draft.metadata is not None:
            try:
                one["metadata"] = raw(msgspec.Raw(draft.metadata))
            except Unstorable as error:
                faults.append(Fault(place, "metadata", str(error)))
        made.append(one)
    if faults:
        edges.codec.refuse(faults, len(made), is_list=found.is_list)
    return made


async def _existing(writes: Writes, edges: Table, made: Sequence[Document]) -> list[bool]:
    found: set[tuple[Any, ...]] = set()
    for start in range(0, len(made), _AT_ONCE):
        some = made[start : start + _AT_ONCE]
        match: Match = {"$or": [{name: one[name] for name in (*ENDS, "type")} for one in some]}
        with translated():
            async for one in writes.collection(edges).find(match, session=writes.session):
                found.add(_identity(one))
    return [_identity(one) in found for one in made]


def _identity(one: Document) -> tuple[Any, ...]:
    return one["from_id"], one["to_id"], one["type"]


async def update(
    writes: Writes,
    edges: Table,
    grant: Grant,
    nodes: Reach,
    incoming: Incoming,
    ids: list[int],
    versions: Versions,
) -> Answer:
    """Change the edges `ids`, one for each row of the request; all or none."""
    assert grant.action == "record.write"
    if not ids:
        return shape.records([])

    async def work(inner: Writes) -> tuple[list[str], str]:
        there = await _fetch(inner, edges, ids)
        missing = [n for n, one in enumerate(ids) if one not in there]
        if missing:
            if not incoming.is_list:
                raise errors.NotFound
            rows = [errors.RowError(n, {"id": ["There is no such edge."]}) for n in missing[:MAX_REPORTED]]
            message = f"{len(missing):,} of the edges do not exist; nothing was changed."
            raise errors.NotFound(message, rows=rows)
        if versions is not None and version_of(there[ids[0]]) not in versions:
            raise errors.PreconditionFailed
        found = changed(edges, [_draft(there[one]) for one in ids], incoming)
        made = _documents(edges, found)
        await _require_ends(inner, edges, nodes, found, made)
        version = new_version()
        changes = [
            UpdateOne({"_id": one}, _change(sent, version)) for one, sent in zip(ids, made, strict=True)
        ]
        await apply(inner, edges, changes)
        await _require_limits(inner, edges, found, made)
        after = await _fetch(inner, edges, ids)
        return [row_json(edges, edges.schema.names, after[one]) for one in ids], str(version)

    try:
        done, version = await writes.together(work)
    except Taken as refused:
        raise errors.Conflict(EXISTS, errors={"to_id": [EXISTS]}) from refused
    return shape.records(done) if incoming.is_list else shape.record(done[0], version)


def _change(sent: Document, version: ObjectId) -> Document:
    found: Document = {"$set": {**sent, VERSION: version}}
    if "metadata" not in sent:
        found["$unset"] = {"metadata": ""}
    return found


async def _fetch(writes: Writes, edges: Table, ids: Sequence[int]) -> dict[int, Document]:
    with translated():
        cursor = writes.collection(edges).find({"_id": {"$in": [*ids]}}, session=writes.session)
        return {one["_id"]: one async for one in cursor}


def _draft(one: Document) -> Draft:
    metadata = one.get("metadata")
    said = None if metadata is None else json_text(metadata).encode()
    return Draft(one["from_id"], one["to_id"], one["type"], said)


async def delete(writes: Writes, edges: Table, grant: Grant, ids: list[int]) -> Answer:
    """Delete these edges; unknown ones are skipped."""
    assert grant.action == "record.write"

    async def work(inner: Writes) -> int:
        with translated():
            match: Match = {"_id": {"$in": ids}}
            return (await inner.collection(edges).delete_many(match, session=inner.session)).deleted_count

    return shape.counted(deleted=await (work(writes) if len(ids) == 1 else writes.together(work)))


async def _require_ends(
    writes: Writes, edges: Table, nodes: Reach, found: Drafts, made: Sequence[Document]
) -> None:
    """Every end is a record within reach; none of them can go until the transaction has ended."""
    keys = list(dict.fromkeys(one[end] for one in made for end in ENDS))
    visible = matching(nodes.table, nodes.rows, hide_deleted=nodes.table.schema.soft_deletes)
    known: set[Any] = set()
    for start in range(0, len(keys), _AT_ONCE):
        match = every([{"_id": {"$in": keys[start : start + _AT_ONCE]}}, visible])
        with translated():
            records = writes.collection(nodes.table)
            known |= {one["_id"] async for one in records.find(match, {"_id": 1}, session=writes.session)}
            lock = marked(nodes.table, {"$set": {LOCK: ObjectId()}})
            await records.update_many(match, lock, session=writes.session)
    faults = [
        Fault(place, end, f"There is no record {end_of(found.edges[place], end)}: nodes do not exist.")
        for place, one in enumerate(made)
        for end in ENDS
        if one[end] not in known
    ]
    if faults:
        edges.codec.refuse(faults, len(made), is_list=found.is_list)


async def _require_limits(writes: Writes, edges: Table, found: Drafts, made: Sequence[Document]) -> None:
    """Looks once the edges are in: the records are locked, so no other request adds to them meanwhile."""
    allowed = {name: (out, into) for name, out, into in limits_of(edges)}
    faults: list[Fault] = []
    for place, one in enumerate(made):
        for side, end in enumerate(ENDS):
            most = allowed.get(one["type"], (None, None))[side]
            if most is None:
                continue
            match: Match = {end: one[end], "type": one["type"]}
            with translated():
                edges_of = writes.collection(edges)
                count = await edges_of.count_documents(match, limit=most + 1, session=writes.session)
            if count > most:
                direction = ("outgoing", "incoming")[side]
                message = (
                    f"Record {end_of(found.edges[place], end)} would have more than {most} {direction} "
                    f"edge{'' if most == 1 else 's'} of type '{one['type']}'."
                )
                faults.append(Fault(place, end, message))
    if faults:
        edges.codec.refuse(faults, len(made), is_list=found.is_list)
