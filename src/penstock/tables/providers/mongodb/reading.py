"""Plans to stages of pipelines, and what these give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from pymongo.asynchronous.client_session import AsyncClientSession

from penstock.kit import errors
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.joining import Stage, Window, selection
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
from penstock.tables.providers.mongodb.shape import VERSION, not_deleted, path_of
from penstock.tables.providers.mongodb.values import Unstorable, stored
from penstock.tables.records.plan import OrderTerm, RecordPlan, Search

if TYPE_CHECKING:
    from penstock.kit.filters import BoundTree
    from penstock.tables.catalog import Table

MOST_BYTES = 64 * 1024 * 1024


def version_of(found: Any) -> str:
    """What an entity tag is made of; a document that was written past this server has none."""
    return str(found.get(VERSION, "none"))


def list_stages(plan: RecordPlan, *also: Match, window: Window | None = None) -> list[Stage]:
    """What leaves the documents of a list."""
    if plan.search is not None:
        also = (*also, search_match(plan.table, plan.search))
    hides = plan.hide_deleted
    return selection(plan.table, plan.where, hide_deleted=hides, also=also, window=window, wide=True)


def key_stages(table: Table, key: BoundTree, *also: Match) -> list[Stage]:
    """What leaves one document or none. Raises `NotFound` for a key that MongoDB cannot even hold."""
    try:
        return selection(table, key, hide_deleted=table.schema.soft_deletes, also=also)
    except errors.Invalid as error:
        raise errors.NotFound from error


def matching(table: Table, tree: BoundTree, *, hide_deleted: bool) -> Match:
    found = compile_match(tree, lambda name: path_of(table, name))
    return every([found, not_deleted(table)]) if hide_deleted else found


def key_match(table: Table, key: BoundTree, *, hide_deleted: bool) -> Match:
    """Raises `NotFound` for a key that MongoDB cannot even hold."""
    try:
        return matching(table, key, hide_deleted=hide_deleted)
    except errors.Invalid as error:
        raise errors.NotFound from error


def search_match(table: Table, search: Search) -> Match:
    """For the text of a search without words, which are found beforehand."""
    assert not search.by_vector
    return some([containing(path_of(table, name), search.text) for name in search.fields])


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
        check_size(size)

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


def check_size(size: int) -> None:
    """Raises `BadRequest` for more bytes than an answer may have."""
    if size > MOST_BYTES:
        raise errors.BadRequest(
            f"The answer is larger than {MOST_BYTES // 1024 // 1024} MiB; ask for fewer records or fields."
        )


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
