"""From query parameters to a `RecordRequest`: what was asked for, checked for form, before any column is looked at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from penstock.kit import errors
from penstock.kit.filters import EVERYTHING, Tree, conjunction, parse_json, parse_pairs
from penstock.kit.operators import BY_NAME as OPERATORS
from penstock.kit.paging import positive
from penstock.tables.aggregates.parse import PARAMETERS as AGGREGATION
from penstock.tables.aggregates.parse import parse as parse_aggregation
from penstock.tables.aggregates.tree import Aggregation
from penstock.tables.graph.traversal import PARAMETERS as TRAVERSAL
from penstock.tables.graph.traversal import Traversal, parse_traversal
from penstock.tables.records.allowed import PARAMETER as ALLOWED
from penstock.tables.records.allowed import parse_actions
from penstock.tables.relations.filters import names_relations
from penstock.tables.relations.populate import Path, parse_populate
from penstock.tables.vectors.parse import PARAMETERS as NEARNESS
from penstock.tables.vectors.parse import SUFFIX as NEAR
from penstock.tables.vectors.parse import Near, parse_near

DEFAULT_SIZE = 20
MAX_SIZE = 1000
# Types whose values tell no records apart.
NEVER_UNIQUE = ("object", "array", "any", "geopoint", "geojson", "range", "vector")
_MAX_OFFSET = 2**53

_ELSEWHERE = {
    "filter": "'filter' belongs to deletes; reads take conditions as parameters, or a tree in 'filters'.",
    "ids": "'ids' belongs to deletes.",
    "unique_fields": "'unique_fields' belongs to upserts.",
    "materialize": "'materialize' belongs to the definition of a table.",
    "datasource": "'datasource' belongs to the list of tables.",
}
_CREDENTIAL = "api_key"
_WITH_AGGREGATES = frozenset(
    {
        "page", "page_size", "limit", "offset", "ordering", "filters", "search", "count", "_count", "format",
        "populate", *AGGREGATION,
    }
)  # fmt: skip


class Count(StrEnum):
    """How the total is found: counted, estimated by the planner, or not at all."""

    EXACT = "exact"
    PLANNED = "planned"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the list. `after` is a cursor; the empty one starts a walk by cursors."""

    limit: int
    offset: int
    by_offset: bool = False
    after: str | None = None


class Sort(NamedTuple):
    """One term of the order."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """A read of many records, or of one when the window does not matter.

    `is_paged` tells a window that was asked for from the default.
    """

    filters: Tree
    order: tuple[Sort, ...]
    window: Window
    count: Count
    search: str | None
    fields: tuple[str, ...] | None
    # Groups of the records are asked for, and what is computed of them.
    aggregation: Aggregation | None = None
    populate: tuple[Path, ...] = ()
    traversal: Traversal | None = None
    is_paged: bool = True
    near: Near | None = None
    # What of each record is to be told that the caller may do.
    actions: tuple[str, ...] | None = None

    @property
    def names_relations(self) -> bool:
        """True when other tables are needed to answer it."""
        return bool(self.populate) or names_relations(self.filters) or _dotted(self.fields)


@dataclass(frozen=True, slots=True)
class DetailRequest:
    """A read of one record."""

    fields: tuple[str, ...] | None
    populate: tuple[Path, ...] = ()
    traversal: Traversal | None = None
    actions: tuple[str, ...] | None = None

    @property
    def names_relations(self) -> bool:
        return bool(self.populate) or _dotted(self.fields)


def _dotted(names: tuple[str, ...] | None) -> bool:
    return any("." in name for name in names or ())


def parse_list(pairs: Sequence[tuple[str, str]], columns: Collection[str]) -> RecordRequest:
    """Raises `errors.Invalid` naming the parameter."""
    known, conditions = _split(pairs)
    near = None if NEARNESS.isdisjoint(known) else parse_near(known)
    trees: list[Tree] = []
    if conditions:
        trees.append(parse_pairs(conditions, columns))
    trees += [parse_json(text, columns) for text in known.get("filters", ())]
    return RecordRequest(
        filters=conjunction(trees) if trees else EVERYTHING,
        order=_order(_last(known, "ordering")),
        window=_window(known),
        count=_count(known),
        search=_search(known),
        fields=_fields(known),
        aggregation=None if AGGREGATION.isdisjoint(known) else _aggregation(known),
        populate=parse_populate(known.get("populate", ())),
        is_paged=not _PAGING.isdisjoint(known),
        traversal=_traversal(known),
        near=near,
        actions=parse_actions(known.get(ALLOWED, ())),
    )


def parse_detail(pairs: Sequence[tuple[str, str]]) -> DetailRequest:
    """What a read of one record takes; everything else of a list has no meaning there."""
    known, conditions = _split(pairs)
    for name in (*known.keys() & (AGGREGATION | NEARNESS), *(name for name, _ in conditions)):
        raise errors.Invalid(
            {name: ["A single record is read by its key; it takes 'fields', 'populate' and no conditions."]}
        )
    return DetailRequest(
        _fields(known),
        parse_populate(known.get("populate", ())),
        _traversal(known),
        parse_actions(known.get(ALLOWED, ())),
    )


def _traversal(known: dict[str, list[str]]) -> Traversal | None:
    found = None if TRAVERSAL.isdisjoint(known) else parse_traversal(known)
    if found is not None and ALLOWED in known:
        message = "A walk along edges does not tell what may be done with records; ask for a list of them."
        raise errors.Invalid({ALLOWED: [message]})
    if found is not None and "populate" in known:
        message = (
            "A walk along edges answers records without what is related; read them by their keys for that."
        )
        raise errors.Invalid({"populate": [message]})
    return found


def _split(
    pairs: Sequence[tuple[str, str]],
) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Reserved parameters, and the rest, which are conditions."""
    known: dict[str, list[str]] = {}
    conditions: list[tuple[str, str]] = []
    for name, value in pairs:
        if name in _RESERVED:
            known.setdefault(name, []).append(value)
        elif name in _ELSEWHERE:
            raise errors.Invalid({name: [_ELSEWHERE[name]]})
        elif name.startswith("_") and "." not in name and not _has_operator(name):
            raise errors.Invalid(
                {name[:80]: ["No such parameter; a column of this name is reached with '__eq'."]}
            )
        elif name.endswith(NEAR):
            known.setdefault(NEAR, []).extend((name.removesuffix(NEAR), value))
        elif name != _CREDENTIAL:
            conditions.append((name, value))
    return known, conditions


