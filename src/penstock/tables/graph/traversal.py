"""What a read asks about the graph of a table: how far to walk, which way, and the shape of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from penstock.kit import errors
from penstock.kit.paging import positive

MAX_DEPTH = 10
TYPES = ("relationship_type", "types", "graph_types")
PARAMETERS = frozenset({"format", "include", "depth", *TYPES})
MAX_TYPES = 50

Choice = TypeVar("Choice", bound=StrEnum)


class Format(StrEnum):
    """The shape of the answer."""

    FLAT = "flat"
    TREE = "tree"
    GRAPH = "graph"


class Include(StrEnum):
    """Which way to walk: descendants are below (edges lead from them), ancestors above."""

    DESCENDANTS = "descendants"
    ANCESTORS = "ancestors"
    BOTH = "both"


def ends(direction: Include) -> tuple[str, str]:
    """The end of an edge that a step comes from, and the one it leads to: `from_id` is the child."""
    return ("to_id", "from_id") if direction is Include.DESCENDANTS else ("from_id", "to_id")


@dataclass(frozen=True, slots=True)
class Traversal:
    """A walk. No `types` means edges of all types."""

    format: Format
    include: Include
    depth: int
    types: tuple[str, ...]


def parse_traversal(known: Mapping[str, Sequence[str]]) -> Traversal | None:
    """None for an ordinary read. Raises `errors.Invalid` naming the parameter."""
    form = _choice(Format, "format", known) or Format.FLAT
    include = _choice(Include, "include", known)
    if form is Format.FLAT and include is None:
        for name in known:
            if name == "depth" or name in TYPES:
                message = f"'{name}' goes with 'include' ({', '.join(Include)}) or 'format' (tree, graph)."
                raise errors.Invalid({name: [message]})
        return None
    return Traversal(form, include or Include.DESCENDANTS, _depth(known), type_names(known))


def type_names(known: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Edge types, repeated or as comma lists, under any of their names."""
    found: dict[str, None] = {}
    for name in TYPES:
        for value in known.get(name, ()):
            for part in value.split(","):
                if not part.strip() or "\0" in part:
                    raise errors.Invalid({name: ["Name edge types, separated by commas."]})
                found[part.strip()] = None
    if len(found) > MAX_TYPES:
        raise errors.Invalid({TYPES[0]: [f"A request names at most {MAX_TYPES} edge types."]})
    return tuple(found)


def depth_of(text: str, most: int) -> int:
    """Raises `errors.Invalid` for parameter `depth`."""
    depth = positive("depth", text)
    if depth > most:
        raise errors.Invalid({"depth": [f"{depth} is more than {most} levels."]})
    return depth


def _depth(known: Mapping[str, Sequence[str]]) -> int:
    return depth_of(known["depth"][-1], MAX_DEPTH) if "depth" in known else MAX_DEPTH


def _choice(kind: type[Choice], name: str, known: Mapping[str, Sequence[str]]) -> Choice | None:
    if name not in known:
        return None
    text = known[name][-1]
    try:
        return kind(text)
    except ValueError:
        raise errors.Invalid({name: [f"'{text[:40]}' is not one of: {', '.join(kind)}."]}) from None
