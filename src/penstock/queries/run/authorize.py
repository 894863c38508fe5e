"""Finds the tables that a statement names among those its reader sees, and has it held to what they may read.

Tables that PostgreSQL keeps for us are read there. Where a statement names another one as well, be it in MongoDB, in a
foreign system or the result of a saved query, each is an input of DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl

from sqlglot import exp

from penstock.identity import Grant, Principal, Role
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries.models import (
    AuthorizedQuery,
    BoundQuery,
    Input,
    OwnRows,
    QueryRows,
    Question,
    SourceTable,
    TableName,
)
from penstock.queries.run.bind import filled
from penstock.queries.run.columns import Columns
from penstock.queries.run.faults import fault
from penstock.queries.run.portable import make_portable
from penstock.queries.run.pushing import columns_of, conditions_of, mentioned
from penstock.queries.run.resolve import Named, choose, named_in, unknown
from penstock.queries.run.rewrite import Granted, rewrite
from penstock.queries.run.systems import PARTS, RESULTS, is_system
from penstock.queries.settings import QueriesSettings
from penstock.tables import (
    Documents,
    Found,
    NumberedSource,
    Readable,
    find_readable,
    foreign_sources,
    readable,
)

# Brings a query, by its number and the values of its parameters, or None, to what its reader may have run of it.
Nested = Callable[[int, Mapping[str, Any] | None], Awaitable[QueryRows]]
_QUERY: Final = re.compile(r"(cached_)?query_([0-9]{1,18})", re.ASCII)
_PARAM_QUERY: Final = re.compile(r"param_query_([0-9]{1,18})_\{(.*)\}", re.ASCII | re.DOTALL)
_Origin = TableName | SourceTable | QueryRows


async def authorize(
    ctx: Context, principal: Principal, bound: BoundQuery, question: Question, nested: Nested
) -> AuthorizedQuery:
    """Raises `errors.Invalid` for `query` when it names what does not exist, or not for this reader."""
    named = named_in(bound.tree, bound.text)
    chosen = await _Choosing(ctx, principal, bound.text, question, nested).choose(named) if named else []
    # As in lists of records: who says what is to be with deleted ones is asked for them.
    deleted = any(one.name == "is_deleted" for one in bound.tree.find_all(exp.Column))
    tables: dict[TableName, Readable] = {}
    for _, name in chosen:
        if isinstance(name, TableName) and name not in tables:
            found = Found(name.app, name.source, name.table)
            tables[name] = await readable(ctx, principal, found, deleted=deleted)
    fields = {id(one.node): tables[name].fields for one, name in chosen if isinstance(name, TableName)}
    columns = Columns(bound.text, fields).check(bound.tree)
    own = tuple((one, name) for one, name in chosen if isinstance(name, TableName))
    granted = Granted(own, tables)
    is_ours = question.source is None and all(one.documents is None for one in tables.values())
    if not is_ours or len(own) < len(chosen):
        granted = _gathered(bound, chosen, tables)
    return rewrite(
        bound,
        question,
        granted,
        columns,
        grant=grant_of(principal),
        timeout=ctx.settings(QueriesSettings).query_timeout,
    )


def _gathered(
    bound: BoundQuery, chosen: list[tuple[Named, _Origin]], tables: Mapping[TableName, Readable]
) -> Granted:
    """Each table is an input, once, however often it is named."""
    make_portable(bound.tree, bound.text)
    filled(bound, bound.tree, None)
    names = mentioned(bound.tree)
    places: dict[Any, list[Named]] = {}
    for one, origin in chosen:
        key = (origin.query.fingerprint, origin.is_stored) if isinstance(origin, QueryRows) else origin
        places.setdefault(key, []).append(one)
    origins = {
        (origin.query.fingerprint, origin.is_stored) if isinstance(origin, QueryRows) else origin: origin
        for _, origin in chosen
    }
    inputs: list[Input] = []
    put: list[tuple[Named, str]] = []
    for number, (key, nodes) in enumerate(places.items()):
        name = f"input {number}"
        put += [(one, name) for one in nodes]
        wanted = [columns_of(one.node, names) for one in nodes]
        conditions = conditions_of(nodes[0].node) if len(nodes) == 1 else ()
        columns = None if None in wanted else names
        inputs.append(Input(name, _origin(origins[key], tables), columns, conditions))
    return Granted((), tables, tuple(inputs), tuple(put))


def _origin(
    origin: _Origin, tables: Mapping[TableName, Readable]
) -> OwnRows | Documents | SourceTable | QueryRows:
    if not isinstance(origin, TableName):
        return origin
    found = tables[origin]
    return found.documents or OwnRows(found.select)


def grant_of(principal: Principal) -> Grant:
    """To have foreign systems asked: what of them is decided name by name."""
    return Grant(principal, "query.run", principal.org_role or Role.COLLABORATOR)


class _Choosing:
    """What each name of a statement means: a table of ours first, so that a new source changes no query there is."""

    def __init__(
        self, ctx: Context, principal: Principal, text: str, question: Question, nested: Nested
    ) -> None:
        self._ctx = ctx
        self._principal = principal
        self._text = text
        self._question = question
        self._nested = nested
        self._sources: dict[str, NumberedSource] | None = None

    async def choose(self, named: list[Named]) -> list[tuple[Named, _Origin]]:
        names = sorted({one.parts[-1] for one in named})
        candidates = await self._seen(names)
        chosen: list[tuple[Named, _Origin]] = []
        for one in named:
            origin = await self._origin(one, candidates)
            if origin is None:
                raise unknown(one, await self._seen(None), self._question.scope, self._text)
            chosen.append((one, origin))
        return chosen

    async def _seen(self, names: list[str] | None) -> list[TableName]:
        found = await find_readable(self._ctx, self._principal, names)
        return [TableName(one.app, one.source, one.name) for one in found]

    async def _origin(self, one: Named, candidates: list[TableName]) -> _Origin | None:
        source = self._question.source
        if source is not None and len(one.parts) == 1:
            return await self._query(one) or self._of_source(source, one.parts)
        own = choose(one, candidates, self._question.scope, self._text)
        if own is not None:
            return own
        if len(one.parts) == 1:
            return await self._query(one)
        named = (await self._by_slug()).get(one.parts[0])
        if named is not None:
            return self._of_source(named, one.parts[1:])
        return None if source is None else self._of_source(source, one.parts)

    def _of_source(self, source: NumberedSource, parts: tuple[str, ...]) -> SourceTable | None:
        if source.provider == RESULTS:
            return None
        if len(parts) > PARTS[source.provider] or is_system(source.provider, parts):
            return None
        return SourceTable(source, parts)

    async def _by_slug(self) -> dict[str, NumberedSource]:
        if self._sources is None:
            async with self._ctx.db.control.transaction() as conn:
                found = await foreign_sources(conn, self._principal)
            self._sources = {one.slug: one for one in found}
        return self._sources

    async def _query(self, one: Named) -> QueryRows | None:
        plain, given = _QUERY.fullmatch(one.parts[0]), _PARAM_QUERY.fullmatch(one.parts[0])
        if plain is None and given is None:
            return None
        try:
            if given is not None:
                return await self._nested(int(given[1]), dict(parse_qsl(given[2], keep_blank_values=True)))
            assert plain is not None
            found = await self._nested(int(plain[2]), None)
        except errors.Invalid as error:
            # Its places are those of another text.
            raise fault(f"{one.text}: {error.message}", self._text, one.at) from error
        return found if plain[1] is None else replace(found, is_stored=True)
