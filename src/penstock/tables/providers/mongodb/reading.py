"""Reads records: a plan to a pipeline, documents to the JSON of records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pymongo.asynchronous.client_session import AsyncClientSession

from penstock.kit import errors
from penstock.tables.providers.base import Feature
from penstock.tables.providers.mongodb.config import CAPABILITIES
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.joining import Stage, selection
from penstock.tables.providers.mongodb.match import (
    NOT_DELETED,
    NOTHING,
    Match,
    compile_match,
    containing,
    every,
    filled,
    some,
)
from penstock.tables.providers.mongodb.populating import Writer, populating
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import VERSION, path_of, projection, row_json, values_json
from penstock.tables.providers.mongodb.values import Unstorable, stored
from penstock.tables.records import shape
from penstock.tables.records.plan import DetailPlan, OrderTerm, RecordPlan, Search
from penstock.tables.records.populated import too_large
from penstock.tables.records.request import Count
from penstock.tables.records.shape import Answer
from penstock.tables.relations.populate import Populated

if TYPE_CHECKING:
    from penstock.kit.filters import BoundTree
    from penstock.tables.catalog import Table

MOST_BYTES = 64 * 1024 * 1024
# No field has such a name.
_TOTAL = "#total"


async def list_records(place: Place, plan: RecordPlan) -> Answer:
    if plan.populated is not None:
        return await _list_populated(place, plan, plan.populated)
    counting = None if plan.count is Count.NONE else asyncio.ensure_future(_count(place, plan))
    try:
        if plan.window.after is None:
            rows = await _rows(place, plan, plan.window.limit, plan.fields)
            total = None if counting is None else await counting
            return shape.page(
                plan.window, ",".join(row_json(plan.table, plan.fields, row) for row in rows), total
            )
        return await _walk(place, plan, counting)
    finally:
        if counting is not None:
            counting.cancel()


async def _list_populated(place: Place, plan: RecordPlan, populated: Populated) -> Answer:
    """The records, what is related to them and their number, by one command."""
    table, limit, walks = plan.table, plan.window.limit, plan.window.after is not None
    order = tuple(term.field for term in plan.order) if walks else ()
    names = tuple(dict.fromkeys((*plan.fields, *order)))
    stages = [
        *_page(plan, limit + walks),
        *populating(table, names, populated.branches, populated.max_per_record),
    ]
    if plan.count is not Count.NONE:
        counted: list[Stage] = [*list_stages(plan), {"$count": _TOTAL}]
        stages.append({"$unionWith": {"coll": table.place.name, "pipeline": counted}})
    page = _Page(Writer(table, plan.fields, populated), limit)
    await _each_populated(place, table, stages, populated, page.take)
    total = None if plan.count is Count.NONE else page.total
    if not walks:
        return shape.page(plan.window, ",".join(page.rows), total)
    last = values_json(table, order, page.last) if page.is_followed else None
    return shape.walk(plan, ",".join(page.rows), total, last, page.is_followed)


@dataclass
class _Page:
    """Takes the documents of a page: its records, the one behind them, and how many there are."""

    writer: Writer
    limit: int
    rows: list[str] = field(default_factory=list[str])
    last: dict[str, Any] = field(default_factory=dict[str, Any])
    is_followed: bool = False
    total: int = 0

    def take(self, document: dict[str, Any]) -> None:
        if _TOTAL in document:
            self.total = document[_TOTAL]
        elif len(self.rows) == self.limit:
            self.is_followed = True
        else:
            self.rows.append(self.writer.write(document))
            self.last = document


async def _each_populated(
    place: Place,
    table: Table,
    stages: Sequence[Stage],
    populated: Populated,
    take: Callable[[dict[str, Any]], None],
) -> None:
    try:
        await each_of(place, table, stages, take)
    except errors.TooLarge:
        # What is related to one record is more than a document of MongoDB.
        too_large(populated)


async def get_record(place: Place, plan: DetailPlan) -> Answer:
    stages = key_stages(plan.table, plan.key)
    if plan.populated is not None:
        return await _get_populated(place, plan, plan.populated, stages)
    names = {**projection(plan.table, plan.fields), VERSION: 1}
    found = await documents_of(place, plan.table, [*stages, {"$project": names}])
    if not found:
        raise errors.NotFound
    return shape.record(row_json(plan.table, plan.fields, found[0]), version_of(found[0]))


async def _get_populated(
    place: Place, plan: DetailPlan, populated: Populated, stages: Sequence[Stage]
) -> Answer:
    """Without an entity tag: the record's version says nothing of the related ones."""
    related = populating(plan.table, plan.fields, populated.branches, populated.max_per_record)
    page = _Page(Writer(plan.table, plan.fields, populated), 1)
    await _each_populated(place, plan.table, [*stages, *related], populated, page.take)
    if not page.rows:
        raise errors.NotFound
    return shape.record(page.rows[0])


