"""What requests about edges say: lists of them, ids of those to delete, keys of those to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.kit import errors
from penstock.kit.filters import And, Compare
from penstock.kit.paging import positive
from penstock.tables.records.codec import Incoming
from penstock.tables.records.request import RecordRequest, parse_list

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

DEFAULT_SIZE = 100
_ENDS = ("from_id", "to_id")
TYPES = ("types", "relationship_type", "graph_types")
_WINDOW = ("limit", "offset", "page", "page_size")
_CREDENTIAL = "api_key"
_MAX_ID = 2**63 - 1


class _EdgeIds(msgspec.Struct, forbid_unknown_fields=True):
    edge_ids: list[int]


def edge_list(pairs: Sequence[tuple[str, str]], edges: Table) -> RecordRequest:
    """`from_id`, `to_id` and `types` pick, the rest pages. Raises `Invalid` naming the parameter."""
    window: list[tuple[str, str]] = []
    conditions: list[Compare] = []
    for name, value in pairs:
        if name in _WINDOW:
            window.append((name, value))
        elif name in _ENDS:
            conditions.append(Compare(name, "eq", value))
        elif name != _CREDENTIAL and name not in TYPES:
            known = ", ".join((*_ENDS, TYPES[0], *_WINDOW))
            raise errors.Invalid({name[:80]: [f"A list of edges takes {known}."]})
    if types := type_names(pairs, edges):
        conditions.append(Compare("type", "in", types))
    if not any(name in ("limit", "page_size") for name, _ in window):
        sized = "limit" if any(name == "offset" for name, _ in window) else "page_size"
        window.append((sized, str(DEFAULT_SIZE)))
    request = parse_list(window, ())
    return replace(request, filters=And(tuple(conditions)))


def type_names(pairs: Sequence[tuple[str, str]], edges: Table) -> tuple[str, ...]:
    """The edge types of a request, repeated or as comma lists; empty when it names none."""
    base = edges.edges_of
    assert base is not None and base.schema.graph is not None
    declared = base.schema.graph.by_name
    found: dict[str, None] = {}
    for name, value in pairs:
        if name not in TYPES:
            continue
        for part in value.split(","):
            kind = part.strip()
            if declared and kind not in declared:
                message = f"'{kind[:50]}' is no edge type of '{base.name}'; they are: {', '.join(declared)}."
                raise errors.Invalid({name: [message]}, hint=errors.nearest(kind, list(declared)))
            if not kind or "\0" in kind:
                raise errors.Invalid({name: ["Name the edge types, separated by commas."]})
            found[kind] = None
    return tuple(found)


def as_conditions(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Parameters of a list of the table of edges: there, edge types pick rows instead of guiding a walk."""
    types = [value for name, value in pairs if name in TYPES]
    others = [(name, value) for name, value in pairs if name not in TYPES]
    return [*others, ("type__in", ",".join(types))] if types else others


def edge_ids(body: bytes, limit: int) -> list[int]:
    """The ids of `{"edge_ids": [...]}`. Raises `Invalid` for anything else."""
    try:
        found = msgspec.json.decode(body, type=_EdgeIds).edge_ids
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = []
    if not found:
        raise errors.Invalid({"edge_ids": ['The body says which edges: {"edge_ids": [10, 11]}.']})
    if len(found) > limit:
        raise errors.TooLarge(f"The request has {len(found):,} ids; at most {limit:,} go in one request.")
    return [one for one in found if abs(one) <= _MAX_ID]


def edge_id(text: str) -> int:
    """The id in a path. Raises `NotFound` for what is none."""
    try:
        return min(positive("id", text), _MAX_ID)
    except errors.Invalid:
        raise errors.NotFound from None


def ids_of(edges: Table, incoming: Incoming) -> list[int]:
    """The edges that the rows of a bulk update name."""
    found: list[int] = []
    for n, row in enumerate(incoming.rows):
        value: Any = edges.codec.value(row, "id")
        if not isinstance(value, int):
            fault = errors.RowError(n, {"id": ["The id of the edge to change is missing."]})
            raise errors.Invalid(
                {}, message=f"Row {n} lacks the id of its edge; nothing was written.", rows=[fault]
            )
        found.append(value)
    if len(set(found)) < len(found):
        raise errors.Invalid({"id": ["An edge is named twice; nothing was written."]})
    return found
