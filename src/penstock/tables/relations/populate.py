"""`populate=author,comments.author` to branches: which related rows an answer has, and under which keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from penstock.kit import errors
from penstock.tables.relations import forward
from penstock.tables.relations.hop import Hop, Surroundings
from penstock.tables.relations.models import MAX_HOPS, Relation, split_path

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

PARAM = "populate"
MAX_BRANCHES = 30
EVERY = "*"
_MAX_TEXT = 4000

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """Related rows under the key `name` of a record, with `fields` and branches of their own."""

    name: str
    hop: Hop
    fields: tuple[str, ...]
    branches: tuple[Branch, ...] = ()

    @property
    def is_many(self) -> bool:
        return self.hop.relation.is_many

    @property
    def leads_to_many(self) -> bool:
        return self.is_many or any(one.leads_to_many for one in self.branches)


@dataclass(frozen=True, slots=True)
class Populated:
    """What an answer has besides the fields of its table, and how much of it at the most."""

    branches: tuple[Branch, ...]
    max_per_record: int
    max_rows: int
    max_bytes: int


@dataclass(slots=True)
class _Wish:
    """A key that was asked for, what was asked for below it, and the fields of it that were picked."""

    below: dict[str, _Wish] = field(default_factory=dict["str", "_Wish"])


def parse_populate(texts: Sequence[str]) -> tuple[Path, ...]:
    """Comma lists, as often as the parameter was given. Raises `errors.Invalid`."""
    if sum(map(len, texts)) > _MAX_TEXT:
        raise errors.Invalid({PARAM: [f"The list of relations has more than {_MAX_TEXT:,} characters."]})
    named = [part.strip() for text in texts for part in text.split(",")]
    return tuple(dict.fromkeys(split_path(part, PARAM) for part in named if part))


def plan_populate(
    paths: Sequence[Path], picked: Mapping[Path, Sequence[str]], table: Table, around: Surroundings
) -> Populated | None:
    """None when nothing is asked for. `picked` has the fields that the projection names below a path."""
    root = _Wish()
    for path in paths:
        wish = root
        for token in path:
            wish = wish.below.setdefault(token, _Wish())
    branches = _Planner(around, picked).all(root, table)
    if not branches:
        return None
    return Populated(branches, around.max_per_record, around.max_rows, around.max_bytes)


class _Planner:
    def __init__(self, around: Surroundings, picked: Mapping[Path, Sequence[str]]) -> None:
        self.around = around
        self.picked = picked
        self.count = 0
        self.used: set[Path] = set()

    def all(self, root: _Wish, table: Table) -> tuple[Branch, ...]:
        found = tuple(self.branches(root, table, ()))
        for path in self.picked:
            if path not in self.used:
                way = ".".join(path)[:80]
                raise errors.Invalid({"fields": [f"'{way}' is not populated, so it has no fields to pick."]})
        return found

    def branches(self, wish: _Wish, table: Table, above: Path) -> Iterator[Branch]:
        for relation, below in self.relations(wish, table):
            self.count += 1
            if self.count > MAX_BRANCHES:
                raise errors.Invalid({PARAM: [f"A request populates at most {MAX_BRANCHES} relations."]})
            path = (*above, relation.name)
            hop = self.around.along(relation, table.name, len(path), PARAM)
            fields = self.project(hop, path)
            target = hop.target.table
            yield Branch(relation.name, hop, fields, tuple(self.branches(below, target, path)))

    def relations(self, wish: _Wish, table: Table) -> Iterator[tuple[Relation, _Wish]]:
        """What was named first; then, for `*`, each foreign key that has no key in the answer yet."""
        for token, below in wish.below.items():
            if token != EVERY:
                relation = self.around.hop(table.name, token, 1, PARAM).relation
                _check_key(relation, table)
                yield relation, below
        if EVERY in wish.below:
            if wish.below[EVERY].below:
                raise errors.Invalid({PARAM: ["Nothing follows '*'; name the relation to go on from."]})
            for relation in forward.every(self.around.family, table.name):
                if relation.name not in wish.below:
                    yield relation, _Wish()

    def project(self, hop: Hop, path: Path) -> tuple[str, ...]:
        names = self.picked.get(path)
        allowed = hop.target.fields
        if names is None:
            return allowed
        self.used.add(path)
        for name in names:
            if name not in allowed:
                text = ".".join((*path, name))[:80]
                raise errors.Invalid(
                    {"fields": [f"There is no field '{text}'."]}, hint=errors.nearest(name, allowed)
                )
        wanted = {*names, *hop.target.table.schema.primary_key}
        return tuple(name for name in allowed if name in wanted)


def _check_key(relation: Relation, table: Table) -> None:
    """A foreign key's value may be replaced by the row it means; no other value of a record may."""
    replaces = not relation.is_many and relation.near_fields == (relation.name,)
    if relation.name in table.schema.by_name and not replaces:
        raise errors.Invalid(
            {
                PARAM: [
                    f"'{relation.name}' is a field of '{table.name}' too, which the related rows would hide; "
                    f"write '{relation.explicit}'."
                ]
            }
        )


def dotted(names: Sequence[str]) -> tuple[tuple[str, ...], dict[Path, list[str]]]:
    """The names of a projection without a dot, and those with one by what stands before it."""
    own = tuple(name for name in names if "." not in name)
    picked: dict[Path, list[str]] = {}
    for name in names:
        *path, last = name.split(".")
        if path:
            if len(path) > MAX_HOPS:
                raise errors.Invalid({"fields": [f"'{name[:80]}' has more than {MAX_HOPS} hops."]})
            picked.setdefault(tuple(path), []).append(last)
    return own, picked
