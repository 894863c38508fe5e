"""The one filter tree: what is parsed, stored, printed and bound; it knows neither columns nor databases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from typing import cast as typed

import msgspec

MAX_DEPTH = 10
MAX_CONDITIONS = 200
MAX_ITEMS = 1000

Leaf = TypeVar("Leaf")


class Hop(Protocol):
    """A way from the rows of one table to rows of another: hashable, and the same for every database.

    A compiler asks for more, see `postgres.Joined`.
    """

    def column(self, path: str) -> Any:
        """The column of the other table that a path ends in; None when there is none."""
        ...

    @property
    def names(self) -> Collection[str]: ...


class Compare(msgspec.Struct, frozen=True):
    """One condition as the caller wrote it: `op` keeps its spelling (`icontains`), `value` is not cast yet.

    A value is a `str` (from a query string, or a JSON string), or what JSON has besides: None, bool, int,
    Decimal, a tuple for an array, a dict for an object. A `str` for a list operator is split when bound.
    """

    path: str
    op: str
    value: Any

    @property
    def param(self) -> str:
        """The parameter a caller would have sent: `age` or `age__gt`."""
        return self.path if self.op == "eq" else f"{self.path}__{self.op}"


class And(msgspec.Struct, Generic[Leaf], frozen=True):
    """All of the items; true when there are none."""

    items: tuple[Node[Leaf], ...]


class Or(msgspec.Struct, Generic[Leaf], frozen=True):
    """Any of the items; false when there are none."""

    items: tuple[Node[Leaf], ...]


class Not(msgspec.Struct, Generic[Leaf], frozen=True):
    """The negation of the item, in three-valued logic: what is unknown stays unknown."""

    item: Node[Leaf]


class Related(msgspec.Struct, Generic[Leaf], frozen=True):
    """Some row that `hop` leads to fulfils the item, whose names are those of the other table.

    Parsers give paths with dots; whoever knows the relations puts these in their place before `bind`.
    """

    hop: Hop
    item: Node[Leaf]


Node: TypeAlias = "Leaf | And[Leaf] | Or[Leaf] | Not[Leaf] | Related[Leaf]"
Tree: TypeAlias = "Node[Compare]"

EVERYTHING: And[Any] = And(())


def conjunction(trees: Iterable[Node[Leaf]]) -> Node[Leaf]:
    """One tree that holds where all of these hold; nested `And`s at the top are flattened."""
    items: list[Node[Leaf]] = []
    for tree in trees:
        if isinstance(tree, And):
            items.extend(typed("And[Leaf]", tree).items)
        else:
            items.append(tree)
    return items[0] if len(items) == 1 else And(tuple(items))


def leaves(tree: Node[Leaf]) -> Iterator[Leaf]:
    """Every condition of the tree, from left to right."""
    if isinstance(tree, (And, Or)):
        for item in typed("And[Leaf] | Or[Leaf]", tree).items:
            yield from leaves(item)
    elif isinstance(tree, (Not, Related)):
        yield from leaves(typed("Not[Leaf] | Related[Leaf]", tree).item)
    else:
        yield tree


def paths(tree: Tree) -> frozenset[str]:
    """The names of all fields the tree mentions."""
    return frozenset(leaf.path for leaf in leaves(tree))
