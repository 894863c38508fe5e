"""A traversal meets a table and a grant: types are known ones, and it is clear where the walk begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.filters import EVERYTHING, BoundTree
from penstock.tables.graph.service import require_edges
from penstock.tables.graph.traversal import Format, Include, Traversal
from penstock.tables.models import Graph
from penstock.tables.records.plan import RecordPlan, key_filter, plan_list, project
from penstock.tables.records.reach import Reach, reach
from penstock.tables.records.request import Count, DetailRequest, RecordRequest
from penstock.tables.relations.hop import Surroundings

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


# The length of the JSON of what one walk answers.
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Roots:
    """Begin at records that have no edge leading on, in the direction from which the walk comes."""

    include: Include


@dataclass(frozen=True, slots=True)
class WalkPlan:
    """A walk in which nothing can be wrong any more.

    It begins at one record, or at a page of them; `roots` narrows that page down. `limit` is the most records
    that it may reach.
    """

    table: Table
    edges: Table
    nodes: Reach
    walk: Traversal
    begin: BoundTree | RecordPlan
    roots: Roots | None
    fields: tuple[str, ...]
    limit: int

    @property
    def graph(self) -> Graph:
        graph = self.table.schema.graph
        assert graph is not None
        return graph

    @property
    def only_type(self) -> str | None:
        """The type of every edge of the walk, when there is but one."""
        names = self.walk.types or tuple(one.name for one in self.graph.types)
        return names[0] if len(names) == 1 else None

    def directions(self) -> tuple[Include, ...]:
        if self.walk.include is Include.BOTH:
            return (Include.DESCENDANTS, Include.ANCESTORS)
        return (self.walk.include,)


def plan_walk_from(request: DetailRequest, key: str, table: Table, grant: Grant, limit: int) -> WalkPlan:
    """From the record with this key."""
    assert request.traversal is not None
    require_edges(table)
    fields = project(request.fields, table)
    return _plan(request.traversal, table, grant, key_filter(key, table), None, fields, limit)


def plan_walk_between(walk: Traversal, table: Table, grant: Grant, first: BoundTree, limit: int) -> WalkPlan:
    """From this record, for whoever looks for another."""
    return _plan(walk, table, grant, first, None, table.schema.names, limit)


def plan_walk(
    request: RecordRequest, table: Table, grant: Grant, around: Surroundings | None, limit: int
) -> WalkPlan:
    """From the records of a list: all of them, unless the request pages or a tree begins at its roots."""
    walk = request.traversal
    assert walk is not None
    require_edges(table)
    if request.window.after is not None:
        raise errors.Invalid({"after": ["A walk along edges begins at pages by number, not at cursors."]})
    if request.count is not Count.EXACT:
        raise errors.Invalid({"count": ["A walk along edges always counts what it reaches."]})
    page = plan_list(replace(request, traversal=None), table, grant, around)
    if page.populated is not None:
        raise errors.Invalid({"fields": ["A walk along edges answers fields of the records themselves."]})
    if not request.is_paged:
        page = replace(page, window=replace(page.window, limit=limit + 1, offset=0))
    at_roots = walk.format is Format.TREE and request.filters == EVERYTHING and request.search is None
    roots = Roots(walk.include) if at_roots else None
    return _plan(walk, table, grant, page, roots, page.fields, limit)


def _plan(
    walk: Traversal,
    table: Table,
    grant: Grant,
    begin: BoundTree | RecordPlan,
    roots: Roots | None,
    fields: tuple[str, ...],
    limit: int,
) -> WalkPlan:
    edges = require_edges(table)
    nodes = reach(table, grant)
    check_types(walk.types, table)
    shown = tuple(name for name in fields if name in nodes.fields)
    return WalkPlan(table, edges, nodes, walk, begin, roots, shown, limit)


def check_types(types: tuple[str, ...], table: Table) -> None:
    """Raises `errors.Invalid` for a type that the table does not declare."""
    assert table.schema.graph is not None
    declared = table.schema.graph.by_name
    for name in types:
        if declared and name not in declared:
            known = ", ".join(declared)
            message = f"'{name[:50]}' is no edge type of '{table.name}'; they are: {known}."
            hint = errors.nearest(name, list(declared))
            raise errors.Invalid({"relationship_type": [message]}, hint=hint)
