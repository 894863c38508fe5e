"""Statements for records with what is related to them: one for a whole answer, whatever the depth.

The page is picked first. Related rows are then counted, relation by relation and each count bounded, and only
when they are few enough is the JSON built, from subqueries on the page's rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

from penstock.kit import errors, sql
from penstock.kit.db import Row
from penstock.kit.filters import BoundTree
from penstock.tables.catalog import Table
from penstock.tables.records import compile as plain
from penstock.tables.records.allowed import Allowed, column
from penstock.tables.records.compile import ROW, Statement
from penstock.tables.records.plan import RecordPlan
from penstock.tables.records.request import Count
from penstock.tables.relations.hop import Hop
from penstock.tables.relations.populate import Branch, Populated
from penstock.tables.vectors import compile as vectors
from penstock.tables.vectors.plan import Nearest

# Beside user columns, so with a character that no field name has.
_PAGE, _NUMBER, _RANK = '"#p"', '"#n"', '"#rank"'


def compile_list(plan: RecordPlan) -> Statement:
    """As of a plain list, and what `check` looks at."""
    assert plan.populated is not None
    values: list[Any] = []
    if plan.nearest is not None:
        return _nearest(plan, plan.nearest, plan.populated, values)
    table, window = plan.table, plan.window
    condition = plain.condition_of(plan, values)
    source = f"FROM {table.rows} AS t WHERE {condition}"
    total = f"(SELECT count(*) {source})" if plan.count is Count.EXACT else "NULL::bigint"
    order, rank = plain.order_of(plan.order), plain.rank_of(plan, len(values))
    if plan.by_rank:
        order = f"{rank} DESC, {order}"
    limit, walks = int(window.limit), window.after is not None
    if plan.after is not None:
        source += f" AND {plain.beyond(plan, plan.after, values)}"
    picked = (
        f"SELECT t.*{f', {rank} AS {_RANK}' if rank else ''} {source} ORDER BY {order} LIMIT {limit + walks}"
    )
    if window.offset:
        values.append(window.offset)
        picked += f" OFFSET ${len(values)}::bigint"
    more = (
        [f"t.{_RANK} AS rank"] if rank and "rank" not in {one.name for one in plan.populated.branches} else []
    )
    if plan.allowed is not None:
        more.append(column(plan.allowed, values))
    keys = ", ".join(table.rendered[term.field] for term in plan.order)
    key = f"json_build_array({keys})::text" if walks else "NULL::text"
    text = _statement(plan.table, plan.fields, plan.populated, picked, more, key, limit, values)
    ends = ""
    if walks:
        ends = f', (SELECT k FROM "#j" WHERE n = {limit}) AS last, (SELECT count(*) > {limit} FROM {_PAGE}) AS more'
    return Statement(f"{text}, {total} AS total{ends}", values)


def _nearest(plan: RecordPlan, nearest: Nearest, populated: Populated, values: list[Any]) -> Statement:
    queries = plain.nearest_queries(plan, nearest, values)
    limit, source = int(plan.window.limit), f"FROM {vectors.FOUND} AS t"
    picked = f"SELECT t.* {source} ORDER BY {plain.nearest_order(plan)} LIMIT {limit}"
    if plan.window.offset:
        values.append(plan.window.offset)
        picked += f" OFFSET ${len(values)}::bigint"
    more = vectors.scores(plan, nearest)
    if plan.allowed is not None:
        more.append(column(plan.allowed, values))
    text = _statement(
        plan.table, plan.fields, populated, picked, more, "NULL::text", limit, values, opening=f"{queries}, "
    )
    total = "NULL::bigint" if plan.count is Count.NONE else f"(SELECT count(*) {source})"
    return Statement(f"{text}, {total} AS total", values)


def compile_detail(
    table: Table,
    key: BoundTree,
    fields: tuple[str, ...],
    populated: Populated,
    allowed: Allowed | None = None,
) -> Statement:
    """`page` is the record; `found` tells whether there is one."""
    values: list[Any] = []
    condition = plain.where(key, values, hide_deleted=table.schema.soft_deletes)
    picked = f"SELECT t.* FROM {table.rows} AS t WHERE {condition}"
    more = [] if allowed is None else [column(allowed, values)]
    text = _statement(table, fields, populated, picked, more, "NULL::text", 1, values)
    return Statement(f"{text}, EXISTS (SELECT FROM {_PAGE}) AS found", values)


def check(row: Row, populated: Populated) -> None:
    """Raises `errors.Invalid` when more is related to the page than an answer takes."""
    many = [path for path, branch in _walk(populated.branches) if branch.is_many]
    sizes = [Size(*one) for one in zip(many, row["counts"], row["most"], strict=True)]
    check_sizes(sizes, row["bytes"], populated)


class Size(NamedTuple):
    """How many records a relation leads to: all those of an answer, and those of the one that has most."""

    path: str
    total: int
    most: int


def check_sizes(sizes: Sequence[Size], size: int, populated: Populated) -> None:
    """`size` are the bytes of the answer. Raises `errors.Invalid` when it is more than one may have."""
    for one in sizes:
        if one.most > populated.max_per_record:
            _refuse(
                f"A record has more than {populated.max_per_record:,} records in '{one.path}'; "
                "ask for those as a list of their own, filtered by the foreign key."
            )
    if sum(one.total for one in sizes) > populated.max_rows:
        _refuse(
            f"The page has more than {populated.max_rows:,} related records; ask for smaller pages or fewer relations."
        )
    if size > populated.max_bytes:
        too_large(populated)


def too_large(populated: Populated) -> NoReturn:
    _refuse(
        f"The answer would have more than {populated.max_bytes:,} bytes; "
        "ask for smaller pages, or pick fields as in 'fields=id,author.name'."
    )


def _refuse(message: str) -> NoReturn:
    raise errors.Invalid({"populate": [message]})


def _walk(branches: Sequence[Branch], above: str = "") -> Iterable[tuple[str, Branch]]:
    """Every branch with its path, each before those below it."""
    for branch in branches:
        path = f"{above}{branch.name}"
        yield path, branch
        yield from _walk(branch.branches, f"{path}.")


def _statement(
    table: Table,
    fields: tuple[str, ...],
    populated: Populated,
    picked: str,
    more: Sequence[str],
    key: str,
    limit: int,
    values: list[Any],
    *,
    opening: str = "",
) -> str:
    """Everything up to the columns that only some answers have."""
    guards = _Guards(populated, values)
    counted = guards.queries(populated.branches, _PAGE, "")
    rendered = _select(table.rendered, fields, populated.branches, populated.max_per_record, values)
    columns = ", ".join([*rendered, *more])
    queries = [
        f"{_PAGE} AS MATERIALIZED (SELECT t.*, row_number() OVER () AS {_NUMBER} FROM ({picked}) AS t)",
        *counted,
        f'"#c" AS MATERIALIZED (SELECT {guards.counts} AS counts, {guards.most} AS most)',
        f'"#j" AS MATERIALIZED (SELECT (SELECT row_to_json({ROW})::text FROM (SELECT {columns}) AS {ROW}) AS j, '
        f"{key} AS k, t.{_NUMBER} AS n FROM {_PAGE} AS t WHERE t.{_NUMBER} <= {limit} "
        f'AND (SELECT {guards.fine} FROM "#c"))',
        '"#b" AS MATERIALIZED (SELECT coalesce(sum(octet_length(j)), 0)::bigint AS bytes FROM "#j")',
    ]
    page = (
        f'CASE WHEN (SELECT bytes FROM "#b") <= {populated.max_bytes} '
        "THEN (SELECT string_agg(j, ',' ORDER BY n) FROM \"#j\") END"
    )
    return (
        f'WITH {opening}{", ".join(queries)} SELECT {page} AS page, (SELECT bytes FROM "#b") AS bytes, '
        '(SELECT counts FROM "#c") AS counts, (SELECT most FROM "#c") AS most'
    )


class _Guards:
    """Counts of what relations to many lead to: never more rows are looked at than may be answered."""

    def __init__(self, populated: Populated, values: list[Any]) -> None:
        self.populated = populated
        self.values = values
        self.names: list[str] = []
        self.made = 0

    def queries(self, branches: Sequence[Branch], parent: str, above: str) -> list[str]:
        """One query for each relation that is, or leads to, one to many; `parent` is the query of its near rows."""
        found: list[str] = []
        for branch in branches:
            if not branch.leads_to_many:
                continue
            self.made += 1
            name = f'"#g{self.made}"'
            if branch.is_many:
                self.names.append(name)
            hop, limits = branch.hop, self.populated
            needed = dict.fromkeys(
                field
                for below in branch.branches
                if below.leads_to_many
                for field in below.hop.relation.near_fields
            )
            columns = "".join(f"{hop.alias}.{sql.identifier(field)}, " for field in needed)
            rows = (
                f"SELECT {columns}row_number() OVER () AS {_NUMBER} FROM {_put(hop.rows(), self.values)} "
                f"WHERE {_put(hop.link('t'), self.values)} LIMIT {limits.max_per_record + 1}"
            )
            found.append(
                f"{name} AS MATERIALIZED (SELECT r.* FROM {parent} AS t CROSS JOIN LATERAL ({rows}) AS r "
                f"LIMIT {limits.max_rows + 1})"
            )
            found += self.queries(branch.branches, name, above)
        return found

    @property
    def counts(self) -> str:
        return self._each("count(*)")

    @property
    def most(self) -> str:
        return self._each(f"coalesce(max({_NUMBER}), 0)")

    @property
    def fine(self) -> str:
        """The condition that all counts are within their limits."""
        if not self.names:
            return "TRUE"
        limits = self.populated
        places = range(1, len(self.names) + 1)
        total = " + ".join(f"counts[{place}]" for place in places)
        each = " AND ".join(f"most[{place}] <= {limits.max_per_record}" for place in places)
        return f"{total} <= {limits.max_rows} AND {each}"

    def _each(self, what: str) -> str:
        listed = ", ".join(f"(SELECT {what} FROM {name})" for name in self.names)
        return f"ARRAY[{listed}]::bigint[]"


def _select(
    rendered: Any, fields: Sequence[str], branches: Sequence[Branch], limit: int, values: list[Any]
) -> list[str]:
    """The columns of a record: its fields, a replaced foreign key in its place, and then what is beside them."""
    related = {branch.name: _related(branch, limit, values) for branch in branches}
    found = [f"{related.pop(name, rendered[name])} AS {sql.identifier(name)}" for name in fields]
    return found + [f"{text} AS {sql.identifier(name)}" for name, text in related.items()]


def _related(branch: Branch, limit: int, values: list[Any]) -> str:
    """A subquery that gives the JSON of the rows related to a row `near`."""
    hop = branch.hop
    seen = hop.target.table.under(hop.alias)
    columns = ", ".join(_select(seen.rendered, branch.fields, branch.branches, limit, values))
    rows = f"SELECT {columns} FROM {_put(hop.rows(), values)} WHERE {_put(hop.link(hop.near), values)}"
    if not branch.is_many:
        return f"(SELECT row_to_json({ROW}) FROM ({rows}) AS {ROW})"
    order = _by_key(hop)
    return f"(SELECT coalesce(json_agg({ROW}), '[]'::json) FROM ({rows} ORDER BY {order} LIMIT {limit}) AS {ROW})"


def _by_key(hop: Hop) -> str:
    return ", ".join(f"{hop.alias}.{sql.identifier(name)}" for name in hop.target.table.schema.primary_key)


def _put(parts: Sequence[str | BoundTree], values: list[Any]) -> str:
    """SQL with the conditions in it rendered, their values appended."""
    return "".join(
        part if isinstance(part, str) else plain.where(part, values, hide_deleted=False) for part in parts
    )
