"""Answers lists and single records: a plan to a pipeline, documents to the JSON of records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from penstock.kit import errors
from penstock.tables.providers.mongodb.definition import KEY
from penstock.tables.providers.mongodb.joining import Stage, Window, marking
from penstock.tables.providers.mongodb.match import Match
from penstock.tables.providers.mongodb.populating import Writer, populating
from penstock.tables.providers.mongodb.reading import (
    beyond,
    check_size,
    documents_of,
    each_of,
    key_stages,
    list_stages,
    ordered,
    version_of,
)
from penstock.tables.providers.mongodb.searching import Found
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import VERSION, projection, row_json, values_json
from penstock.tables.records import shape
from penstock.tables.records.allowed import NAME, Allowed
from penstock.tables.records.plan import DetailPlan, RecordPlan
from penstock.tables.records.populated import too_large
from penstock.tables.records.request import Count
from penstock.tables.records.shape import Answer
from penstock.tables.relations.populate import Populated

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# No field has such names.
_TOTAL, _WRITABLE = "#total", "#writable"
Document: TypeAlias = "dict[str, Any]"


async def list_records(place: Place, plan: RecordPlan, found: Found | None) -> Answer:
    """What is related, and then the number of all records too, comes by the same command as the records.

    `found` is what a search by words has found already.
    """
    counts, walks = plan.count is not Count.NONE, plan.window.after is not None
    order = tuple(term.field for term in plan.order) if walks else ()
    names = tuple(dict.fromkeys((*plan.fields, *order)))
    stages = [*_page(plan, plan.window.limit + walks, found), *_shown(plan, names)]
    write, counting = _writer(plan), None
    if found is not None:
        stages[-1]["$project"][KEY] = 1
        write = _ranked(write, plan, found)
    elif counts and plan.populated is not None:
        stages.append({"$unionWith": {"coll": plan.table.place.name, "pipeline": _counted(plan)}})
    elif counts:
        counting = asyncio.ensure_future(_count(place, plan))
    page = _Page(_with_actions(write, plan.allowed), plan.window.limit)
    try:
        await _each(place, plan.table, stages, plan.populated, page.take)
        total = page.total if counting is None else await counting
    finally:
        if counting is not None:
            counting.cancel()
    rows = page.rows
    if found is not None:
        total = len(found.keys)
        rows = found.sorted(page.rows) if plan.by_rank else rows
    text, total = ",".join(shown for _, shown in rows), total if counts else None
    if not walks:
        return shape.page(plan.window, text, total)
    last = values_json(plan.table, order, page.last) if page.is_followed else None
    return shape.walk(plan, text, total, last, page.is_followed)


async def get_record(place: Place, plan: DetailPlan) -> Answer:
    stages = [*key_stages(plan.table, plan.key), *_shown(plan, plan.fields)]
    if plan.populated is None:
        stages[-1]["$project"][VERSION] = 1
    page = _Page(_with_actions(_writer(plan), plan.allowed), 1)
    await _each(place, plan.table, stages, plan.populated, page.take)
    if not page.rows:
        raise errors.NotFound
    # The record's version says nothing of the related ones.
    return shape.record(page.rows[0][1], version_of(page.last) if plan.populated is None else None)


def _page(plan: RecordPlan, limit: int, found: Found | None) -> list[Stage]:
    """What leaves the documents of a page: in order, but for those that a search ranks."""
    if found is not None and plan.by_rank:
        return [{"$match": found.match(plan.window.offset, limit)}]
    further: list[Match] = [] if plan.after is None else [beyond(plan, plan.after)]
    if found is not None:
        further.append(found.match())
    order = ordered(plan.table, plan.order)
    if {term.field for term in plan.order} == set(plan.table.schema.primary_key):
        # There is an index in this order: documents are looked at until the page is full, and no further.
        (sort,) = order
        stages = list_stages(plan, *further, window=Window(sort, plan.window.offset + limit))
    else:
        stages = [*list_stages(plan, *further), *order]
    if plan.window.offset:
        stages.append({"$skip": plan.window.offset})
    return [*stages, {"$limit": limit}]


def _shown(plan: RecordPlan | DetailPlan, names: tuple[str, ...]) -> list[Stage]:
    table, populated, allowed = plan.table, plan.populated, plan.allowed
    if populated is None:
        stages: list[Stage] = [{"$project": {**projection(table, names)}}]
    else:
        stages = populating(table, names, populated.branches, populated.max_per_record)
    if allowed is not None and allowed.differs:
        stages[-1]["$project"][_WRITABLE] = 1
        stages.insert(0, marking(table, allowed.writable, _WRITABLE))
    return stages


def _counted(plan: RecordPlan) -> list[Stage]:
    return [*list_stages(plan), {"$count": _TOTAL}]


async def _count(place: Place, plan: RecordPlan) -> int:
    found = await documents_of(place, plan.table, _counted(plan))
    return found[0][_TOTAL] if found else 0


def _writer(plan: RecordPlan | DetailPlan) -> Callable[[Document], str]:
    if plan.populated is None:
        return partial(row_json, plan.table, plan.fields)
    return Writer(plan.table, plan.fields, plan.populated).write


def _with_actions(write: Callable[[Document], str], allowed: Allowed | None) -> Callable[[Document], str]:
    """A record with what the caller may do with it, if that is asked."""
    if allowed is None:
        return write
    most, least = (msgspec.json.encode(one).decode() for one in (allowed.within, allowed.always))

    def written(document: Document) -> str:
        actions = most if not allowed.differs or document[_WRITABLE] else least
        return f'{write(document)[:-1]},"{NAME}":{actions}}}'

    return written


def _ranked(write: Callable[[Document], str], plan: RecordPlan, found: Found) -> Callable[[Document], str]:
    """A record with its rank, unless something else is called so."""
    related = () if plan.populated is None else (one.name for one in plan.populated.branches)
    if "rank" in {*plan.table.schema.by_name, *related}:
        return write
    return lambda document: f'{write(document)[:-1]},"rank":{found.rank(document)}}}'


@dataclass
class _Page:
    """Takes what a pipeline gives: the records of a page by their keys, the one behind them, and how many there are."""

    write: Callable[[Document], str]
    limit: int
    rows: list[tuple[Any, str]] = field(default_factory=list["tuple[Any, str]"])
    last: Document = field(default_factory=dict[str, Any])
    size: int = 0
    is_followed: bool = False
    total: int = 0

    def take(self, document: Document) -> None:
        if _TOTAL in document:
            self.total = document[_TOTAL]
        elif len(self.rows) == self.limit:
            self.is_followed = True
        else:
            text = self.write(document)
            self.rows.append((document.get(KEY), text))
            self.last = document
            self.size += len(text)
            check_size(self.size)


async def _each(
    place: Place,
    table: Table,
    stages: Sequence[Stage],
    populated: Populated | None,
    take: Callable[[Document], None],
) -> None:
    try:
        await each_of(place, table, stages, take)
    except errors.TooLarge:
        if populated is None:
            raise
        # What is related to one record is more than a document of MongoDB.
        too_large(populated)
