"""What changes from one schema of a table to the next, in an order in which it can be done, and what is lost by it.

Fields are matched by id (`identity`), so a rename is a rename. Pure: nothing here looks at the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from penstock.tables.models import Field, ForeignKey, Index, TableSchema
from penstock.tables.schema import checks, conversions, ddl, identity
from penstock.tables.schema.companion import keeps_edges, require_own_field
from penstock.tables.schema.identity import FieldIds
from penstock.tables.schema.language import refuse


class Kind(StrEnum):
    """In the order in which changes are made: what is in the way goes first, and references come last."""

    DROP_EDGES = "drop_graph"
    DROP_KEY = "drop_foreign_key"
    DROP_INDEX = "drop_index"
    DROP_SEARCH = "drop_search"
    DROP_UNIQUE = "drop_unique"
    DROP_CHECK = "drop_check"
    DROP_FIELD = "drop_field"
    RENAME_FIELD = "rename_field"
    CHANGE_TYPE = "change_type"
    ADD_FIELD = "add_field"
    CHANGE_DEFAULT = "change_default"
    RELAX = "make_optional"
    REQUIRE = "make_required"
    CHANGE_CHECK = "change_check"
    ADD_CHECK = "add_check"
    ADD_UNIQUE = "add_unique"
    ADD_SEARCH = "add_search"
    ADD_INDEX = "add_index"
    ADD_EDGES = "add_graph"
    ADD_KEY = "add_foreign_key"
    STOP_CHANGES = "stop_changes"
    FOLLOW_CHANGES = "follow_changes"
    START_CHANGES = "start_changes"


ORDER: Final = tuple(Kind)
SAFE, DESTRUCTIVE, DEPENDS = "safe", "destructive", "depends"
# Contract section 9.2. What is safe may still be refused by the rows that are there, and then nothing changes.
CLASSIFICATION: Final[Mapping[Kind, tuple[str, str]]] = MappingProxyType(
    {
        Kind.DROP_EDGES: (
            DEPENDS,
            "Destructive when the edges are kept in a table of their own; those that a field says stay with it.",
        ),
        Kind.DROP_KEY: (SAFE, "Rows stay as they are."),
        Kind.DROP_INDEX: (SAFE, "An index holds nothing that rows do not."),
        Kind.DROP_SEARCH: (SAFE, "The search vector is made of the rows."),
        Kind.DROP_UNIQUE: (SAFE, "Rows stay as they are."),
        Kind.DROP_CHECK: (SAFE, "Rows stay as they are."),
        Kind.DROP_FIELD: (DESTRUCTIVE, "Its values are gone."),
        Kind.RENAME_FIELD: (SAFE, "With `x-rename-from`; without it, it is a drop and an addition."),
        Kind.CHANGE_TYPE: (
            DEPENDS,
            "Safe when it widens; destructive when a value may fail or lose something.",
        ),
        Kind.ADD_FIELD: (DEPENDS, "Destructive when required without a default while the table has rows."),
        Kind.CHANGE_DEFAULT: (SAFE, "It is for new rows."),
        Kind.RELAX: (SAFE, "More is allowed than before."),
        Kind.REQUIRE: (SAFE, "Refused while rows have no value."),
        Kind.CHANGE_CHECK: (
            DEPENDS,
            "Destructive when `maxLength` shrinks; else refused while rows break it.",
        ),
        Kind.ADD_CHECK: (DEPENDS, "Destructive for `maxLength`; else refused while rows break it."),
        Kind.ADD_UNIQUE: (SAFE, "Refused while rows repeat a value."),
        Kind.ADD_SEARCH: (SAFE, "The search vector is made of the rows."),
        Kind.ADD_INDEX: (SAFE, "A unique one is refused while rows repeat a value."),
        Kind.ADD_EDGES: (SAFE, "A table for edges is made, empty."),
        Kind.ADD_KEY: (SAFE, "Refused while rows refer to nothing."),
        Kind.STOP_CHANGES: (SAFE, "Rows stay as they are; the feed ends."),
        Kind.FOLLOW_CHANGES: (SAFE, "The feed shows changes under the new names."),
        Kind.START_CHANGES: (SAFE, "The feed begins."),
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `name` is the field's, index's or key's; up to renames old names count, after them new ones.

    `loses` says what needs `allow_data_loss`, None when nothing does.
    """

    kind: Kind
    name: str
    before: Any = None
    after: Any = None
    what: str = ""  # the kind of a check
    loses: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A schema with the ids of its fields."""

    schema: TableSchema
    ids: FieldIds


@dataclass(frozen=True, slots=True)
class Followed:
    """What the changes kept so far are read as: under which names, None being left out, and what undoes that.

    A field that is taken back leaves its values in them, which must not become those of another one.
    """

    schema: TableSchema
    names: Mapping[str, str | None]
    back: Mapping[str, str | None]


def diff(name: str, old: Version, new: Version, *, has_rows: bool, undoes: bool = False) -> list[Change]:
    """Raises `Invalid` for what no change of a table with rows can do, unless it `undoes` another."""
    found = _Comparison(name, old, new, has_rows, undoes).changes()
    return sorted(found, key=lambda one: ORDER.index(one.kind))


class _Comparison:
    def __init__(self, name: str, old: Version, new: Version, has_rows: bool, undoes: bool) -> None:
        self.name, self.old, self.new, self.has_rows = name, old.schema, new.schema, has_rows
        self.undoes = undoes
        self.renames = identity.renames(old.ids, new.ids)
        self.old_names = {to: since for since, to in self.renames}
        kept = set(new.ids.values())
        self.dropped = [one for one in self.old.fields if old.ids[one.name] not in kept]
        gone = {one.name for one in self.dropped}
        # The old schema under the new names.
        self.middle = identity.renamed(self.old, dict(self.renames), ("", name))
        known = set(old.ids.values())
        self.added = [one for one in self.new.fields if new.ids[one.name] not in known]
        fresh = {one.name for one in self.added}
        by_old_name = {one.name: one for one in self.old.fields if one.name not in gone}
        self.pairs = [
            (by_old_name[self.old_names.get(one.name, one.name)], one)
            for one in self.new.fields
            if one.name not in fresh
        ]
        self.retyped = {after.name for before, after in self.pairs if conversions.rewrites(before, after)}

    def changes(self) -> Iterator[Change]:
        self._check_key()
        yield from self._fields()
        for before, after in self.pairs:
            yield from self._pair(before, after)
        yield from self._indexes()
        yield from self._search()
        yield from self._keys()
        yield from self._edges()
        yield from self._feed()

    def _check_key(self) -> None:
        if self.middle.primary_key != self.new.primary_key:
            refuse(
                "the primary key of a table does not change; "
                f"this one's is {', '.join(self.old.primary_key)}. Create another table and move the records."
            )
        for before, after in self.pairs:
            if after.name in self.new.primary_key and conversions.kind(before) != conversions.kind(after):
                refuse(
                    f"Field '{after.name}' is part of the primary key, and its type does not change "
                    f"({conversions.kind(before)} to {conversions.kind(after)})."
                )

    def _fields(self) -> Iterator[Change]:
        for one in self.dropped:
            yield Change(Kind.DROP_FIELD, one.name, before=one, loses=f"drop column '{one.name}'")
        for since, to in self.renames:
            yield Change(Kind.RENAME_FIELD, to, before=since, after=to)
        for one in self.added:
            loses = None
            if self.has_rows and is_required(one, self.new) and ddl.column_default(one, self.new) is None:
                loses = f"add required column '{one.name}' without a default to a table with rows"
            yield Change(Kind.ADD_FIELD, one.name, after=one, loses=loses)

    def _pair(self, before: Field, after: Field) -> Iterator[Change]:
        name = after.name
        if conversions.kind(before) != conversions.kind(after):
            yield self._type(before, after)
        default = ddl.column_default(before, self.old), ddl.column_default(after, self.new)
        if default[0] != default[1] and name not in self.retyped:
            yield Change(Kind.CHANGE_DEFAULT, name, before=default[0], after=default[1])
        required = is_required(before, self.old), is_required(after, self.new)
        if required[0] and not required[1]:
            yield Change(Kind.RELAX, name, before=before, after=after)
        if required[1] and not required[0]:
            yield Change(Kind.REQUIRE, name, before=before, after=after)
        yield from self._checks(before, after)
        unique = ddl.has_unique(before, self.old), ddl.has_unique(after, self.new)
        if unique[0] and not unique[1]:
            yield Change(Kind.DROP_UNIQUE, before.name, before=before)
        if unique[1] and not unique[0]:
            yield Change(Kind.ADD_UNIQUE, name, before=before, after=after)

    def _type(self, before: Field, after: Field) -> Change:
        kinds = f"{conversions.kind(before)} to {conversions.kind(after)}"
        if not self.undoes and not conversions.possible(before, after):
            refuse(
                f"Field '{after.name}' cannot turn from {kinds}; add a field of the new type under another name."
            )
        loses = None
        if not conversions.widens(before, after):
            loses = f"change type of '{after.name}' from {kinds}"
        return Change(Kind.CHANGE_TYPE, after.name, before=before, after=after, loses=loses)

    def _checks(self, before: Field, after: Field) -> Iterator[Change]:
        old = dict(checks.as_sql(before, "c"))
        new = dict(checks.as_sql(after, "c"))
        anew = after.name in self.retyped
        for what in old:
            if anew or what not in new:
                yield Change(Kind.DROP_CHECK, before.name, before=before, what=what)
        for what, condition in new.items():
            if what in old and old[what] == condition and not anew:
                continue
            changes = what in old and not anew
            yield Change(
                Kind.CHANGE_CHECK if changes else Kind.ADD_CHECK,
                after.name,
                before=before,
                after=after,
                what=what,
                loses=_narrows(before, after, what),
            )

    def _indexes(self) -> Iterator[Change]:
        old = {one.name: (was, one) for was, one in zip(self.old.indexes, self.middle.indexes, strict=True)}
        # These are named after their fields, so that one whose fields are renamed is another.
        implied = zip(ddl.implied_indexes(self.old), ddl.implied_indexes(self.middle), strict=True)
        old |= {was.name: (was, one) for was, one in implied}
        new = {one.name: one for one in (*self.new.indexes, *ddl.implied_indexes(self.new))}
        for name, (was, one) in old.items():
            if not _same_index(one, new.get(name)) or self._is_touched(one):
                yield Change(Kind.DROP_INDEX, name, before=was)
        for name, one in new.items():
            if name not in old or not _same_index(old[name][1], one) or self._is_touched(one):
                yield Change(Kind.ADD_INDEX, name, after=one)

    def _is_touched(self, index: Index) -> bool:
        names = set(index.fields)
        if index.expression or index.where:
            from penstock.tables.schema import expressions  # noqa: PLC0415  (the SQL parser is large)

            for text in (index.expression, index.where):
                names |= expressions.columns_of(text) if text else set[str]()
        return not names.isdisjoint(self.retyped)

    def _search(self) -> Iterator[Change]:
        old, new = self.middle, self.new
        same = (old.search_fields, old.search_language) == (new.search_fields, new.search_language)
        if not old.search_fields:
            same = not new.search_fields
        if same:
            return
        if old.search_fields:
            yield Change(Kind.DROP_SEARCH, "search_fields", before=self.old)
        if new.search_fields:
            yield Change(Kind.ADD_SEARCH, "search_fields", after=new)

    def _keys(self) -> Iterator[Change]:
        pairs = list(zip(self.old.foreign_keys, self.middle.foreign_keys, strict=True))
        stays = {one for _, one in pairs if one in self.new.foreign_keys and not self._key_is_touched(one)}
        for was, one in pairs:
            if one not in stays:
                yield Change(Kind.DROP_KEY, ", ".join(was.fields), before=was)
        for one in self.new.foreign_keys:
            if one not in stays:
                yield Change(Kind.ADD_KEY, ", ".join(one.fields), after=one)

    def _edges(self) -> Iterator[Change]:
        """Edges are kept in a table of their own, or said by a field, and then nothing is made or lost."""
        require_own_field(self.name, self.new)
        had, has = keeps_edges(self.old), keeps_edges(self.new)
        if had and not has:
            yield Change(Kind.DROP_EDGES, "graph", before=self.old, loses=f"drop the edges of '{self.name}'")
        if has and not had:
            yield Change(Kind.ADD_EDGES, "graph", after=self.new)

    def _feed(self) -> Iterator[Change]:
        """A feed that goes on shows what it has under the new names, and leaves out what is of another type now."""
        if self.old.changes and not self.new.changes:
            yield Change(Kind.STOP_CHANGES, "changes", before=self.old)
        elif self.new.changes and not self.old.changes:
            yield Change(Kind.START_CHANGES, "changes", after=self.new)
        elif self.new.changes:
            retyped = [
                (before.name, after.name)
                for before, after in self.pairs
                if conversions.kind(before) != conversions.kind(after)
            ]
            gone = [*(one.name for one in self.dropped), *(since for since, _ in retyped)]
            come = [*(one.name for one in self.added), *(to for _, to in retyped)]
            names = {**dict(self.renames), **dict.fromkeys(gone)}
            back = {**{to: since for since, to in self.renames}, **dict.fromkeys(come)}
            searched = bool(self.old.search_fields), bool(self.new.search_fields)
            if names or back or searched[0] != searched[1]:
                yield Change(
                    Kind.FOLLOW_CHANGES, "changes", before=self.old, after=Followed(self.new, names, back)
                )

    def _key_is_touched(self, key: ForeignKey) -> bool:
        return not self.retyped.isdisjoint(key.fields)


def is_required(field: Field, schema: TableSchema) -> bool:
    return field.constraints.required or field.name in schema.primary_key


def _same_index(one: Index, other: Index | None) -> bool:
    def shape(index: Index) -> tuple[Any, ...]:
        return (
            index.fields, index.expression, index.method, index.unique, index.where, index.operators, index.options
        )  # fmt: skip

    return other is not None and shape(one) == shape(other)


def _narrows(before: Field, after: Field, what: str) -> str | None:
    """A shorter `maxLength` is a narrower type; other constraints are held to the rows that are there."""
    new = after.constraints.max_length
    if what != "maxlength" or new is None:
        return None
    old = before.constraints.max_length
    if conversions.kind(before) == conversions.kind(after) and old is not None and old <= new:
        return None
    return f"narrow '{after.name}' to maxLength {new}"