def version_of(found: Any) -> str:
    """What an entity tag is made of; a document that was written past this server has none."""
    return str(found.get(VERSION, "none"))


def list_stages(plan: RecordPlan, *also: Match, sort: Stage | None = None) -> list[Stage]:
    """What leaves the documents of a list, without regard to its window; `sort` comes as soon as it can."""
    if plan.search is not None:
        also = (*also, search_match(plan.table, plan.search))
    return selection(plan.table, plan.where, hide_deleted=plan.hide_deleted, also=also, sort=sort)


def key_stages(table: Table, key: BoundTree, *also: Match) -> list[Stage]:
    """What leaves one document or none. Raises `NotFound` for a key that MongoDB cannot even hold."""
    try:
        return selection(table, key, hide_deleted=table.schema.soft_deletes, also=also)
    except errors.Invalid as error:
        raise errors.NotFound from error


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


async def _count(place: Place, plan: RecordPlan) -> int:
    found = await documents_of(place, plan.table, [*list_stages(plan), {"$count": _TOTAL}])
    return found[0][_TOTAL] if found else 0


async def _walk(place: Place, plan: RecordPlan, counting: Any) -> Answer:
    """One more record than asked for tells whether there is a next page."""
    limit, names = plan.window.limit, tuple(term.field for term in plan.order)
    wanted = tuple(dict.fromkeys((*plan.fields, *names)))
    rows = await _rows(place, plan, limit + 1, wanted)
    total = None if counting is None else await counting
    page = ",".join(row_json(plan.table, plan.fields, row) for row in rows[:limit])
    last = values_json(plan.table, names, rows[limit - 1]) if len(rows) > limit else None
    return shape.walk(plan, page, total, last, len(rows) > limit)


async def _rows(
    place: Place, plan: RecordPlan, limit: int, names: tuple[str, ...]
) -> Sequence[dict[str, Any]]:
    stages = [*_page(plan, limit), {"$project": projection(plan.table, names)}]
    return await documents_of(place, plan.table, stages)


def _page(plan: RecordPlan, limit: int) -> list[Stage]:
    """What leaves the documents of a page, in order."""
    further = () if plan.after is None else (beyond(plan, plan.after),)
    order = ordered(plan.table, plan.order)
    key = set(plan.table.schema.primary_key)
    if {term.field for term in plan.order} == key:
        # There is an index in this order: documents are looked at until the page is full, and no further.
        stages = list_stages(plan, *further, sort=order[0])
    else:
        stages = [*list_stages(plan, *further), *order]
    if plan.window.offset:
        stages.append({"$skip": plan.window.offset})
    return [*stages, {"$limit": limit}]


async def documents_of(
    place: Place, table: Table, stages: Sequence[Stage], session: AsyncClientSession | None = None
) -> list[dict[str, Any]]:
    """What a pipeline gives, up to a size. Raises `BadRequest` beyond it."""
    found: list[dict[str, Any]] = []
    size = 0

    def take(one: dict[str, Any]) -> None:
        nonlocal size
        found.append(one)
        size += size_of(one)
        if size > MOST_BYTES:
            raise errors.BadRequest(
                f"The answer is larger than {MOST_BYTES // 1024 // 1024} MiB; ask for fewer records or fields."
            )

    await each_of(place, table, stages, take, session)
    return found


async def each_of(
    place: Place,
    table: Table,
    stages: Sequence[Stage],
    take: Callable[[dict[str, Any]], None],
    session: AsyncClientSession | None = None,
) -> None:
    """What a pipeline gives, one by one."""
    with translated():
        cursor = await place.collection(table.place.name).aggregate(
            stages, allowDiskUse=True, session=session, maxTimeMS=place.patience
        )
        async with cursor:
            async for one in cursor:
                take(one)


def size_of(value: Any) -> int:
    """Roughly the bytes of a document."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value).items()
        return sum(len(key) + size_of(item) for key, item in entries)
    if isinstance(value, list):
        return sum(size_of(item) for item in cast("list[Any]", value))
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