_PAGING = frozenset({"page", "page_size", "limit", "offset", "after"})
_RESERVED = frozenset(
    {
        "page", "page_size", "limit", "offset", "after", "ordering", "filters", "search", "fields", "select", "count",
        "_count", "populate", ALLOWED, *AGGREGATION, *TRAVERSAL, *(NEARNESS - {NEAR}),
    }
)  # fmt: skip


def _has_operator(name: str) -> bool:
    path, _, operator = name.rpartition("__")
    return bool(path) and operator in OPERATORS


def is_reserved(name: str) -> bool:
    """True for a column whose bare name is a parameter of its own; `name__eq` reaches it."""
    return (
        name in _RESERVED
        or name in _ELSEWHERE
        or name == _CREDENTIAL
        or name.startswith("_")
        or name.endswith(NEAR)
    )


def _last(known: dict[str, list[str]], name: str) -> str | None:
    values = known.get(name)
    return values[-1] if values else None


def _window(known: dict[str, list[str]]) -> Window:
    limit, offset, after = _last(known, "limit"), _last(known, "offset"), _last(known, "after")
    size = _size("page_size", _last(known, "page_size"))
    number = _last(known, "page")
    page = 1 if number is None else positive("page", number)
    if limit is not None or offset is not None:
        if after is not None and offset is not None:
            raise errors.Invalid({"after": ["A walk by cursors has no 'offset'."]})
        start = 0 if offset is None else positive("offset", offset, least=0)
        return Window(_size("limit", limit), _bounded("offset", start), by_offset=True, after=after)
    if after is not None and "page" in known:
        raise errors.Invalid({"after": ["A walk by cursors has no 'page'; 'page_size' sets its step."]})
    return Window(size, _bounded("page", (page - 1) * size), after=after)


def _size(name: str, text: str | None) -> int:
    size = DEFAULT_SIZE if text is None else positive(name, text)
    if size > MAX_SIZE:
        raise errors.Invalid({name: [f"{size} is more than {MAX_SIZE:,} records a request."]})
    return size


def _bounded(name: str, offset: int) -> int:
    if offset > _MAX_OFFSET:
        raise errors.Invalid({name: ["The page lies beyond any table."]})
    return offset


def _order(text: str | None) -> tuple[Sort, ...]:
    """A comma list, `-` for descending; of a repeated field the first counts."""
    terms: dict[str, Sort] = {}
    for part in (text or "").split(","):
        name = part.strip()
        descending = name.startswith("-")
        name = name.removeprefix("-")
        if name:
            terms.setdefault(name, Sort(name, descending))
    return tuple(terms.values())


def _count(known: dict[str, list[str]]) -> Count:
    text = _last(known, "count")
    if text is None:
        # A walk by cursors would otherwise count the whole list again at every step.
        return Count.NONE if _last(known, "after") else Count.EXACT
    try:
        return Count(text)
    except ValueError:
        raise errors.Invalid({"count": [f"'{text[:40]}' is not one of: {', '.join(Count)}."]}) from None


def _search(known: dict[str, list[str]]) -> str | None:
    text = _last(known, "search")
    if text is not None and "\0" in text:
        raise errors.Invalid({"search": ["Text has no NUL character."]})
    return text or None


def _aggregation(known: dict[str, list[str]]) -> Aggregation:
    """A parameter that is given twice is a longer list. What has no meaning for groups is refused."""
    for name in known:
        if name not in _WITH_AGGREGATES:
            raise errors.Invalid({name: ["This parameter has no meaning where records are aggregated."]})
    if _last(known, "format") not in (None, "flat"):
        raise errors.Invalid({"format": ["Aggregates are answered as 'flat' alone."]})
    return parse_aggregation({name: ",".join(known[name]) for name in AGGREGATION if name in known})


def _fields(known: dict[str, list[str]]) -> tuple[str, ...] | None:
    text = _last(known, "fields") or _last(known, "select")
    return tuple(part.strip() for part in text.split(",") if part.strip()) or None if text else None
