"""One to many: from a row to the rows of another table whose foreign key refers to it."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.tables.relations.family import Family, Reference
from penstock.tables.relations.models import Relation, Token


def by_name(family: Family, table: str, token: Token) -> Iterator[Relation]:
    """`comments`; `flights:origin` says by which of its columns."""
    found = [one for one in family.children(table) if one.child == token.name]
    if token.hints:
        found = [one for one in found if len(token.hints) == 1 and token.hints[0] in one.fields]
        # A column that is a foreign key by itself is meant before one that is part of another.
        found = [one for one in found if len(one.fields) == 1] or found
    for one in found:
        yield _relation(one, token.text)


def every(family: Family, table: str) -> Iterator[Relation]:
    """Each of them, by the shortest name that means it alone."""
    for one in family.children(table):
        alone = sum(other.child == one.child for other in family.children(table)) == 1
        found = _relation(one, one.child)
        yield found if alone else _relation(one, found.explicit)


def _relation(one: Reference, name: str) -> Relation:
    explicit = f"{one.child}:{one.fields[0]}"
    return Relation(name, explicit, one.child, is_many=True, pairs=one.reversed)
