"""A name of a caller's to a relation: the kinds in order of preference, and what to say when it fits none or two."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from penstock.kit import errors
from penstock.tables.relations import forward, junction, reverse
from penstock.tables.relations.family import Family
from penstock.tables.relations.models import Relation, Token

_KINDS = (forward.by_column, forward.by_stem, forward.by_table, reverse.by_name, junction.by_name)
_LISTED = 20


def resolve(family: Family, table: str, text: str, param: str) -> Relation:
    """The relation of `table` that is meant by `text`. Raises `errors.Invalid` for `param`."""
    token = Token.of(text)
    for kind in _KINDS:
        found = list(kind(family, table, token))
        if kind is forward.by_table and found:
            # The other table may refer to this one as well, and then its name says nothing.
            found += reverse.by_name(family, table, token)
        if len(found) > 1:
            _ambiguous(table, token, found, param)
        if found:
            return found[0]
    unknown(family, table, token.text, param)


def names(family: Family, table: str) -> list[str]:
    """What a caller may ask for, each relation once or twice."""
    fields = set(family.tables[table].schema.names)
    found = dict[str, None]()
    for one in family.parents(table):
        if len(one.fields) == 1:
            found[one.fields[0]] = None
    listed: Iterable[Relation] = (
        *forward.every(family, table),
        *reverse.every(family, table),
        *junction.every(family, table),
    )
    for relation in listed:
        for name in (relation.name, relation.explicit):
            if name not in fields and name not in found and _means(family, table, name, relation):
                found[name] = None
                break
    return list(found)


def unknown(family: Family, table: str, text: str, param: str) -> NoReturn:
    known = names(family, table)
    listed = ", ".join(known[:_LISTED]) + (", …" if len(known) > _LISTED else "")
    has = f"it has: {listed}" if known else "it has none"
    raise errors.Invalid(
        {param: [f"'{text[:80]}' is no relation of '{table}'; {has}."]}, hint=errors.nearest(text, known)
    )


def _means(family: Family, table: str, name: str, relation: Relation) -> bool:
    try:
        return resolve(family, table, name, "").way == relation.way
    except errors.Invalid:
        return False


def _ambiguous(table: str, token: Token, found: list[Relation], param: str) -> NoReturn:
    listed = ", ".join(dict.fromkeys(one.explicit for one in found))
    raise errors.Invalid(
        {param: [f"'{token.text[:80]}' means several relations of '{table}'; write one of: {listed}."]}
    )
