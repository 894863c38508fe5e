"""Which field of a new schema is which field of the old one: by id, never by place or likeness.

Ids are kept beside the definition, by name of the field. A name keeps its id, `x-rename-from` hands one on, and what
is left gets a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from penstock.kit import ids
from penstock.tables.models import ForeignKey, Index, TableSchema

FieldIds = Mapping[str, str]


def assign(known: FieldIds, old: TableSchema | None, new: TableSchema) -> dict[str, str]:
    """The ids of the new schema's fields. Names that have no id yet, such as those of old definitions, get one."""
    before = complete(known, old) if old is not None else {}
    hints = _honoured({one.name: one.renamed_from for one in new.fields if one.renamed_from}, before)
    given = {name: before[source] for name, source in hints.items()}
    taken = set(given.values())
    for name in new.names:
        if name not in given:
            kept = before.get(name)
            given[name] = kept if kept is not None and kept not in taken else ids.lower(10)
    return given


def complete(known: FieldIds, schema: TableSchema) -> dict[str, str]:
    """An id for every field. A field without one is known by its name."""
    return {name: known.get(name, f"name:{name}") for name in schema.names}


def renames(before: FieldIds, after: FieldIds) -> list[tuple[str, str]]:
    """Old and new names, in an order in which no new name is still in use by another field of `before` that stays."""
    new_names = {one: name for name, one in after.items()}
    waiting = {
        name: new_names[one] for name, one in before.items() if one in new_names and new_names[one] != name
    }
    ordered: list[tuple[str, str]] = []
    while waiting:
        ready = [(old, new) for old, new in waiting.items() if new not in waiting]
        assert ready, "names that change places"
        for old, new in ready:
            ordered.append((old, new))
            del waiting[old]
    return ordered


def renamed(schema: TableSchema, names: Mapping[str, str], own: Sequence[str]) -> TableSchema:
    """The schema with fields under other names wherever it mentions them. `own` is what it calls itself in keys."""
    if not names:
        return schema

    def new(name: str) -> str:
        return names.get(name, name)

    def key(one: ForeignKey) -> ForeignKey:
        theirs = one.reference_fields
        if one.resource in own:
            theirs = tuple(map(new, theirs))
        return replace(one, fields=tuple(map(new, one.fields)), reference_fields=theirs)

    return replace(
        schema,
        fields=tuple(replace(one, name=new(one.name)) for one in schema.fields),
        primary_key=tuple(map(new, schema.primary_key)),
        foreign_keys=tuple(map(key, schema.foreign_keys)),
        indexes=tuple(_index(one, names) for one in schema.indexes),
        search_fields=tuple((new(name), weight) for name, weight in schema.search_fields),
    )


def _index(index: Index, names: Mapping[str, str]) -> Index:
    if index.expression is None and index.where is None:
        return replace(index, fields=tuple(names.get(name, name) for name in index.fields))
    from penstock.tables.schema import expressions  # noqa: PLC0415  (the SQL parser is large)

    def text(one: str | None) -> str | None:
        return None if one is None else expressions.renamed(one, names)

    return replace(
        index,
        fields=tuple(names.get(name, name) for name in index.fields),
        expression=text(index.expression),
        where=text(index.where),
    )


def _honoured(hints: Mapping[str, str], before: FieldIds) -> dict[str, str]:
    """The hints that mean something: a name that is there already was renamed before, so sending it again is harmless.

    Unless that name itself is handed on, as in a chain (`b` from `a`, `c` from `b`).
    """
    found: dict[str, str] = {}
    while True:
        free = set(found.values())
        more = {
            name: source
            for name, source in hints.items()
            if name not in found and source in before and (name not in before or name in free)
        }
        if not more:
            return found
        found.update(more)
