"""From what was asked to what may be run of it for this caller; and whether a result is the one they would get."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock import tables
from penstock.identity import Principal
from penstock.kit import clock, errors
from penstock.kit.context import Context
from penstock.queries.access import ACTIONS, role_at
from penstock.queries.models import AuthorizedQuery, QueryRows, Question, Scope
from penstock.queries.results.models import Result
from penstock.queries.run import prepare
from penstock.queries.run.marks import is_safe as has_no_text
from penstock.queries.run.request import QueryRequest
from penstock.queries.run.systems import paused
from penstock.queries.saved import SavedQuery
from penstock.queries.service.values import parameters_of

AUTO_LIMIT: Final = 1000
_SECONDS: Final = 5.0
_MOST: Final = 10_000
_MOST_ASKED: Final = 256
_DEEPEST: Final = 5
_MOST_BELOW: Final = 100


@dataclass(frozen=True, slots=True)
class Above:
    """The saved queries that read from this one; `count` is of all that the first of them reads from."""

    ids: tuple[int, ...] = ()
    count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def below(self, query_id: int) -> Above:
        """Raises `BadRequest` for circles, and for too much."""
        if query_id in self.ids:
            raise errors.BadRequest(f"Query {query_id} reads from itself.")
        if len(self.ids) >= _DEEPEST:
            raise errors.BadRequest(f"Queries read from each other more than {_DEEPEST} deep.")
        if next(self.count) > _MOST_BELOW:
            raise errors.BadRequest(
                f"A query reads from results of queries at most {_MOST_BELOW} times, in all that it reads from."
            )
        return Above((*self.ids, query_id), self.count)


async def authorized(
    ctx: Context, principal: Principal, request: QueryRequest, above: Above | None = None
) -> AuthorizedQuery:
    """Raises `BadRequest` for what cannot be read, `NotFound` for a source that the caller does not see."""
    path = above or Above()

    async def nested(query_id: int, values: Mapping[str, Any] | None) -> QueryRows:
        return await _nested(ctx, principal, query_id, values, path)

    return await prepare(ctx, principal, await _question(ctx, principal, request), nested)


async def _nested(
    ctx: Context,
    principal: Principal,
    query_id: int,
    values: Mapping[str, Any] | None,
    above: Above,
) -> QueryRows:
    """A saved query as a table, under the caller's own rights. Raises `BadRequest`."""
    # Each of them asks by way of this one.
    from penstock.queries.service import saved
    from penstock.queries.service.choices import with_choices

    if principal.bound is not None:
        # It asks in the name of somebody who may see more than those who write the other query.
        raise errors.BadRequest(
            f"The key of a query and the token of a dashboard read no other queries, so query {query_id} is not read "
            "for them."
        )
    path = above.below(query_id)
    denied = errors.BadRequest(f"You do not have access to query id {query_id}.")
    try:
        async with ctx.db.control.transaction() as conn:
            seen = await saved.find(conn, principal, query_id)
        if (role_at(principal, seen.source) or 0) < ACTIONS["query.run"] and not is_safe(seen.query):
            raise denied
        # What is not said is as it is when the query is run by itself, with what it has for want of a value.
        defaults = {
            one["name"]: one["value"]
            for one in seen.query.definitions
            if "name" in one and one.get("value") is not None
        }
        wanted = seen.query.request({**defaults, **(values or {})})
        request = await with_choices(ctx, principal, wanted, clock.now(), query_id)
        query = await authorized(ctx, principal, request, path)
    except (errors.NotFound, errors.Forbidden) as error:
        raise denied from error
    return QueryRows(query_id, request, query, False)


async def _question(ctx: Context, principal: Principal, request: QueryRequest) -> Question:
    scope = foreign = asleep = None
    if request.data_source_id is not None:
        async with ctx.db.control.transaction() as conn:
            source = await tables.numbered_source(conn, principal, request.data_source_id)
        if source is None:
            raise errors.NotFound
        if source.is_foreign:
            foreign = source
        else:
            scope = Scope(source.app_slug, source.slug)
        asleep = paused(source) if source.is_paused else None
    return Question(
        request.text,
        scope,
        parameters_of(request.definitions),
        request.values,
        AUTO_LIMIT if request.limited else None,
        source=foreign,
        paused=asleep,
    )


def is_safe(query: SavedQuery) -> bool:
    """True when no value can be text of the caller's, so that whoever sees the query may run it."""
    return has_no_text(query.text, parameters_of(query.definitions))


class Readers:
    """Who was seen lately to be given the same rows as a result has, and what somebody's question came to."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._known: OrderedDict[tuple[int, Principal], float] = OrderedDict()
        self._asked: OrderedDict[tuple[Principal, str, int | None], tuple[str, float]] = OrderedDict()
        # Of what may be known: it grows whenever all of that is forgotten.
        self.generation = 0
        ctx.listener.subscribe(tables.CATALOG_CHANNEL, lambda _: self.forget())
        ctx.listener.on_gap(self.forget)

    def forget(self) -> None:
        self.generation += 1
        self._known.clear()
        self._asked.clear()

    async def require(self, principal: Principal, result: Result) -> None:
        """Raises `NotFound` when the caller would get other rows by asking, or none."""
        if not await self.may(principal, result):
            raise errors.NotFound

    async def may(self, principal: Principal, result: Result) -> bool:
        """True when the caller would get the same rows by asking."""
        key = (result.id, principal)
        if self._known.get(key, 0.0) > time.monotonic():
            return True
        generation = self.generation
        try:
            query = await authorized(self._ctx, principal, result.request)
        except (errors.BadRequest, errors.Forbidden, errors.NotFound):
            return False
        if query.fingerprint != result.fingerprint:
            return False
        if self._may_keep(generation):
            self._known[key] = time.monotonic() + _SECONDS
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return True

    def fingerprint(self, principal: Principal, request: QueryRequest) -> str | None:
        """That of what the caller would get by asking, if they have asked the same a moment ago."""
        found, until = self._asked.get((principal, request.text, request.data_source_id), (None, 0.0))
        return found if until > time.monotonic() and _has_no_values(request) else None

    def keep(self, generation: int, principal: Principal, request: QueryRequest, fingerprint: str) -> None:
        """`generation` is that of the time before the question was authorized."""
        if self._may_keep(generation) and principal.bound is None and _has_no_values(request):
            key = (principal, request.text, request.data_source_id)
            self._asked[key] = (fingerprint, time.monotonic() + _SECONDS)
            if len(self._asked) > _MOST_ASKED:
                self._asked.popitem(last=False)

    def _may_keep(self, generation: int) -> bool:
        """False when what was found may have been so before something changed, or nobody would tell of a change."""
        return self._ctx.listener.listening and generation == self.generation


def _has_no_values(request: QueryRequest) -> bool:
    """True for what asks the same at any time."""
    return not (request.values or request.definitions or request.limited)
