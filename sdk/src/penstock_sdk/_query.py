"""What a record list is asked for, as a value: filters, order, search, columns, page. A resource sends it.

Every method gives a new query, so a query can be kept and refined in several ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from penstock_sdk import _json
from penstock_sdk._filters import Expression, Junction, condition, flat_parameter, text

Direction = Literal["descendants", "ancestors", "both"]
CountMode = Literal["exact", "planned", "none"]
Metric = Literal["cosine", "l2", "ip"]
Parameters = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The parameters of one record list; `page` counts from 1, `limit` bounds the rows of an iteration."""

    flat: tuple[tuple[str, str], ...] = ()
    where: tuple[Expression, ...] = ()
    ordering: tuple[str, ...] = ()
    search: str | None = None
    fields: tuple[str, ...] = ()
    populated: tuple[str, ...] = ()
    page: int | None = None
    size: int | None = None
    limit: int | None = None
    offset: int | None = None
    count: CountMode | None = None
    aggregates: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    having: tuple[str, ...] = ()
    walk: tuple[tuple[str, str], ...] = ()
    near: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = field(default=())

    def conditions(self) -> Parameters:
        """Filters, search and nearness: what decides which records are found."""
        found = list(self.flat)
        if self.where:
            tree = self.where[0] if len(self.where) == 1 else Junction("and", self.where)
            found.append(("filters", _json.encode(tree.tree()).decode()))
        if self.search is not None:
            found.append(("search", self.search))
        return [*found, *self.near]

    def shape(self) -> Parameters:
        """Aggregates, order, columns and other parameters that decide what the answer looks like."""
        found = self.groups()
        if self.ordering:
            found.append(("ordering", ",".join(self.ordering)))
        if self.fields:
            found.append(("fields", ",".join(self.fields)))
        if self.populated:
            found.append(("populate", ",".join(self.populated)))
        return [*found, *self.walk, *self.extra]

    def groups(self) -> Parameters:
        """What is asked about groups of the records; empty when the records themselves are asked for."""
        named = (("_aggregate", self.aggregates), ("_group_by", self.keys), ("_having", self.having))
        return [(name, ",".join(terms)) for name, terms in named if terms]

    def paging(self) -> Parameters:
        """The page asked for by number, or by limit and offset; empty when neither was chosen."""
        found: Parameters = []
        if self.limit is not None or self.offset is not None:
            found += [("limit", str(self.limit))] if self.limit is not None else []
            found += [("offset", str(self.offset))] if self.offset is not None else []
        elif self.page is not None or self.size is not None:
            found += [("page", str(self.page))] if self.page is not None else []
            found += [("page_size", str(self.size))] if self.size is not None else []
        if self.count is not None:
            found.append(("count", self.count))
        return found

    def deletion(self) -> dict[str, Any]:
        """The conditions as the `filter` of a delete. A ValueError when there is none, or groups are asked for."""
        if self.groups():
            raise ValueError("a delete is of records, not of groups; leave the aggregates out")
        if self.walk:
            raise ValueError("a delete is of the records that match, not of those that a walk leads to")
        if self.near:
            raise ValueError("a delete is by conditions, not by nearness")
        members: dict[str, Any] = {}
        trees = [member.tree() for member in self.where]
        for key, value in self.flat:
            if key in members:
                trees.append({key: value})
            else:
                members[key] = value
        if trees:
            members["filters"] = trees[0] if len(trees) == 1 else {"and": trees}
        if not members:
            raise ValueError("a delete needs at least one condition")
        return members


