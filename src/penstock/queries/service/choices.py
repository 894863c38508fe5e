"""What a parameter may be that goes by another query: the values of that one's newest result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries import store
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import Result
from penstock.queries.results.reading import ResultFiles
from penstock.queries.run.request import QueryRequest
from penstock.queries.saved import SavedQuery
from penstock.queries.service import bound, saved
from penstock.queries.service.authorizing import authorized
from penstock.queries.service.values import OPTIONS, settled

_MOST: Final = 10_000
DETACHED: Final = "This query is detached from any data source. Please select a different query."
_NO_GROUP: Final = (
    "You are trying to associate a dropdown query that does not have a matching group. Please verify the dropdown "
    "query id you are trying to associate with this query."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value, and what people see in its place."""

    name: str
    value: str


async def with_choices(
    ctx: Context, principal: Principal, request: QueryRequest, at: datetime, query_id: int | None
) -> QueryRequest:
    """What is asked at that moment: dates as they are now, and the choices that other queries give as they are."""
    if not request.definitions:
        return request
    definitions = [
        {**one, OPTIONS: await values_of(ctx, principal, one, query_id)}
        if one.get("type") == "query"
        else one
        for one in request.definitions
    ]
    values = settled(request.values, definitions, "UTC", at)
    return msgspec.structs.replace(request, definitions=definitions, values=values)


async def values_of(
    ctx: Context, principal: Principal, definition: Mapping[str, Any], query_id: int | None
) -> list[str]:
    """The values of a parameter of this query. Raises `BadRequest` when it goes by none that has been run."""
    linked = linked_by(definition)
    try:
        found = await choices(ctx, principal, linked, by=query_id)
    except errors.NotFound as error:
        raise errors.BadRequest(DETACHED) from error
    return [one.value for one in found]


def linked_by(definition: Mapping[str, Any]) -> int | None:
    """The query that a parameter goes by."""
    linked = definition.get("queryId")
    return linked if isinstance(linked, int) and not isinstance(linked, bool) and 0 < linked < 2**63 else None


async def choices(
    ctx: Context, principal: Principal, linked: int | None, *, by: int | None = None
) -> list[Choice]:
    """What the newest result of a query offers the caller; `by` is the query whose parameter goes by it.

    Raises `NotFound` for one that the caller may not know of.
    """
    async with ctx.db.control.transaction() as conn:
        seen = await saved.find(conn, principal, linked, linked=by is not None)
    if seen.query.data_source_id is None and seen.query.slug is None:
        raise errors.BadRequest(DETACHED)
    request = seen.query.request()
    await bound.require(ctx, principal, seen.query.id, request)
    await bound.require(ctx, principal, by if by is not None else seen.query.id, request)
    query = await authorized(ctx, principal, request)
    async with ctx.db.control.transaction() as conn:
        found = await store.newest(conn, principal.org_id, query.fingerprint)
    if found is None:
        raise errors.BadRequest(f"Query {linked}, whose values the parameter takes, has not been run.")
    return await _choices(ctx, found)


async def check_links(
    conn: Connection, principal: Principal, options: Mapping[str, Any], before: SavedQuery | None
) -> None:
    """Raises `BadRequest` for parameters that go by a query which there is not, `Forbidden` for one unseen."""
    known = {linked_by(one) for one in ([] if before is None else before.definitions)}
    for one in options.get("parameters", []):
        if one.get("type") != "query" or linked_by(one) in known - {None}:
            continue
        linked = linked_by(one)
        try:
            await saved.find(conn, principal, linked)
        except errors.NotFound as error:
            raise errors.BadRequest(_NO_GROUP) from error


async def _choices(ctx: Context, result: Result) -> list[Choice]:
    """By the columns `name` and `value`, or else the first one, as text."""
    from penstock.queries.results.texts import plain_texts

    columns = result.file.columns
    places = {one.name.lower(): number for number, one in reversed(list(enumerate(columns)))}
    name, value = places.get("name", 0), places.get("value", 0)
    found: list[Choice] = []
    for batch in await ctx.get(ResultFiles).page(result.file, 0, _MOST):
        names, values = (
            plain_texts(batch.column(place), columns[place], Instants.EXACT).to_pylist()
            for place in (name, value)
        )
        found += [
            Choice(_text(shown), _text(text))
            for shown, text in zip(names, values, strict=True)
            if text is not None
        ]
    return found


def _text(value: Any) -> str:
    return "" if value is None else str(value)
