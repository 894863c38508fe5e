"""Nests what a walk reached: a record below each one that a step leads from, never below itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from penstock.tables.graph.plan import MAX_BYTES


@dataclass(frozen=True)
class Steps:
    """Records by key with their depth and JSON, nearest first, and the steps between them with their types."""

    keys: Sequence[str]
    depths: Sequence[int]
    rows: Sequence[str]
    parents: Sequence[str]
    children: Sequence[str]
    types: Sequence[str]

    @cached_property
    def places(self) -> dict[str, int]:
        return {key: n for n, key in enumerate(self.keys)}

    @cached_property
    def from_parent(self) -> dict[str, list[tuple[str, str]]]:
        """By parent, its children with the type of the step; only those that were reached."""
        found: dict[str, list[tuple[str, str]]] = {}
        for parent, child, kind in zip(self.parents, self.children, self.types, strict=True):
            if child in self.places:
                found.setdefault(parent, []).append((child, kind))
        return found


class Nested:
    """The text of a tree, `label` being where a record holds those below it.

    `budget` has one number, the records that may still be written; trees of one answer share it.
    """

    def __init__(self, steps: Steps, label: str, depth: int, budget: list[int]) -> None:
        self.steps = steps
        self._opening = f',"{label}":['
        self._depth = depth
        self._budget = budget
        # Records that are reached on many ways are repeated.
        self._characters = MAX_BYTES
        self._types = {kind: msgspec.json.encode(kind).decode() for kind in set(steps.types)}

    def head(self, key: str, kind: str | None) -> str:
        """A record, left open. Raises `OverflowError` when the answer grows beyond all measure."""
        place = self.steps.places[key]
        text = self.steps.rows[place]
        self._budget[0] -= 1
        self._characters -= len(text)
        if self._budget[0] < 0 or self._characters < 0:
            raise OverflowError
        said = "null" if kind is None else self._types[kind]
        return f'{text[:-1]},"_depth":{self.steps.depths[place]},"_relationship_type":{said}'

    def below(self, key: str) -> str:
        """What is below a record, all the way down."""
        return self._below(key, (key,))

    def _below(self, key: str, path: tuple[str, ...]) -> str:
        if len(path) > self._depth:
            return f"{self._opening}]"
        parts = [
            f"{self.head(child, kind)}{self._below(child, (*path, child))}}}"
            for child, kind in self.steps.from_parent.get(key, ())
            if child not in path
        ]
        return f"{self._opening}{','.join(parts)}]"
