"""A list as lines of JSON or of CSV, as PostgreSQL writes them: of one moment, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from penstock.tables.catalog import Table
from penstock.tables.models import Field
from penstock.tables.providers.mongodb.definition import KEY, kind_of
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.joining import Stage
from penstock.tables.providers.mongodb.reading import list_stages, ordered
from penstock.tables.providers.mongodb.searching import Found
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import path_of, projection, rendering, row_json
from penstock.tables.records.plan import RecordPlan

_PIECE = 2_000  # records
_RANKED = 1_000
# Texts as they are: their JSON would have to be read again.
_TEXTS = frozenset({"string", "duration", "yearmonth"})
# JSON in a string, which has nothing to unescape in it.
_QUOTED = frozenset({"uuid", "date", "time", "datetime"})
Document = dict[str, Any]
Write = Callable[[Document], str]


@dataclass(frozen=True, slots=True)
class Export:
    """What is wanted: `found` is what a search by words has found; `as_json` are lines of JSON, else of CSV."""

    plan: RecordPlan
    found: Found | None
    limit: int | None
    seconds: float
    as_json: bool

    @property
    def writer(self) -> Write:
        table, names = self.plan.table, self.plan.fields
        return partial(row_json, table, names) if self.as_json else _csv(table, names)


async def pieces(place: Place, wanted: Export) -> AsyncGenerator[bytes]:
    """Whole lines, some records at a time."""
    await place.server.can_transact()
    write = wanted.writer
    async with AsyncExitStack() as stack:
        session = None
        if place.server.has_snapshots:
            session = await stack.enter_async_context(place.server.client.start_session(snapshot=True))
        if wanted.found is not None and wanted.plan.by_rank:
            for start in range(0, _most(wanted, len(wanted.found.keys)), _RANKED):
                yield await _ranked(place, wanted, wanted.found, start, session)
            return
        plan = wanted.plan
        further = () if wanted.found is None else (wanted.found.match(),)
        stages = [*list_stages(plan, *further), *ordered(plan.table, plan.order)]
        if wanted.limit is not None:
            stages.append({"$limit": wanted.limit})
        with translated():
            cursor = await _cursor(place, wanted, [*stages, {"$project": _shown(plan)}], session)
            await stack.enter_async_context(cursor)
            while documents := await cursor.to_list(_PIECE):
                yield await asyncio.to_thread(_written, write, documents)


def _most(wanted: Export, count: int) -> int:
    return count if wanted.limit is None else min(count, wanted.limit)


async def _ranked(
    place: Place, wanted: Export, found: Found, start: int, session: AsyncClientSession | None
) -> bytes:
    """Some of what a search has found, best first."""
    count = min(_RANKED, _most(wanted, len(found.keys)) - start)
    stages: list[Stage] = [{"$match": found.match(start, count)}]
    stages.append({"$project": {**_shown(wanted.plan), KEY: 1}})
    with translated():
        cursor = await _cursor(place, wanted, stages, session)
        async with cursor:
            rows = found.sorted([(one[KEY], one) for one in await cursor.to_list(None)])
    return _written(wanted.writer, [one for _, one in rows])


def _shown(plan: RecordPlan) -> dict[str, int]:
    return dict(projection(plan.table, plan.fields))


async def _cursor(
    place: Place, wanted: Export, stages: Sequence[Stage], session: AsyncClientSession | None
) -> Any:
    return await place.collection(wanted.plan.table.place.name).aggregate(
        stages,
        session=session,
        allowDiskUse=True,
        batchSize=_PIECE,
        maxTimeMS=max(1, int(wanted.seconds * 1000)),
    )


def _written(write: Write, documents: Sequence[Document]) -> bytes:
    return "".join([f"{write(one)}\n" for one in documents]).encode()


def _csv(table: Table, names: Sequence[str]) -> Write:
    cells = [(path_of(table, name), _cell(table.schema.by_name[name])) for name in names]
    is_alone = len(cells) == 1

    def write(document: Document) -> str:
        found = [
            "" if (value := document.get(path)) is None else _quoted(render(value), is_alone=is_alone)
            for path, render in cells
        ]
        return ",".join(found)

    return write


def _cell(field: Field) -> Callable[[Any], str]:
    """The text of a stored value."""
    kind, render = kind_of(field), rendering(field)
    if kind in _TEXTS:
        return lambda value: value
    if kind in _QUOTED:
        return lambda value: render(value)[1:-1]
    return render


def _quoted(text: str, *, is_alone: bool) -> str:
    """A value of CSV as PostgreSQL quotes it: empty text is not null, and a line is not the end of the data."""
    if text and not any(letter in text for letter in ',"\n\r') and not (is_alone and text == "\\."):
        return text
    return '"' + text.replace('"', '""') + '"'
