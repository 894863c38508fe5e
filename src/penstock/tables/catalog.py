"""What a process knows of data tables: definitions with everything that requests derive from them.

Entries are dropped by a notification from whichever process changed the app, and nothing is kept while
notifications cannot arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from penstock.kit import errors, sql
from penstock.kit.context import Context
from penstock.kit.db import Connection, Database
from penstock.kit.filters import Column, ValueType
from penstock.kit.notify import Listener
from penstock.tables.fields import BY_NAME
from penstock.tables.models import DataTable, ProviderType, TableSchema
from penstock.tables.naming import EDGES
from penstock.tables.providers.jsonb.layout import (
    Layout,
    containing,
    read_layout,
    requirements,
    typed,
    view_of,
)
from penstock.tables.records.codec import RowCodec
from penstock.tables.relations.family import Family
from penstock.tables.rules.models import Rule
from penstock.tables.schema import (
    SEARCH_COLUMN,
    Place,
    Violation,
    column_edges,
    edges_definition,
    edges_place,
    parse_schema,
    place_of,
    search_expression,
    violations,
    without,
)
from penstock.tables.schema.vectors import at_home, declared, find_home
from penstock.tables.store import comments, load_table, load_tables, rules_of, unique_indexes

CHANNEL = "penstock_catalog"
_MAX_ENTRIES = 10_000
_RANGE_ITEMS = {
    "integer": ValueType.INTEGER,
    "number": ValueType.NUMBER,
    "date": ValueType.DATE,
    "datetime": ValueType.DATETIME,
}


class Seen(NamedTuple):
    """The columns of a table under one name for its rows: as filters name them, and as the API answers them."""

    columns: Mapping[str, Column]
    rendered: Mapping[str, str]


def _seen(schema: TableSchema, alias: str, layout: Layout | None) -> Seen:
    columns: dict[str, Column] = {}
    rendered: dict[str, str] = {}
    for field in schema.fields:
        place, kind = f"{alias}.{sql.identifier(field.name)}", BY_NAME[field.type]
        item = _RANGE_ITEMS.get(field.of or "")
        implied = containing(layout, schema, field, alias) if layout is not None else ""
        columns[field.name] = Column(
            name=field.name, sql=place, type=kind.filters_as(field), item=item, implied=implied
        )
        rendered[field.name] = kind.render(field, place)
    if schema.search_fields:
        columns[SEARCH_COLUMN] = Column(
            name=SEARCH_COLUMN,
            sql=f"{alias}.{sql.identifier(SEARCH_COLUMN)}",
            type=ValueType.TSVECTOR,
            config=schema.search_language,
        )
    return Seen(columns, rendered)


class Table:
    """A data table, ready to serve requests."""

    def __init__(
        self,
        definition: DataTable,
        provider: ProviderType,
        app_slug: str,
        *,
        is_audited: bool,
        edges_of: Table | None = None,
        unique_indexes: frozenset[str] | None = None,
        vectors: str | None = None,
        rules: Sequence[Rule] = (),
        layout: Layout | None = None,
    ) -> None:
        """`unique_indexes` are the names of those that hold; None when they are all that are declared.

        `layout` says where the values are in documents.
        """
        self.definition = definition
        self.provider = provider
        self.app_slug = app_slug
        self.is_audited = is_audited
        # The table whose records the edges in this one connect.
        self.edges_of = edges_of
        self.unique_indexes = unique_indexes
        self.layout = layout
        self.schema: TableSchema = at_home(parse_schema(definition.json_schema), vectors)
        self.place: Place = place_of(definition)
        self.rules: Sequence[Rule] = rules
        # The table with all of its fields, of which a caller may know but some.
        self.whole: Table = self
        self.read_only: frozenset[str] = frozenset()
        self._seen: dict[str, Seen] = {}
        self._narrowed: dict[tuple[frozenset[str], frozenset[str]], Table] = {}

    @property
    def name(self) -> str:
        return self.definition.name

    @cached_property
    def rows(self) -> str:
        """The quoted name of the physical table, or what stands for it in a statement."""
        base = self.edges_of
        if base is not None and base.schema.graph is not None and base.schema.graph.self_reference:
            return column_edges(base.schema, base.rows)
        return self.place.sql if self.layout is None else view_of(self.place).sql

    def narrowed(self, hidden: frozenset[str], read_only: frozenset[str]) -> Table:
        """The table as who may not know of some fields knows it, and may not write others."""
        if not hidden and not read_only:
            return self
        found = self._narrowed.get((hidden, read_only))
        if found is None:
            found = copy(self)
            for name in _DERIVED:
                found.__dict__.pop(name, None)
            found.schema = without(self.schema, hidden)
            found.read_only = read_only
            found._seen, found._narrowed = {}, {}
            self._narrowed[(hidden, read_only)] = found
        return found

    @cached_property
    def edges(self) -> Table | None:
        """The edges between the records as a table, which has no definition of its own; None without a graph."""
        if self.schema.graph is None:
            return None
        definition = replace(
            self.definition,
            name=f"{self.name}{EDGES}",
            json_schema=edges_definition(self.name, self.schema),
            physical_name=edges_place(self.place).name,
            layout="{}",
        )
        return Table(definition, self.provider, self.app_slug, is_audited=self.is_audited, edges_of=self)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """What filters may name, of rows called `t`."""
        return self.under("t").columns

    @cached_property
    def rendered(self) -> Mapping[str, str]:
        """For each field of rows called `t`, the SQL whose JSON form is what the API answers."""
        return self.under("t").rendered

    def select(self, names: tuple[str, ...]) -> str:
        return ", ".join(f"{self.rendered[name]} AS {sql.identifier(name)}" for name in names)

    @cached_property
    def select_all(self) -> str:
        return self.select(self.schema.names)

    def under(self, alias: str) -> Seen:
        """The table as a statement sees it in which its rows are called `alias`, which is quoted already."""
        found = self._seen.get(alias)
        if found is None:
            found = self._seen[alias] = _seen(self.schema, alias, self.layout)
            if self.schema.search_fields != self.whole.schema.search_fields:
                found = self._seen[alias] = _searching(found, self.schema, alias)
        return found

    def stored(self, alias: str) -> Mapping[str, Column]:
        """What filters may name, of rows as the physical table has them; where fields are in documents, no columns."""
        if self.layout is None:
            return self.under(alias).columns
        return {
            name: msgspec.structs.replace(
                one, sql=typed(self.layout, self.schema.by_name[name], f"{alias}."), implied=""
            )
            for name, one in self.under(alias).columns.items()
            if name in self.schema.by_name
        }

    @cached_property
    def codec(self) -> RowCodec:
        return RowCodec(self.schema, self.read_only)

    @cached_property
    def violations(self) -> Mapping[str, Violation]:
        found = dict(violations(self.place, self.schema))
        if self.layout is not None:
            found |= requirements(self.place, self.schema, self.layout)
        return found


_DERIVED = [name for name, value in vars(Table).items() if isinstance(value, cached_property)]


def _searching(seen: Seen, schema: TableSchema, alias: str) -> Seen:
    """Words are looked for in the fields that are left alone, so not in the column that has them all."""
    columns = {name: one for name, one in seen.columns.items() if name != SEARCH_COLUMN}
    if schema.search_fields:
        columns[SEARCH_COLUMN] = Column(
            name=SEARCH_COLUMN,
            sql=f"({search_expression(schema, alias)})",
            type=ValueType.TSVECTOR,
            config=schema.search_language,
        )
    return Seen(columns, seen.rendered)


class Catalog:
    """The tables of all orgs, loaded when first asked for."""

    def __init__(self, db: Database, listener: Listener) -> None:
        self._db = db
        self._listener = listener
        self._tables: dict[tuple[int, str, str], Table] = {}
        self._families: dict[tuple[int, str], Family] = {}
        self._generation = 0
        listener.subscribe(CHANNEL, self._drop_app)
        listener.on_gap(self._drop_all)

    @classmethod
    def of(cls, ctx: Context) -> Catalog:
        return ctx.get(cls)

    async def table(self, org_id: int, app_slug: str, name: str) -> Table:
        """Raises `errors.NotFound` for what is unknown or inactive."""
        found = self._tables.get((org_id, app_slug, name))
        return found if found is not None else await self.load(org_id, app_slug, name)

    async def load(self, org_id: int, app_slug: str, name: str) -> Table:
        """Read it anew, whatever is kept."""
        generation = self._generation
        async with self._db.control.transaction() as conn:
            stored = await load_table(conn, org_id, app_slug, name)
            # One that is declared may be still to be built.
            is_made = stored is not None and stored[0].is_materialized
            is_made = is_made and stored is not None and stored[1] is not ProviderType.MONGODB
            indexes = await unique_indexes(conn, stored[0]) if stored and is_made else None
            vectors = await find_home(conn) if stored and declared(stored[0].json_schema) else None
            rules = await rules_of(conn, [stored[0]]) if stored else {}
            layouts = await layouts_of(conn, [stored] if stored else [])
        if stored is None:
            return await self._edges(org_id, app_slug, name)
        definition, provider = stored
        audited: Any = definition.json_schema.get("audit")
        table = Table(
            definition,
            provider,
            app_slug,
            is_audited=audited is True,
            unique_indexes=indexes,
            vectors=vectors,
            rules=rules.get(definition.id, ()),
            layout=layouts.get(definition.id),
        )
        if self._listener.listening and generation == self._generation:
            if len(self._tables) >= _MAX_ENTRIES:
                self._tables.clear()
            self._tables[(org_id, app_slug, name)] = table
        return table

    def forget(self, org_id: int) -> None:
        """Nothing that is kept of an org is to be trusted any more."""
        self._drop_app(f"{org_id}:")

    async def family(self, org_id: int, app_slug: str) -> Family:
        """The tables of an app with what leads from one to another."""
        found = self._families.get((org_id, app_slug))
        if found is not None:
            return found
        generation = self._generation
        async with self._db.control.transaction() as conn:
            stored = await load_tables(conn, org_id, app_slug)
            layouts = await layouts_of(conn, stored)
            rules = await rules_of(conn, [definition for definition, _ in stored])
        # Reading a thousand schemas takes a while, in which others are answered.
        family = await asyncio.to_thread(_family, stored, layouts, app_slug, rules)
        if self._listener.listening and generation == self._generation:
            if sum(len(one.tables) for one in self._families.values()) >= _MAX_ENTRIES:
                self._families.clear()
            self._families[(org_id, app_slug)] = family
        return family

    async def _edges(self, org_id: int, app_slug: str, name: str) -> Table:
        """The table `x_edges` of a table `x` with a graph."""
        base = name.removesuffix(EDGES)
        if base == name:
            raise errors.NotFound
        table = await self.load(org_id, app_slug, base)
        if table.edges is None:
            raise errors.NotFound
        if self._tables.get((org_id, app_slug, base)) is table:
            self._tables[(org_id, app_slug, name)] = table.edges
        return table.edges

    def _drop_app(self, payload: str) -> None:
        """`org:app`; by org is fine enough, definitions change rarely."""
        self._generation += 1
        org = payload.partition(":")[0]
        for key in [key for key in self._tables if str(key[0]) == org]:
            del self._tables[key]
        for key in [key for key in self._families if str(key[0]) == org]:
            del self._families[key]

    def _drop_all(self) -> None:
        self._generation += 1
        self._tables.clear()
        self._families.clear()


async def layouts_of(
    conn: Connection, stored: Sequence[tuple[DataTable, ProviderType]]
) -> Mapping[int, Layout]:
    """The layouts of the tables whose records are documents and that are made."""
    views = {
        definition.id: view_of(place_of(definition))
        for definition, provider in stored
        if provider is ProviderType.JSONB and definition.is_materialized
    }
    texts = await comments(conn, [(one.schema, one.name) for one in views.values()]) if views else {}
    return {
        table: read_layout(texts[view.schema, view.name])
        for table, view in views.items()
        if (view.schema, view.name) in texts
    }


def _family(
    stored: Sequence[tuple[DataTable, ProviderType]],
    layouts: Mapping[int, Layout],
    app_slug: str,
    rules: Mapping[int, Sequence[Rule]],
) -> Family:
    tables = [
        Table(
            definition,
            provider,
            app_slug,
            is_audited=False,
            rules=rules.get(definition.id, ()),
            layout=layouts.get(definition.id),
        )
        for definition, provider in stored
    ]
    edges = [table.edges for table in tables if table.edges is not None]
    return Family([*tables, *edges])
