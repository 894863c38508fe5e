"""Many to many: from a row to those of another table, through a table with foreign keys to both."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.tables.relations.family import Family, Reference
from penstock.tables.relations.models import Relation, Through, Token


def by_name(family: Family, table: str, token: Token) -> Iterator[Relation]:
    """`tags`; `tags:post_tags` says through which table, `users:follows:followee_id` by which of its columns."""
    for near, far in _ways(family, table):
        if far.parent != token.name or len(token.hints) > 2:
            continue
        if not token.hints and not _joins(family, near, far):
            continue
        if token.hints and token.hints[0] != near.child:
            continue
        if len(token.hints) == 2 and token.hints[1] not in far.fields:
            continue
        yield _relation(near, far, token.text)


def every(family: Family, table: str) -> Iterator[Relation]:
    """Each of them, by the shortest name that means it alone."""
    ways = [(near, far) for near, far in _ways(family, table) if _joins(family, near, far)]
    for near, far in ways:
        alone = sum(other.parent == far.parent for _, other in ways) == 1
        found = _relation(near, far, far.parent)
        yield found if alone else _relation(near, far, found.explicit)


def _ways(family: Family, table: str) -> Iterator[tuple[Reference, Reference]]:
    """Every two different foreign keys of one table, of which the first leads here."""
    for near in family.children(table):
        for far in family.parents(near.child):
            if far != near:
                yield near, far


def _joins(family: Family, near: Reference, far: Reference) -> bool:
    """A junction has two foreign keys and no other, or is keyed by these two."""
    key = set(family.tables[near.child].schema.primary_key)
    return len(family.parents(near.child)) == 2 or key == {*near.fields, *far.fields}


def _relation(near: Reference, far: Reference, name: str) -> Relation:
    return Relation(
        name,
        f"{far.parent}:{near.child}:{far.fields[0]}",
        far.parent,
        is_many=True,
        through=Through(near.child, near.reversed, far.reversed),
    )
