"""The rules of a table meet a caller: what they come to.

A caller reads the union of what the rules that name them read, and writes the union of what these write; whom no rule
names reads and writes nothing. A field is shown where it is shown of every row that the caller reads: by a rule that
reads all, or by rules of the same filters. Anything less would show it of rows for which a rule hides it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.identity import Principal, Role
from penstock.kit.filters import EVERYTHING, BoundTree, Or, Tree
from penstock.tables import access
from penstock.tables.rules.language import NOTHING, bind_for
from penstock.tables.rules.models import Inputs, Limits, Rule

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# The setting of a transaction by which the policies of PostgreSQL know who asks.
SETTING = "penstock.reach"


def limits_of(table: Table, principal: Principal) -> Limits:
    """Of edges, the limits of the table whose records they connect."""
    whole = (table.edges_of or table).whole
    return _limited(whole, principal) if whole.rules else _unlimited(whole)


@lru_cache(maxsize=4096)
def _unlimited(table: Table) -> Limits:
    return Limits(table, EVERYTHING, EVERYTHING, (), False, None)


@lru_cache(maxsize=4096)
def _limited(table: Table, principal: Principal) -> Limits:
    role = access.role_on(principal, table.definition)
    if role is not None and role >= Role.ADMIN:
        return Limits(table, EVERYTHING, EVERYTHING, (), False, Inputs(table.definition.id, True))
    matching = [one for one in table.rules if one.subjects is None or one.subjects.name(principal, role)]
    readers = [one for one in matching if one.read is not None]
    writers = [one for one in matching if one.write is not None]
    columns, values = table.columns, dict[str, str]()

    def union(rules: Sequence[Rule], letter: str, filter_of: Callable[[Rule], Tree | None]) -> BoundTree:
        found: list[BoundTree] = []
        for one in rules:
            tree = filter_of(one)
            assert tree is not None
            bound = bind_for(tree, columns, principal, f"{one.id}{letter}")
            values.update(bound.values)
            found.append(bound.tree)
        if EVERYTHING in found:
            return EVERYTHING
        return found[0] if len(found) == 1 else Or(tuple(found)) if found else NOTHING

    rows = union(readers, "r", _read)
    writable = union(writers, "w", _write)
    hidden = _hidden(table, readers)
    read_only = _read_only(writers) - hidden
    inputs = Inputs(
        table.definition.id, False, [one.id for one in readers], [one.id for one in writers], values
    )
    names = tuple(one.name for one in writers)
    return Limits(table.narrowed(hidden, read_only), rows, writable, names, True, inputs)


def _read(rule: Rule) -> Tree | None:
    return rule.read


def _write(rule: Rule) -> Tree | None:
    return rule.write


def _hidden(table: Table, readers: Sequence[Rule]) -> frozenset[str]:
    if not readers:
        return frozenset[str]().union(*(one.hidden for one in table.rules))
    named = frozenset[str]().union(*(one.hidden for one in readers))
    return frozenset(
        name
        for name in named
        if not _covers(readers, [one for one in readers if name not in one.hidden], _read)
    )


def _read_only(writers: Sequence[Rule]) -> frozenset[str]:
    named = frozenset[str]().union(*(one.read_only | one.hidden for one in writers))
    return frozenset(
        name
        for name in named
        if not _covers(writers, [one for one in writers if name not in one.read_only | one.hidden], _write)
    )


def _covers(rules: Sequence[Rule], some: Sequence[Rule], filter_of: Callable[[Rule], Tree | None]) -> bool:
    """True when some of the rules reach every row that any of them reaches."""
    filters = [filter_of(one) for one in some]
    return EVERYTHING in filters or all(filter_of(one) in filters for one in rules)


def setting_of(limits: Iterable[Limits]) -> str | None:
    """The value of the setting for these tables; None when none of them has rules."""
    found = [one.inputs for one in limits if one.inputs is not None]
    if not found:
        return None
    values: dict[str, Any] = {}
    for one in found:
        values |= one.values or {}
    told = {
        "x": sorted({one.table_id for one in found if one.is_exempt}),
        "r": [rule for one in found for rule in one.reading],
        "w": [rule for one in found for rule in one.writing],
        "v": values,
    }
    return msgspec.json.encode(told).decode()
