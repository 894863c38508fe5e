"""Edges as requests send them, checked: both spellings of their ends, declared types, typed metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.kit import errors
from penstock.tables.models import UNSET, EdgeType
from penstock.tables.records.codec import MAX_REPORTED, Fault, Incoming, RowCodec
from penstock.tables.schema.checks import comparable
from penstock.tables.schema.graph import TYPE_RULE, is_type_name, metadata_schema

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

ENDS = ("from_id", "to_id")
FIELDS = (*ENDS, "type", "metadata")
_SPELLINGS = {"from": "from_id", "to": "to_id"}
_FILLED = ("id", "created_at")


@dataclass(frozen=True, slots=True)
class Draft:
    """One edge to be written; `metadata` is JSON."""

    from_id: Any
    to_id: Any
    type: str
    metadata: bytes | None

    @property
    def identity(self) -> tuple[Any, Any, str]:
        """No two edges have the same."""
        return (comparable(self.from_id), comparable(self.to_id), self.type)


@dataclass(frozen=True, slots=True)
class Drafts:
    """The edges of a request, in its order."""

    edges: Sequence[Draft]
    is_list: bool

    def payload(self) -> str:
        """The JSON array that PostgreSQL reads."""
        rows = [
            {
                "from_id": one.from_id,
                "to_id": one.to_id,
                "type": one.type,
                "metadata": None if one.metadata is None else msgspec.Raw(one.metadata),
            }
            for one in self.edges
        ]
        return msgspec.json.Encoder(decimal_format="number").encode(rows).decode()


def respelled(body: bytes, *, filled: Sequence[str] = _FILLED) -> bytes:
    """The body with the ends of edges named as the table names them; refuses what the server fills."""
    try:
        is_list = body.lstrip()[:1] == b"["
        kind: Any = list[dict[str, msgspec.Raw]] if is_list else dict[str, msgspec.Raw]
        sent = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body  # the codec says what is wrong with it
    for row in sent if is_list else (sent,):
        for name, column in _SPELLINGS.items():
            if name in row:
                if column in row:
                    raise errors.Invalid({name: [f"'{name}' and '{column}' are the same; send one of them."]})
                row[column] = row.pop(name)
        for name in filled:
            if name in row:
                raise errors.Invalid({name: ["The server fills this."]})
    return msgspec.json.encode(sent)


def drafts(edges: Table, incoming: Incoming) -> Drafts:
    """New edges of a request. Raises `Invalid` or `Conflict` naming the rows."""
    codec = edges.codec
    found = [Draft(*(_plain(codec.value(row, name)) for name in FIELDS)) for row in incoming.rows]
    return checked(edges, Drafts(found, incoming.is_list))


def changed(edges: Table, stored: Sequence[Draft], incoming: Incoming) -> Drafts:
    """These edges with the changes of a request, in its order."""
    codec = edges.codec
    result: list[Draft] = []
    for draft, row in zip(stored, incoming.rows, strict=True):
        sent = {name: codec.value(row, name) for name in FIELDS}
        changes = {name: _plain(value) for name, value in sent.items() if value is not msgspec.UNSET}
        result.append(replace(draft, **changes))
    return checked(edges, Drafts(result, incoming.is_list))


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, msgspec.Raw) else value


def checked(edges: Table, found: Drafts) -> Drafts:
    """The same, with defaults in their metadata. Everything is checked that takes no look at the database."""
    faults: list[Fault] = []
    result: list[Draft] = []
    readers = _readers(edges)
    for index, draft in enumerate(found.edges):
        faults += _faults(edges, index, draft, readers)
        result.append(replace(draft, metadata=_with_defaults(draft, readers)))
    if faults:
        edges.codec.refuse(faults, len(result), is_list=found.is_list)
    _refuse_repeated(found)
    return Drafts(result, found.is_list)


def _types(edges: Table) -> Mapping[str, EdgeType]:
    base = edges.edges_of
    assert base is not None and base.schema.graph is not None
    return base.schema.graph.by_name


@lru_cache(maxsize=1024)
def _readers(edges: Table) -> Mapping[str, RowCodec]:
    """By type, what reads the metadata of its edges."""
    return {
        name: RowCodec(schema)
        for name, one in _types(edges).items()
        if (schema := metadata_schema(one)) is not None
    }


def _faults(edges: Table, index: int, draft: Draft, readers: Mapping[str, RowCodec]) -> Iterable[Fault]:
    types = _types(edges)
    if types and draft.type not in types:
        known = ", ".join(types)
        yield Fault(index, "type", f"'{draft.type[:50]}' is no edge type of this table; they are: {known}.")
    elif not is_type_name(draft.type):
        yield Fault(index, "type", f"'{draft.type[:50]}' cannot name an edge type: {TYPE_RULE}")
    if comparable(draft.from_id) == comparable(draft.to_id):
        yield Fault(index, "to_id", "An edge leads from one record to another, not to itself.")
    reader = readers.get(draft.type)
    if reader is not None:
        raw = msgspec.Raw(b"{}" if draft.metadata is None else draft.metadata)
        for fault in reader.faults([raw], is_create=True):
            yield Fault(index, f"metadata.{fault.field}", fault.message)


def _with_defaults(draft: Draft, readers: Mapping[str, RowCodec]) -> bytes | None:
    reader = readers.get(draft.type)
    defaults = [] if reader is None else [one for one in reader.schema.fields if one.default is not UNSET]
    if not defaults:
        return draft.metadata
    try:
        keys: dict[str, Any] = msgspec.json.decode(draft.metadata or b"{}", type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return draft.metadata  # a fault of the row already
    return msgspec.json.Encoder(decimal_format="number").encode(
        {**keys, **{one.name: one.default for one in defaults if one.name not in keys}}
    )


def _refuse_repeated(found: Drafts) -> None:
    seen: dict[Any, int] = {}
    repeated: list[tuple[int, int]] = []
    for index, draft in enumerate(found.edges):
        first = seen.setdefault(draft.identity, index)
        if first != index:
            repeated.append((index, first))
    if repeated:
        rows = [errors.RowError(n, {"to_id": [f"The same edge as in row {first}."]}) for n, first in repeated]
        message = f"{len(rows):,} edges repeat earlier ones of the request; nothing was written."
        raise errors.Conflict(message, rows=rows[:MAX_REPORTED])
