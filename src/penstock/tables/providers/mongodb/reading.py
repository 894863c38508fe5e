"""Reads records: a plan to a pipeline, documents to the JSON of records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pymongo.asynchronous.client_session import AsyncClientSession

from penstock.kit import errors
from penstock.tables.providers.base import Feature
from penstock.tables.providers.mongodb.config import CAPABILITIES
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.match import (
    NOTHING,
    Match,
    compile_match,
    containing,
    every,
    filled,
    some,
)
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import VERSION, path_of, projection, row_json, values_json
from penstock.tables.providers.mongodb.values import Unstorable, stored
from penstock.tables.records import shape
from penstock.tables.records.plan import DetailPlan, OrderTerm, RecordPlan, Search
from penstock.tables.records.request import Count
from penstock.tables.records.shape import Answer

if TYPE_CHECKING:
    from penstock.kit.filters import BoundTree
    from penstock.tables.catalog import Table

MOST_BYTES = 64 * 1024 * 1024
NOT_DELETED: Match = {"is_deleted": {"$ne": True}}


async def list_records(place: Place, plan: RecordPlan) -> Answer:
    if plan.populated is not None:
        CAPABILITIES.require(Feature.RELATED, plan.table.name)
    match = list_match(plan)
    counting = None if plan.count is Count.NONE else asyncio.ensure_future(_count(place, plan.table, match))
    try:
        if plan.window.after is None:
            rows = await _rows(place, plan, match, plan.window.limit, plan.fields)
            total = None if counting is None else await counting
            return shape.page(
                plan.window, ",".join(row_json(plan.table, plan.fields, row) for row in rows), total
            )
        return await _walk(place, plan, match, counting)
    finally:
        if counting is not None:
            counting.cancel()


async def get_record(place: Place, plan: DetailPlan) -> Answer:
    if plan.populated is not None:
        CAPABILITIES.require(Feature.RELATED, plan.table.name)
    match = key_match(plan.table, plan.key, hide_deleted=plan.table.schema.soft_deletes)
    names = {**projection(plan.table, plan.fields), VERSION: 1}
    with translated():
        found = await place.collection(plan.table.place.name).find_one(
            match, names, max_time_ms=place.patience
        )
    if found is None:
        raise errors.NotFound
    return shape.record(row_json(plan.table, plan.fields, found), version_of(found))


def version_of(found: Any) -> str:
    """What an entity tag is made of; a document that was written past this server has none."""
    return str(found.get(VERSION, "none"))


def list_match(plan: RecordPlan) -> Match:
    """The documents of a list, without regard to its window."""
    parts = [matching(plan.table, plan.where, hide_deleted=plan.hide_deleted)]
    if plan.search is not None:
        parts.append(search_match(plan.table, plan.search))
    return every(parts)


def matching(table: Table, tree: BoundTree, *, hide_deleted: bool) -> Match:
    found = compile_match(tree, lambda name: path_of(table, name))
    return every([found, NOT_DELETED]) if hide_deleted else found


def key_match(table: Table, key: BoundTree, *, hide_deleted: bool) -> Match:
    """Raises `NotFound` for a key that MongoDB cannot even hold."""
    try:
        return matching(table, key, hide_deleted=hide_deleted)
    except errors.Invalid as error:
        raise errors.NotFound from error


def search_match(table: Table, search: Search) -> Match:
    if search.by_vector:
        CAPABILITIES.require(Feature.SEARCH, table.name)
    return some([containing(path_of(table, name), search.text) for name in search.fields])


async def _count(place: Place, table: Table, match: Match, session: AsyncClientSession | None = None) -> int:
    with translated():
        return await place.collection(table.place.name).count_documents(
            match, session=session, maxTimeMS=place.patience
        )


async def _walk(place: Place, plan: RecordPlan, match: Match, counting: Any) -> Answer:
    """One more record than asked for tells whether there is a next page."""
    limit, names = plan.window.limit, tuple(term.field for term in plan.order)
    further = match if plan.after is None else every([match, beyond(plan, plan.after)])
    wanted = tuple(dict.fromkeys((*plan.fields, *names)))
    rows = await _rows(place, plan, further, limit + 1, wanted)
    total = None if counting is None else await counting
    page = ",".join(row_json(plan.table, plan.fields, row) for row in rows[:limit])
    last = values_json(plan.table, names, rows[limit - 1]) if len(rows) > limit else None
    return shape.walk(plan, page, total, last, len(rows) > limit)


async def _rows(
    place: Place, plan: RecordPlan, match: Match, limit: int, names: tuple[str, ...]
) -> Sequence[dict[str, Any]]:
    stages = [{"$match": match}, *ordered(plan.table, plan.order)]
    if plan.window.offset:
        stages.append({"$skip": plan.window.offset})
    stages += [{"$limit": limit}, {"$project": projection(plan.table, names)}]
    return await documents_of(place, plan.table, stages)


async def documents_of(
    place: Place, table: Table, stages: Sequence[dict[str, Any]], session: AsyncClientSession | None = None
) -> list[dict[str, Any]]:
    """What a pipeline gives, up to a size. Raises `BadRequest` beyond it."""
    found: list[dict[str, Any]] = []
    size = 0
    with translated():
        cursor = await place.collection(table.place.name).aggregate(
            stages, allowDiskUse=True, session=session, maxTimeMS=place.patience
        )
        async with cursor:
            async for one in cursor:
                found.append(one)
                size += size_of(one)
                if size > MOST_BYTES:
                    raise errors.BadRequest(
                        f"The answer is larger than {MOST_BYTES // 1024 // 1024} MiB; ask for fewer records or fields."
                    )
    return found


def size_of(value: Any) -> int:
    """Roughly the bytes of a document."""
    if isinstance(value, dict):
        return sum(len(key) + size_of(item) for key, item in value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, list):
        return sum(size_of(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return len(value) if isinstance(value, str) else 16


def ordered(table: Table, order: Sequence[OrderTerm]) -> list[dict[str, Any]]:
    """Ascending orders have NULL last, descending ones first: the other way round from MongoDB's own."""
    keys: dict[str, int] = {}
    absent: dict[str, Any] = {}
    for number, term in enumerate(order):
        path, direction = path_of(table, term.field), -1 if term.descending else 1
        if term.nullable:
            absent[f"#{number}"] = {"$lte": [f"${path}", None]}
            keys[f"#{number}"] = direction
        keys[path] = direction
    sort = {"$sort": keys}
    return [{"$set": absent}, sort] if absent else [sort]


def beyond(plan: RecordPlan, after: Sequence[Any]) -> Match:
    """Documents that come after the cursor."""
    try:
        values = [None if value is None else stored(value) for value in after]
    except Unstorable as error:
        raise errors.Invalid({"after": ["The cursor is not one that this list gave out."]}) from error
    paths = [path_of(plan.table, term.field) for term in plan.order]
    alternatives: list[Match] = []
    for position, term in enumerate(plan.order):
        equal = [_equal(path, value) for path, value in zip(paths[:position], values, strict=False)]
        alternatives.append(every([*equal, _further(paths[position], values[position], term)]))
    return some(alternatives)


def _equal(path: str, value: Any) -> Match:
    return {path: {"$exists": False}} if value is None else {path: {"$eq": value}}


def _further(path: str, value: Any, term: OrderTerm) -> Match:
    if value is None:
        return filled(path) if term.descending else NOTHING
    if term.descending:
        return {path: {"$lt": value}}
    more: Match = {path: {"$gt": value}}
    return some([more, {path: {"$exists": False}}]) if term.nullable else more