class QueryBuilder:
    """The refining methods shared by the async and the sync query."""

    __slots__ = ("_selection",)

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def _with(self, selection: Selection) -> Self:
        raise NotImplementedError

    def filter(self, **conditions: Any) -> Self:
        """Keep records that meet all of `field=value` and `field__operator=value`; None means null.

        A related or oddly named field is passed by unpacking: `.filter(**{"author_id.name": "Ann"})`.
        """
        added = tuple(flat_parameter(key, value) for key, value in conditions.items())
        return self._with(replace(self._selection, flat=self._selection.flat + added))

    def where(self, *expressions: Expression | Mapping[str, Any]) -> Self:
        """Keep records that meet every expression, such as `(F("delay") > 10) | (F("carrier") == "UA")`."""
        added = tuple(condition(item) for item in expressions)
        return self._with(replace(self._selection, where=self._selection.where + added))

    def order_by(self, *fields: str) -> Self:
        """Sort by these fields, `-field` descending; replaces an earlier order. The key breaks ties."""
        return self._with(replace(self._selection, ordering=fields))

    def search(self, text: str) -> Self:
        """Full-text search in the table's search fields."""
        return self._with(replace(self._selection, search=text))

    def near(
        self,
        field: str,
        vector: Sequence[float],
        *,
        top: int | None = None,
        threshold: float | None = None,
        metric: Metric | None = None,
        ef_search: int | None = None,
        alpha: float | None = None,
    ) -> Self:
        """The `top` records (10 unless told) whose vector in `field` is nearest, none farther than `threshold`.

        With `search` both count: `alpha` from 0 (words alone) to 1 (nearness alone). `ef_search` makes the index
        look further, which is slower and misses less. Records gain their scores, such as `_vector_score`.
        """
        given = {
            "_topk": top,
            "_vector_threshold": threshold,
            "_vector_metric": metric,
            "_vector_ef_search": ef_search,
            "_hybrid_alpha": alpha,
        }
        # Nine digits are all that single precision tells apart, and a URL has its limits.
        numbers = [float(f"{one:.9g}") for one in vector]
        sent = [(f"{field}__vector_near", _json.encode(numbers).decode())]
        sent += [(name, str(value)) for name, value in given.items() if value is not None]
        return self._with(replace(self._selection, near=tuple(sent)))

    def select(self, *fields: str) -> Self:
        """Only these fields, and the key."""
        return self._with(replace(self._selection, fields=fields))

    def aggregate(self, *outputs: str) -> Self:
        """Rows of groups instead of records: `"count(*)"`, `"sum(price) as total"`; adds to earlier ones.

        Without `group_by` all matching records are one group.
        """
        return self._with(replace(self._selection, aggregates=self._selection.aggregates + outputs))

    def group_by(self, *keys: str) -> Self:
        """Group by fields, or by such as `"date_trunc('month', at) as month"`; adds to earlier ones."""
        return self._with(replace(self._selection, keys=self._selection.keys + keys))

    def having(self, *conditions: str, **thresholds: Any) -> Self:
        """Keep groups that meet all of `"count(*) > 5 or total = 0"` and `total__gte=100`."""
        added = (*conditions, *(f"{name}={text(value)}" for name, value in thresholds.items()))
        return self._with(replace(self._selection, having=self._selection.having + added))

    def walk(self, include: Direction, *, depth: int | None = None, types: Sequence[str] = ()) -> Self:
        """Also the records that edges lead to: `descendants` below, `ancestors` above, or `both`.

        Read it as a list, or as `tree()` or `graph()`. `depth` is how many edges to follow, 10 at the most.
        """
        asked = [("include", include)]
        asked += [("depth", str(depth))] if depth is not None else []
        asked += [("relationship_type", ",".join(types))] if types else []
        return self._with(replace(self._selection, walk=tuple(asked)))

    def populate(self, *relations: str) -> Self:
        """Add related records, such as `author`, `comments.author` or `*`; adds to what was asked for before."""
        added = tuple(one for one in relations if one not in self._selection.populated)
        return self._with(replace(self._selection, populated=self._selection.populated + added))

    def page(self, number: int, size: int | None = None) -> Self:
        """The page `number`, from 1, of `size` records (the server's default when None)."""
        return self._with(replace(self._selection, page=number, size=size or self._selection.size))

    def page_size(self, size: int) -> Self:
        """Records per request, also while iterating."""
        return self._with(replace(self._selection, size=size))

    def limit(self, count: int) -> Self:
        """At most `count` records, in all."""
        return self._with(replace(self._selection, limit=count))

    def offset(self, count: int) -> Self:
        """Leave out the first `count` records."""
        return self._with(replace(self._selection, offset=count))

    def counting(self, mode: CountMode) -> Self:
        """How `total` is found: `exact`, `planned` (the planner's estimate) or `none`."""
        return self._with(replace(self._selection, count=mode))

    def parameter(self, name: str, value: str) -> Self:
        """A query parameter that has no method here; sent as it is."""
        return self._with(replace(self._selection, extra=(*self._selection.extra, (name, value))))
