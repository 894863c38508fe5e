"""Row rules of writes: what is changed or deleted is found by them, and what is written is held to them.

MongoDB keeps no rules itself, so records are looked at again in the transaction that wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from penstock.kit import errors
from penstock.kit.filters import conjunction
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.match import Match, any_of, every
from penstock.tables.providers.mongodb.reading import matching
from penstock.tables.providers.mongodb.shape import comparable, path_of
from penstock.tables.rules.models import Limits

if TYPE_CHECKING:
    from penstock.tables.catalog import Table
    from penstock.tables.providers.mongodb.writing import Document, Writes

_AT_ONCE = 500


class Lacking(errors.RowRefused):
    """Such a record needs more than you may write."""


def seen(limits: Limits) -> Match:
    """The records that the caller reads, deleted ones among them."""
    return matching(limits.table, limits.rows, hide_deleted=False) if limits.is_limited else {}


def within(limits: Limits) -> Match:
    """The records that the caller reads and may change."""
    if not limits.is_limited:
        return {}
    return matching(limits.table, conjunction([limits.rows, limits.writable]), hide_deleted=False)


async def require_within(writes: Writes, limits: Limits, written: Sequence[Document]) -> None:
    """Raises `RowRefused` when one of these records, which name their keys, is not what the caller may write."""
    if not limits.is_limited:
        return
    paths = [path_of(limits.table, name) for name in limits.table.schema.primary_key]
    for start in range(0, len(written), _AT_ONCE):
        some = [{path: one[path] for path in paths} for one in written[start : start + _AT_ONCE]]
        await require_none(writes, limits, {"$and": [{"$or": some}, {"$nor": [within(limits)]}]})


async def places_outside(writes: Writes, limits: Limits, written: Sequence[Document]) -> list[int]:
    """The places of those of these records, which name their keys, that are not what the caller may write."""
    if not limits.is_limited:
        return []
    paths = [path_of(limits.table, name) for name in limits.table.schema.primary_key]
    keys = [tuple(one[path] for path in paths) for one in written]
    found: set[tuple[Any, ...]] = set()
    for start in range(0, len(keys), _AT_ONCE):
        some = any_of(paths, keys[start : start + _AT_ONCE])
        match: Match = {"$and": [some, {"$nor": [within(limits)]}]}
        with translated():
            shown = dict.fromkeys(paths, 1)
            async for one in writes.collection(limits.table).find(match, shown, session=writes.session):
                found.add(tuple(comparable(one[path]) for path in paths))
    return [place for place, key in enumerate(keys) if tuple(map(comparable, key)) in found]


async def require_unseen(writes: Writes, limits: Limits, match: Match) -> None:
    """Raises `RowRefused` when the caller reads a record that is left."""
    if limits.is_limited:
        await require_none(writes, limits, every([match, seen(limits)]))


async def require_none(writes: Writes, limits: Limits, match: Match) -> None:
    with translated():
        records = writes.collection(limits.table)
        if await records.find_one(match, {"_id": 1}, session=writes.session) is not None:
            raise errors.RowRefused


def complete(table: Table, made: Sequence[Document], defaults: Document) -> None:
    """What fields get that the caller does not know of. Raises `Lacking` when one cannot be without a value."""
    hidden = [one for one in table.whole.schema.fields if one.name not in table.schema.by_name]
    for field in hidden:
        path = path_of(table.whole, field.name)
        for one in made:
            if path in defaults:
                one.setdefault(path, defaults[path])
            elif (
                field.constraints.required and path not in one and not table.whole.schema.manages(field.name)
            ):
                raise Lacking


def is_hidden(table: Table, paths: Sequence[Any]) -> bool:
    """True when one of the paths is of a field that the caller does not know of."""
    hidden = (one.name for one in table.whole.schema.fields if one.name not in table.schema.by_name)
    return not {path_of(table.whole, name) for name in hidden}.isdisjoint(paths)
