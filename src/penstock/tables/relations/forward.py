"""Many to one: a foreign key of the table, to the row it refers to."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.tables.relations.family import Family, Reference
from penstock.tables.relations.models import Relation, Token

_SUFFIX = "_id"


def by_column(family: Family, table: str, token: Token) -> Iterator[Relation]:
    """`author_id`, whose value the related row takes the place of; `author_id:users` stands beside it."""
    for one in family.parents(table):
        named = one.fields == (token.name,) if not token.hints else token.name in one.fields
        if named and token.hints in ((), (one.parent,)):
            yield _relation(one, token.text)


def by_stem(family: Family, table: str, token: Token) -> Iterator[Relation]:
    """`author` for the column `author_id`."""
    for one in family.parents(table):
        if not token.hints and one.fields == (token.name + _SUFFIX,):
            yield _relation(one, token.name)


def by_table(family: Family, table: str, token: Token) -> Iterator[Relation]:
    """The name of the table that a foreign key refers to."""
    for one in family.parents(table):
        if not token.hints and one.parent == token.name:
            yield _relation(one, token.name)


def every(family: Family, table: str) -> Iterator[Relation]:
    """Each foreign key, beside its columns: by a name that no field has and that means it alone."""
    taken = set(family.tables[table].schema.names)
    for one in family.parents(table):
        name = next((name for name in _names(family, one) if name not in taken), None)
        if name is not None:
            taken.add(name)
            yield _relation(one, name)


def _names(family: Family, one: Reference) -> Iterator[str]:
    if len(one.fields) == 1 and one.fields[0].endswith(_SUFFIX):
        yield one.fields[0].removesuffix(_SUFFIX)
    alone = sum(other.parent == one.parent for other in family.parents(one.child)) == 1
    if alone and not any(other.child == one.parent for other in family.children(one.child)):
        yield one.parent
    for field in one.fields:
        yield f"{field}:{one.parent}"


def _relation(one: Reference, name: str) -> Relation:
    explicit = f"{one.fields[0]}:{one.parent}"
    return Relation(name, explicit, one.parent, is_many=False, pairs=one.pairs)
