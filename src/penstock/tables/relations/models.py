"""What leads from the rows of one table to rows of another, by names only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from penstock.kit import errors

Pairs: TypeAlias = tuple[tuple[str, str], ...]

MAX_HOPS = 3


@dataclass(frozen=True, slots=True)
class Through:
    """A junction table; both `near` and `far` pair a field of the table on that side with one of its own."""

    table: str
    near: Pairs
    far: Pairs


@dataclass(frozen=True, slots=True)
class Relation:
    """A way to the rows of `target`. `pairs` are (field here, field there); a junction has `through` instead.

    `name` is how it was asked for, and the key it has in an answer; `explicit` a name that fits nothing else.
    """

    name: str
    explicit: str
    target: str
    is_many: bool
    pairs: Pairs = ()
    through: Through | None = None

    @property
    def way(self) -> Relation:
        """The same for every name it is asked for by."""
        return replace(self, name="")

    @property
    def near_fields(self) -> tuple[str, ...]:
        """The fields here that it goes by."""
        return tuple(here for here, _ in (self.pairs if self.through is None else self.through.near))

    @property
    def far_fields(self) -> tuple[str, ...]:
        """The fields of the target that it goes by."""
        if self.through is not None:
            return tuple(there for there, _ in self.through.far)
        return tuple(there for _, there in self.pairs)


@dataclass(frozen=True, slots=True)
class Token:
    """One step of a path: a name, and after colons what tells two of that name apart."""

    name: str
    hints: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Token:
        name, *hints = text.split(":")
        return cls(name, tuple(hints))

    @property
    def text(self) -> str:
        return ":".join((self.name, *self.hints))


def split_path(path: str, param: str) -> tuple[str, ...]:
    """The tokens of `order.customer`; raises `errors.Invalid` for `param` when there are too many, or empty ones."""
    tokens = tuple(part.strip() for part in path.split("."))
    if not all(tokens):
        raise errors.Invalid({param: [f"'{path[:80]}' has an empty step."]})
    if len(tokens) > MAX_HOPS:
        raise errors.Invalid(
            {param: [f"'{path[:80]}' has {len(tokens)} hops; a path has at most {MAX_HOPS}."]}
        )
    return tokens
