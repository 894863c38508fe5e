"""Parts of an import into a collection, all in one transaction.

A write that MongoDB refuses ends its transaction, and there are no savepoints. So rows are looked at before they are
written; and what can be seen only afterwards, a reference or a rule, takes the whole part back again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo import InsertOne, ReplaceOne, UpdateOne

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables.bulk.part import Part, PlacedFault, Refusal, refusal
from penstock.tables.bulk.rows import ROW
from penstock.tables.providers.mongodb.definition import KEY, LAYOUT
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.keys import give_keys
from penstock.tables.providers.mongodb.linking import missing, orphans
from penstock.tables.providers.mongodb.match import any_of
from penstock.tables.providers.mongodb.ruling import complete, is_hidden, places_outside
from penstock.tables.providers.mongodb.shape import (
    changes,
    comparable,
    documents,
    layout_of,
    names_by_path,
    path_of,
)
from penstock.tables.providers.mongodb.upserting import check, refuse_ambiguous, stored_records, updates
from penstock.tables.providers.mongodb.violations import Taken, require_declared, unique_paths
from penstock.tables.providers.mongodb.writing import Document, Writes, apply, defaults, fill, insert
from penstock.tables.records import batch
from penstock.tables.records.call import outside
from penstock.tables.records.codec import Incoming
from penstock.tables.records.reach import limits_in

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Claims:
    """What rows want of one unique index: the values, the records they change and the values that these have.

    `held` are the records that have the wanted values now.
    """

    paths: Sequence[str]
    wanted: Sequence[tuple[Any, ...] | None]
    own: Sequence[Any]
    given_up: Sequence[tuple[Any, ...] | None]
    held: Mapping[tuple[Any, ...], Any]

    def refused(self, places: Iterable[int]) -> list[int]:
        """Those of some rows whose values another record has, or an earlier one of them wants."""
        found: list[int] = []
        seen: set[tuple[Any, ...]] = set()
        for place in places:
            value = self.wanted[place]
            if value is None:
                continue
            holder = self.held.get(value)
            if value in seen or (holder is not None and holder != self.own[place]):
                found.append(place)
            seen.add(value)
        return found

    def first(self, turns: Iterable[int]) -> int | None:
        """The first row that cannot have what it wants when its turn comes."""
        held: dict[tuple[Any, ...], Any] = dict(self.held)
        for place in turns:
            value, own, old = self.wanted[place], self.own[place], self.given_up[place]
            holder = None if value is None else held.get(value)
            if holder is not None and holder != own:
                return place
            if old is not None and held.get(old) == own:
                del held[old]
            if value is not None:
                held[value] = _New if own is None else own
        return None


class _New:
    """Has what a record that is new wanted."""


class DocumentsTarget:
    """A collection. `unique` are the fields by which an upsert finds records; without them rows must be new.

    `writes` are in a transaction.
    """

    def __init__(self, writes: Writes, table: Table, grant: Grant, unique: tuple[str, ...]) -> None:
        assert grant.action == "record.write" and writes.session is not None
        self._writes = writes
        self._table = table
        self._limits = limits_in(table, grant.principal)
        self._unique = unique
        self._known = names_by_path(table)

    def lines(self, incoming: Incoming) -> None:
        """There is no COPY."""
        return None

    async def write(self, conn: Connection, part: Part) -> int:
        """Raises `Refusal`; `Contended` when somebody has written such a record meanwhile."""
        if self._unique:
            return await self._merge(part)
        return await self._insert(part)

    async def _insert(self, part: Part) -> int:
        table = self._table
        with _named():
            made = await asyncio.to_thread(documents, table, part.incoming)
            complete(table, made, defaults(table.whole))
        try:
            await self._refuse_taken([range(len(made))], made, [None] * len(made))
        except Refusal as refused:
            # As a sequence does: the rows before the first that is refused have used up their numbers.
            first = min(one.place for one in refused.faults)
            await give_keys(self._writes.place, table, made[: first + 1])
            raise
        fill(self._writes, table, made)
        await give_keys(self._writes.place, table, made)
        async with self._written([range(len(made))], made, made, made, ()):
            await insert(self._writes, table, made)
        return len(made)

    async def _merge(self, part: Part) -> int:
        table, writes = self._table, self._writes
        names = [path_of(table, name) for name in self._unique]
        with _named():
            message = "This field tells records apart here and must be sent."
            batch.require(table, part.incoming, self._unique, message)
            sent = await asyncio.to_thread(changes, table, part.incoming)
            found = await stored_records(writes, table, sent, names, {}, live=False)
            await self._refuse_outside([one[0] if one else None for one in found])
            refuse_ambiguous(found, self._unique, is_list=True)
            check(table, part.incoming, sent, found, self._unique)
            news = [
                {path: value for path, value in {**defaults(table.whole), **one}.items() if value is not None}
                for one, there in zip(sent, found, strict=True)
                if not there
            ]
            complete(table, news, {})
        coming = iter(news)
        given = [one if there else next(coming) for one, there in zip(sent, found, strict=True)]
        after = [{**there[0], **one} if there else one for one, there in zip(given, found, strict=True)]
        before = [one[0] if one else None for one in found]
        # As PostgreSQL writes them.
        groups = [one.positions for one in batch.groups(table, part.incoming, self._unique)]
        in_turn = await self._refuse_taken(groups, after, before)
        fill(writes, table, news)
        await give_keys(writes.place, table, news)
        there = [one for one in before if one is not None]
        async with self._written(groups, after, given, news, there):
            pairs = [(one, stored) for one, stored in zip(sent, before, strict=True) if stored is not None]
            changed = iter(updates(table, writes, pairs, self._unique, revive=True))
            written = [
                next(changed) if stored else InsertOne(one) for one, stored in zip(given, before, strict=True)
            ]
            if in_turn:
                order = [written[place] for group in groups for place in group]
            else:
                order = sorted(written, key=lambda one: isinstance(one, UpdateOne))
            await apply(writes, table, order)
        return len(news)

    @asynccontextmanager
    async def _written(
        self,
        groups: Sequence[Sequence[int]],
        rows: Sequence[Document],
        given: Sequence[Document],
        news: Sequence[Document],
        before: Sequence[Document],
    ) -> AsyncGenerator[None]:
        """What is written inside is taken back when a row of it may not be so: `news`, and what was `before`."""
        writes, table = self._writes, self._table
        try:
            yield
        except Taken as refused:
            require_declared(table, refused)
            raise errors.Contended from refused
        try:
            if broken := await orphans(writes, table, given):
                turns = _turns(groups)
                places, key = min(broken, key=lambda one: min(turns[place] for place in one[0]))
                faults = [PlacedFault(n, key.fields[0], missing(key)) for n in places]
                raise Refusal(None, faults, is_conflict=False)
            await self._refuse_outside(rows)
        except Refusal:
            await self._take_back(news, before)
            raise

    async def _refuse_outside(self, rows: Sequence[Document | None]) -> None:
        """The rules let the caller write these records."""
        there = [(place, one) for place, one in enumerate(rows) if one is not None]
        found = await places_outside(self._writes, self._limits, [one for _, one in there])
        if found:
            error = outside(self._table, self._limits)
            faults = [PlacedFault(there[n][0], ROW, error.message) for n in found]
            raise Refusal(error, faults, is_conflict=False)

    async def _refuse_taken(
        self,
        groups: Sequence[Sequence[int]],
        rows: Sequence[Document],
        before: Sequence[Document | None],
    ) -> bool:
        """No row takes a value that is unique and that another has when its turn comes.

        True when the turns matter: some row takes what another gives up.
        """
        found = [await self._claims(paths, rows, before) for paths in unique_paths(self._table)]
        disputed = [one for one in found if one.refused(range(len(rows)))]
        turns = _turns(groups)
        lost = [
            (turns[place], n) for n, one in enumerate(disputed) if (place := one.first(turns)) is not None
        ]
        if not lost:
            return bool(disputed)
        turn, n = min(lost)
        claims = disputed[n]
        group = next(one for one in groups if any(turns[place] == turn for place in one))
        if is_hidden(self._table, claims.paths):
            field, message = ROW, "A record like this exists already."
        else:
            names = [self._known.get(path, path) for path in claims.paths]
            field, message = names[0], f"A record with this {', '.join(names)} exists already."
        faults = [PlacedFault(place, field, message) for place in claims.refused(sorted(group))]
        raise Refusal(errors.Conflict(message), faults, is_conflict=True)

    async def _claims(
        self, paths: Sequence[str], rows: Sequence[Document], before: Sequence[Document | None]
    ) -> Claims:
        wanted = [_values(one, paths) for one in rows]
        values = {one: [rows[n][path] for path in paths] for n, one in enumerate(wanted) if one is not None}
        held: dict[tuple[Any, ...], Any] = {}
        records, shown = self._writes.collection(self._table), dict.fromkeys((KEY, *paths), 1)
        every = list(values.values())
        for start in range(0, len(every), _AT_ONCE):
            match = any_of(paths, every[start : start + _AT_ONCE])
            with translated():
                async for stored in records.find(match, shown, session=self._writes.session):
                    value = _values(stored, paths)
                    if value is not None:
                        held[value] = comparable(stored[KEY])
        own = [None if one is None else comparable(one[KEY]) for one in before]
        given_up = [None if one is None else _values(one, paths) for one in before]
        return Claims(paths, wanted, own, given_up, held)

    async def _take_back(self, news: Sequence[Document], before: Sequence[Document]) -> None:
        records, session = self._writes.collection(self._table), self._writes.session
        keys = [path_of(self._table, name) for name in self._table.schema.primary_key]
        with translated():
            for start in range(0, len(news), _AT_ONCE):
                match = any_of(keys, [[one[path] for path in keys] for one in news[start : start + _AT_ONCE]])
                await records.delete_many(match, session=session)
            token = layout_of(self._table).token
            mark = {LAYOUT: token} if token else {}
            if before:
                again = [ReplaceOne({KEY: one[KEY]}, {**one, **mark}) for one in before]
                await records.bulk_write(again, session=session)


@contextmanager
def _named() -> Generator[None]:
    """What is wrong with rows by themselves is a refusal of them."""
    try:
        yield
    except (errors.Invalid, errors.RowRefused) as error:
        raise refusal(error) from error
    except errors.Conflict as error:
        if isinstance(error, errors.Contended):
            raise
        raise refusal(error) from error


def _turns(groups: Sequence[Sequence[int]]) -> dict[int, int]:
    order = (place for group in groups for place in group)
    return {place: turn for turn, place in enumerate(order)}


def _values(document: Document, paths: Sequence[str]) -> tuple[Any, ...] | None:
    """What an index holds of a document, if it has all of that."""
    found = [document.get(path) for path in paths]
    return None if None in found else tuple(map(_hashable, found))


def _hashable(value: Any) -> Any:
    return repr(value) if type(value) in (dict, list) else comparable(value)
