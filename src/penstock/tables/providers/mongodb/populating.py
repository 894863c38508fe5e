"""Records with what is related to them, from one pipeline: looked up below each document, then written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.tables.providers.mongodb.joining import Stage, far, lookup, readable, through
from penstock.tables.providers.mongodb.shape import path_of, projection, renderer
from penstock.tables.providers.mongodb.values import quoted
from penstock.tables.records.populated import Size, check_sizes
from penstock.tables.relations.populate import Branch, Populated

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

Document: TypeAlias = "Mapping[str, Any]"


def populating(table: Table, fields: tuple[str, ...], branches: Sequence[Branch], most: int) -> list[Stage]:
    """The stages that leave of each document these fields, and put related ones beside them: one more than `most`."""
    stages = [_stage(table, branch, _place(number), most) for number, branch in enumerate(branches)]
    shown = {_place(number): 1 for number in range(len(branches))}
    return [*stages, {"$project": {**projection(table, fields), **shown}}]


def _place(number: int) -> str:
    return f"#b{number}"


def _stage(table: Table, branch: Branch, name: str, most: int) -> Stage:
    hop = branch.hop
    target, relation = hop.target.table, hop.relation
    steps = populating(target, branch.fields, branch.branches, most)
    if relation.through is not None:
        # Each record once, in the order of its key, however many rows of the junction lead to it.
        ((_, there),) = relation.through.far
        assert hop.through is not None
        once: list[Stage] = [
            {"$group": {"_id": f"${path_of(hop.through.table, there)}"}},
            {"$sort": {"_id": 1}},
            far(hop, [*readable(hop.target), *steps], here="_id"),
            {"$unwind": "$#t"},
            {"$limit": most + 1},
            {"$replaceRoot": {"newRoot": "$#t"}},
        ]
        return through(table, hop, once, name)
    ((here, there),) = relation.pairs
    first: list[Stage] = readable(hop.target)
    if relation.is_many:
        order = {path_of(target, key): 1 for key in target.schema.primary_key}
        first += [{"$sort": order}, {"$limit": most + 1}]
    return lookup(target, path_of(table, here), path_of(target, there), [*first, *steps], name)


class Writer:
    """Writes documents with what is related to them, and refuses an answer that gets too large."""

    def __init__(self, table: Table, fields: tuple[str, ...], populated: Populated) -> None:
        self._populated = populated
        self._relations: list[_Relation] = []
        self._size = 0
        self._row = self._rows(table, fields, populated.branches, "")

    def write(self, document: Document) -> str:
        """The JSON of a record. Raises `Invalid` when there is more than an answer takes."""
        text = self._row(document)
        self._size += len(text.encode())
        check_sizes([one.size for one in self._relations], self._size, self._populated)
        return text

    def _rows(
        self, table: Table, fields: tuple[str, ...], branches: Sequence[Branch], above: str
    ) -> Callable[[Document], str]:
        """A replaced foreign key is in its place, and what is beside the fields comes after them."""
        columns: dict[str, tuple[str, Callable[[Any], str]]] = {
            name: (path_of(table, name), renderer(table, name)) for name in fields
        }
        for number, branch in enumerate(branches):
            columns[branch.name] = (_place(number), self._branch(branch, f"{above}{branch.name}"))
        rendered = [(quoted(name), *column) for name, column in columns.items()]

        def write(document: Document) -> str:
            parts = (
                f"{label}:{'null' if (value := document.get(path)) is None else render(value)}"
                for label, path, render in rendered
            )
            return "{" + ",".join(parts) + "}"

        return write

    def _branch(self, branch: Branch, path: str) -> Callable[[Sequence[Document]], str]:
        relation = _Relation(path)
        if branch.is_many:
            self._relations.append(relation)
        write = self._rows(branch.hop.target.table, branch.fields, branch.branches, f"{path}.")

        def many(documents: Sequence[Document]) -> str:
            relation.count += len(documents)
            relation.most = max(relation.most, len(documents))
            return f"[{','.join(map(write, documents))}]"

        def one(documents: Sequence[Document]) -> str:
            return write(documents[0]) if documents else "null"

        return many if branch.is_many else one


@dataclass(slots=True)
class _Relation:
    path: str
    count: int = 0
    most: int = 0

    @property
    def size(self) -> Size:
        return Size(self.path, self.count, self.most)
