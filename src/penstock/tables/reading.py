"""Tables as queries in SQL read them: found by name among those a caller sees, each as a SELECT of what they see."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.identity import Grant, Principal
from penstock.kit import errors, sql
from penstock.kit.context import Context
from penstock.kit.filters import EVERYTHING, BoundTree, inline
from penstock.kit.operators import ValueType
from penstock.tables.catalog import Table
from penstock.tables.models import ProviderType
from penstock.tables.providers import mongodb
from penstock.tables.records.call import open_table
from penstock.tables.records.reach import reach
from penstock.tables.rules.language import constant
from penstock.tables.rules.limits import limits_of, setting_of
from penstock.tables.rules.models import Limits
from penstock.tables.store import named_tables


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A table that the caller sees: the slugs of its app and source, and its name."""

    app: str
    source: str
    name: str


@dataclass(frozen=True, slots=True)
class Documents:
    """The rows of a table that MongoDB keeps, as far as one caller reads them."""

    grant: Grant
    table: Table
    rows: BoundTree
    hide_deleted: bool
    # The same where the same rows are read.
    said: str

    @property
    def types(self) -> Mapping[str, str]:
        """Of the fields, by name."""
        return {one.name: one.type for one in self.table.schema.fields}

    async def pieces(
        self,
        ctx: Context,
        names: Sequence[str],
        conditions: Sequence[tuple[str, str, Any]],
        seconds: float,
    ) -> AsyncGenerator[list[str]]:
        """The JSON array of these fields of each row, some rows at a time.

        Conditions are of a field, one of `= < <= > >=`, and a `Decimal` or a text; rows that they do not keep may be
        among those that come.
        """
        engine = mongodb.load_engine()
        async for piece in engine.stream(ctx, self, tuple(names), conditions, seconds):
            yield piece


@dataclass(frozen=True, slots=True)
class Readable:
    """What a caller reads of a table: the fields by name, and a SELECT of the rows, whose columns they are.

    Of a table that MongoDB keeps there is no SELECT, and its `documents` instead.
    """

    fields: tuple[str, ...]
    select: str
    limits: Limits
    documents: Documents | None = None


async def find_readable(ctx: Context, principal: Principal, names: Sequence[str] | None) -> list[Found]:
    """The tables of these names, or any, in all apps; also `x_edges`, the edges of a table `x`."""
    async with ctx.db.control.transaction() as conn:
        rows = await named_tables(conn, principal, names)
    return [Found(app, source, name) for app, source, name in rows]


async def readable(ctx: Context, principal: Principal, found: Found, *, deleted: bool) -> Readable:
    """`deleted` is to see rows, too, that are marked as deleted. Raises `NotFound`, or `BadRequest` with the reason."""
    grant, table = await open_table(ctx, principal, found.app, found.name, "record.read")
    reached = reach(table, grant)
    if table.provider is ProviderType.MONGODB:
        if table.edges_of is not None:
            message = f"'{found.name}' are edges in MongoDB, and queries in SQL do not reach them."
            raise errors.BadRequest(message, hint="They are read by the API of the table.")
        hide = table.schema.soft_deletes and not deleted
        said = mongodb.load_engine().said(reached.table, reached.rows, hide_deleted=hide)
        documents = Documents(grant, reached.table, reached.rows, hide, said)
        return Readable(reached.fields, "", limits_of(table, principal), documents)
    conditions = ["TRUE"] if reached.rows == EVERYTHING else [inline(reached.rows, _constant)]
    if table.schema.soft_deletes and not deleted:
        conditions.append('t."is_deleted" IS NOT TRUE')
    where = " AND ".join(f"({one})" for one in conditions if one != "TRUE")
    select = f"SELECT {_columns(reached.table, reached.fields)} FROM {reached.table.rows} AS t"
    select += f" WHERE {where}" if where else ""
    return Readable(reached.fields, select, limits_of(table, principal))


def told(tables: Sequence[Readable]) -> str | None:
    """What PostgreSQL is told of the reader of these tables; None when none of them has rules."""
    return setting_of(one.limits for one in tables)


def _columns(table: Table, fields: Sequence[str]) -> str:
    seen = table.under("t").columns
    found: list[str] = []
    for name in fields:
        # Vectors as arrays of numbers: who reads them need not know of pgvector.
        cast = "::real[]" if seen[name].type is ValueType.VECTOR else ""
        found.append(f"{seen[name].sql}{cast} AS {sql.identifier(name)}")
    return ", ".join(found)


def _constant(value: object) -> str:
    return constant(value, _nobody)


def _nobody(key: str) -> str:
    raise AssertionError(f"a rule that was not bound: {key}")
