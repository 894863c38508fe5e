"""The tables of one app, and which of them refer to which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from penstock.tables.models import ForeignKey, ProviderType
from penstock.tables.providers import Feature, capabilities
from penstock.tables.relations.models import Pairs

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


class Reference(NamedTuple):
    """A foreign key of `child` that leads to `parent`; `pairs` are (field of the child, field of the parent)."""

    child: str
    parent: str
    pairs: Pairs

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(field for field, _ in self.pairs)

    @property
    def reversed(self) -> Pairs:
        return tuple((there, here) for here, there in self.pairs)


class Family:
    """Only tables that can be joined with each other are in it."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self.tables: Mapping[str, Table] = {
            table.name: table
            for table in tables
            if capabilities(table.provider).can(Feature.RECORDS)
            and capabilities(table.provider).can(Feature.RELATED)
        }
        self._up: dict[str, list[Reference]] = {}
        self._down: dict[str, list[Reference]] = {}
        for name in sorted(self.tables):
            for reference in self._references(self.tables[name]):
                self._up.setdefault(name, []).append(reference)
                self._down.setdefault(reference.parent, []).append(reference)

    @cached_property
    def has_rules(self) -> bool:
        return any(table.whole.rules for table in self.tables.values())

    def within(self, seen: Callable[[Table], Table | None]) -> Family:
        """The family of those tables that `seen` gives, in the form in which it gives them."""
        return Family(found for table in self.tables.values() if (found := seen(table)) is not None)

    def parents(self, name: str) -> Sequence[Reference]:
        """The foreign keys of a table."""
        return self._up.get(name, ())

    def children(self, name: str) -> Sequence[Reference]:
        """The foreign keys that lead to a table."""
        return self._down.get(name, ())

    def _references(self, table: Table) -> Iterable[Reference]:
        found = (_reference(table.name, key) for key in table.schema.foreign_keys)
        return dict.fromkeys(
            one for one in found if one.parent in self.tables and _meet(table, self.tables[one.parent])
        )


def _meet(table: Table, other: Table) -> bool:
    """True when one statement can read both tables."""
    if ProviderType.MONGODB not in (table.provider, other.provider):
        return True
    return table.definition.data_source_id == other.definition.data_source_id


def _reference(child: str, key: ForeignKey) -> Reference:
    return Reference(child, key.resource or child, tuple(zip(key.fields, key.reference_fields, strict=True)))
