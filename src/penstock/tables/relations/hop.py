"""A relation whose tables are at hand, with what of their rows the caller may read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from penstock.identity import Grant
from penstock.kit import sql
from penstock.kit.filters import EVERYTHING, BoundTree, Column
from penstock.tables.records.reach import Reach, reach
from penstock.tables.relations.family import Family
from penstock.tables.relations.models import Pairs, Relation
from penstock.tables.relations.resolve import resolve, unknown
from penstock.tables.schema import SEARCH_COLUMN

Parts: TypeAlias = list["str | BoundTree"]
"""SQL with conditions in between, whose values are numbered when the whole is put together."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a request that names relations needs: the tables of the app, the caller's grant, and the limits.

    `missing` collects the tables that were named and are not in the database yet.
    """

    family: Family
    grant: Grant
    max_per_record: int
    max_rows: int
    max_bytes: int
    missing: set[str] = field(default_factory=set[str], compare=False)

    @property
    def hides_rows(self) -> bool:
        """True when there are rows in these tables that the caller may not read."""
        return self.family.has_rules and any(
            reach(table, self.grant).rows != EVERYTHING for table in self.family.tables.values()
        )

    def hop(self, table: str, text: str, depth: int, param: str) -> Hop:
        """Raises `errors.Invalid` for `param` when `text` is no relation of the table."""
        return self.along(resolve(self.family, table, text, param), table, depth, param)

    def along(self, relation: Relation, table: str, depth: int, param: str) -> Hop:
        """One whose fields the caller may not read is as one that does not exist."""
        here, target = self._reach(table), self._reach(relation.target)
        through = self._reach(relation.through.table) if relation.through else None
        readable = {*relation.near_fields} <= {*here.fields} and {*relation.far_fields} <= {*target.fields}
        if through is not None and relation.through is not None:
            own = {field for _, field in relation.through.near + relation.through.far}
            readable = readable and own <= {*through.fields}
        if not readable:
            unknown(self.family, table, relation.name, param)
        return Hop(relation, target, through, depth)

    def _reach(self, table: str) -> Reach:
        found = self.family.tables[table]
        if not found.definition.is_materialized:
            self.missing.add((found.edges_of or found).name)
        return reach(found, self.grant)


@dataclass(frozen=True, slots=True)
class Hop:
    """`depth` counts from 1; rows of the table before are called `near`, rows of the target `alias`."""

    relation: Relation
    target: Reach
    through: Reach | None
    depth: int
    shows_deleted: bool = False

    @property
    def near(self) -> str:
        return "t" if self.depth == 1 else f'"#{self.depth - 1}"'

    @property
    def alias(self) -> str:
        return f'"#{self.depth}"'

    @property
    def names(self) -> Collection[str]:
        return self.target.fields

    def column(self, path: str) -> Column | None:
        """Only what the caller may read; the search vector when all that is in it may be read."""
        name = path.rpartition(".")[2]
        if name == SEARCH_COLUMN and name not in self.target.fields:
            searched = {field for field, _ in self.target.table.schema.search_fields}
            return self._columns.get(name) if searched <= {*self.target.fields} else None
        return self._columns.get(name) if name in self.target.fields else None

    @property
    def _columns(self) -> Mapping[str, Column]:
        return self.target.table.under(self.alias).columns

    def exists(self, item: BoundTree) -> Sequence[str | BoundTree]:
        """The condition on a row `near` that one of its related rows fulfils the item."""
        tables: Parts = [*self.rows()]
        links = _equal(self.near, self.alias, self.relation.pairs)
        if self.relation.through is not None:
            tables += [", ", *self._junction_rows()]
            links = self._junction_links(self.near)
        return ["EXISTS (SELECT FROM ", *tables, f" WHERE {links} AND ", item, ")"]

    def rows(self) -> Parts:
        """What stands in FROM for the readable rows of the target."""
        return _rows(self.target, self.alias, shows_deleted=self.shows_deleted)

    def link(self, near: str) -> Parts:
        """The condition on a row `alias` that it belongs to the row `near`."""
        if self.relation.through is None:
            return [_equal(near, self.alias, self.relation.pairs)]
        if len(self.relation.through.far) == 1:
            # First what the junction says, then the rows: the planner would go through all that other rows are
            # related to, because it takes the next one to fit soon.
            ((here, there),) = self.relation.through.far
            found = f"SELECT DISTINCT {self._junction}.{sql.identifier(there)} FROM "
            first = _equal(near, self._junction, self.relation.through.near)
            key = f"{self.alias}.{sql.identifier(here)}"
            return [f"{key} = ANY(ARRAY({found}", *self._junction_rows(), f" WHERE {first}))"]
        return ["EXISTS (SELECT FROM ", *self._junction_rows(), f" WHERE {self._junction_links(near)})"]

    @property
    def _junction(self) -> str:
        return f'"#j{self.depth}"'

    def _junction_rows(self) -> Parts:
        assert self.through is not None
        return _rows(self.through, self._junction, shows_deleted=False)

    def _junction_links(self, near: str) -> str:
        through = self.relation.through
        assert through is not None
        first = _equal(near, self._junction, through.near)
        return f"{first} AND {_equal(self.alias, self._junction, through.far)}"


def _rows(reach: Reach, alias: str, *, shows_deleted: bool) -> Parts:
    table = reach.table
    hides = table.schema.soft_deletes and not shows_deleted
    if not hides and reach.rows == EVERYTHING:
        return [f"{table.rows} AS {alias}"]
    hidden = ' AND t."is_deleted" IS NOT TRUE' if hides else ""
    return [f"(SELECT t.* FROM {table.rows} AS t WHERE ", reach.rows, f"{hidden}) AS {alias}"]


def _equal(near: str, far: str, pairs: Pairs) -> str:
    return " AND ".join(
        f"{far}.{sql.identifier(there)} = {near}.{sql.identifier(here)}" for here, there in pairs
    )
