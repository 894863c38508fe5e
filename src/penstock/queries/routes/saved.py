"""HTTP for saved queries (contract section 4), on paths that both dialects share (section 14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from litestar import delete, get, post
from litestar.response.base import ASGIResponse
from sqlalchemy import ColumnElement, func, select

from penstock import identity, tables
from penstock.identity import Principal, Role, audit
from penstock.kit import errors, http
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.queries import searching
from penstock.queries.routes import explorer
from penstock.queries.routes.common import (
    LONGEST_NAME,
    answer_page,
    flag_of,
    integer_of,
    null,
    number_of,
    object_body,
    page_of,
    tags_of,
    text_of,
)
from penstock.queries.routes.shapes import Shapes
from penstock.queries.saved import SavedQuery
from penstock.queries.schedules.rule import read as read_schedule
from penstock.queries.service import saved as service
from penstock.queries.service.bound import give_key, may_hand_out
from penstock.queries.service.choices import check_links
from penstock.queries.store import saved
from penstock.queries.store.tables import queries, query_favorites, query_results

ALL: Final = "/api/queries"
ONE: Final = f"{ALL}/{{query_id:str}}"
_SLUG: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_DASH_KEYS: Final = ("query", "data_source_id")
_RECENT: Final = 10
NOT_BY_KEY: Final = "Please use a user API key."
_AMBIGUOUS: Final = "Ambiguous body: use either query/data_source_id or sql_query/layer/table."


def is_slug(text: str) -> bool:
    """True for what names a query of the explorer dialect."""
    return _SLUG.fullmatch(text) is not None


async def caller(request: AnyRequest) -> Principal:
    """Who calls; for a key of one query or dashboard there is nothing here."""
    return await identity.authenticate(http.context(request), request.scope)


async def reader(request: AnyRequest) -> Principal:
    """Who calls, a key of one query or dashboard included: what is read is held to what that is for."""
    return await identity.authenticate(http.context(request), request.scope, bound=True)


async def person(request: AnyRequest) -> Principal:
    """As `reader`, where such a key is known and refused."""
    principal = await reader(request)
    if principal.bound is not None:
        raise errors.Forbidden(NOT_BY_KEY)
    return principal


@post(ALL, status_code=200)
async def create_query(request: AnyRequest) -> ASGIResponse:
    """What the body has decides the dialect, and where it has nothing, how the key came."""
    raw = await http.body(request)
    try:
        body = await object_body(request)
    except errors.BadRequest:
        # Who nobody knows is told that first.
        await caller(request)
        raise
    ours, theirs = (any(name in body for name in names) for names in (_DASH_KEYS, explorer.KEYS))
    if ours and theirs:
        raise errors.BadRequest(_AMBIGUOUS)
    if theirs or (not ours and _by_header(request)):
        return await explorer.create(request, body)
    principal = await caller(request)
    if not raw.strip():
        raise errors.BadRequest("A JSON body is expected and the request has none.")
    values = _created(body)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        await check_links(conn, principal, values.get("options", {}), None)
        made = await service.create(conn, principal, values)
        await give_key(ctx, conn, principal, made)
    return await whole(request, principal, made)


def _by_header(request: AnyRequest) -> bool:
    return http.header(request, b"x-api-key") is not None and http.header(request, b"authorization") is None


def _created(body: Mapping[str, Any]) -> dict[str, Any]:
    values = _changed(body)
    return {
        **values,
        "data_source_id": integer_of(body, "data_source_id"),
        "text": text_of(body, "query"),
        "name": text_of(body, "name", LONGEST_NAME),
    }


def _changed(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body changes; what nobody may change by it is passed over."""
    values: dict[str, Any] = {}
    if "name" in body:
        values["name"] = text_of(body, "name", LONGEST_NAME)
    if "query" in body:
        values["text"] = text_of(body, "query")
    if "data_source_id" in body:
        values["data_source_id"] = integer_of(body, "data_source_id")
    if body.get("description") is not None:
        values["description"] = text_of(body, "description")
    elif "description" in body:
        values["description"] = None
    for name in ("is_draft", "is_archived"):
        if name in body:
            values[name] = flag_of(body, name)
    if "options" in body:
        values["options"] = _options(body)
    if "schedule" in body:
        values["schedule"] = read_schedule(body["schedule"])
    if "tags" in body:
        values["tags"] = tags_of(body)
    return values


def _options(body: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(body["options"], dict):
        raise errors.Invalid({"options": ["It must be an object."]})
    found = cast("dict[str, Any]", body["options"])
    parameters: Any = found.get("parameters", [])
    if not isinstance(parameters, list) or not all(
        isinstance(one, dict) and isinstance(cast("dict[str, Any]", one).get("name"), str)
        for one in cast("list[Any]", parameters)
    ):
        raise errors.Invalid({"options": ["`parameters` must be a list of objects with a `name`."]})
    return found


@get(ALL)
async def list_queries(request: AnyRequest) -> ASGIResponse:
    return await _list(request)


@get(f"{ALL}/my")
async def list_my_queries(request: AnyRequest) -> ASGIResponse:
    return await _list(request, mine=True)


@get(f"{ALL}/archive")
async def list_archived_queries(request: AnyRequest) -> ASGIResponse:
    return await _list(request, archived=True)


@get(f"{ALL}/favorites")
async def list_favorite_queries(request: AnyRequest) -> ASGIResponse:
    return await _list(request, favorites=True)


@get(f"{ALL}/search")
async def search_queries(request: AnyRequest) -> ASGIResponse:
    """As the list with `q`; nothing for who searches nothing."""
    if not dict(http.query(request)).get("q", "").strip():
        await caller(request)
        return http.json([])
    return await _list(request)


@get(f"{ALL}/recent")
async def list_recent_queries(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        wanted = await _filter(conn, principal, mine=True)
        order = [queries.c.updated_at.desc(), queries.c.id.desc()]
        _, found = await saved.list_queries(conn, principal, wanted, order, _RECENT, 0)
    shapes = await Shapes.of(ctx, principal, found)
    return http.json([shapes.recent(query) for query in found])


@get(f"{ALL}/tags")
async def list_query_tags(request: AnyRequest) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await saved.list_tags(conn, principal, await _filter(conn, principal))
    return http.json({"tags": [{"name": name, "count": number} for name, number in found]})


async def _list(request: AnyRequest, **which: bool) -> ASGIResponse:
    principal = await caller(request)
    page = page_of(request)
    pairs = http.query(request)
    sought = " ".join(value for name, value in pairs if name == "q")[:LONGEST_NAME]
    tags = [value for name, value in pairs if name == "tags"]
    if any("\0" in one for one in (sought, *tags)):
        raise errors.BadRequest("Text has no NUL character.")
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        wanted = await _filter(conn, principal, tags=tags, sought=searching.read(sought), **which)
        order = _order(principal, dict(pairs).get("order", ""), wanted)
        total, found = await saved.list_queries(conn, principal, wanted, order, page.size, page.offset)
    shapes = await Shapes.of(ctx, principal, found)
    return answer_page(page, total, [shapes.listed(query) for query in found])


async def _filter(conn: Connection, principal: Principal, **which: Any) -> saved.Filter:
    everything = (principal.org_role or 0) >= Role.ADMIN
    sources = [] if everything else await tables.numbered_sources(conn, principal)
    return saved.Filter([one.id for one in sources], everything, **which)


def _order(principal: Principal, key: str, wanted: saved.Filter) -> Sequence[ColumnElement[Any]]:
    """Nulls last, and the id in the end, so that no page has what another has."""
    newest = [queries.c.created_at.desc(), queries.c.id.desc()]
    name = key.removeprefix("-")
    known = _ORDERS.get(name)
    if known is None:
        rank = None if wanted.sought is None else saved.rank(wanted.sought)
        return newest if rank is None else [rank.desc(), *newest]
    column = known(principal)
    ordered = column.desc() if key.startswith("-") else column.asc()
    return [ordered.nulls_last(), queries.c.id.desc() if key.startswith("-") else queries.c.id.asc()]


def _newest(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return (
        select(column)
        .where(query_results.c.query_id == queries.c.id)
        .order_by(query_results.c.retrieved_at.desc())
        .limit(1)
        .scalar_subquery()
    )


def _starred(principal: Principal) -> ColumnElement[Any]:
    return (
        select(query_favorites.c.created_at)
        .where(query_favorites.c.query_id == queries.c.id, query_favorites.c.user_id == principal.user_id)
        .scalar_subquery()
    )


_ORDERS: Final[Mapping[str, Callable[[Principal], ColumnElement[Any]]]] = {
    "name": lambda _: func.lower(queries.c.name),
    "created_at": lambda _: queries.c.created_at,
    "executed_at": lambda _: _newest(query_results.c.retrieved_at),
    "runtime": lambda _: _newest(query_results.c.runtime),
    "created_by": lambda _: queries.c.user_id,
    "starred_at": _starred,
}


@get(ONE)
async def read_query(request: AnyRequest) -> ASGIResponse:
    principal = await reader(request)
    name = http.segment(request, "query_id")
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        seen = await service.find(conn, principal, await _id(conn, principal, name))
    shapes = await Shapes.of(ctx, principal, [seen.query], whole=True)
    return http.json(shapes.seen(seen))


@post(ONE, status_code=200)
async def update_query(request: AnyRequest) -> ASGIResponse:
    principal = await person(request)
    body = await object_body(request)
    query_id = query_number(request)
    async with http.context(request).db.control.transaction() as conn:
        seen = await service.find(conn, principal, query_id, lock=True)
        values = _changed(body)
        await check_links(conn, principal, values.get("options", {}), seen.query)
        changed = await service.change(conn, principal, seen, values, expected(body))
    return await whole(request, principal, changed)


@delete(ONE, status_code=200)
async def archive_query(request: AnyRequest) -> ASGIResponse:
    principal = await person(request)
    async with http.context(request).db.control.transaction() as conn:
        query_id = await _id(conn, principal, http.segment(request, "query_id"))
        seen = await service.find(conn, principal, query_id, lock=True)
        await service.archive(conn, principal, seen)
    return null()


@post(f"{ONE}/fork", status_code=200)
async def fork_query(request: AnyRequest) -> ASGIResponse:
    principal = await person(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        seen = await service.find(conn, principal, query_number(request))
        made = await service.fork(conn, principal, seen)
        await give_key(ctx, conn, principal, made)
    return await whole(request, principal, made)


@post(f"{ONE}/regenerate_api_key", status_code=200)
async def regenerate_api_key(request: AnyRequest) -> ASGIResponse:
    """Another key for the query; the one that it had is none from now on."""
    principal = await person(request)
    ctx = http.context(request)
    async with ctx.db.control.transaction() as conn:
        seen = await service.find(conn, principal, query_number(request), lock=True)
        if not may_hand_out(principal, seen.query):
            raise errors.Forbidden(service.NOT_YOURS)
        await give_key(ctx, conn, principal, seen.query)
        await audit.record(conn, principal, "query.key", service.KIND, seen.query.id, seen.query.name)
    return await whole(request, principal, seen.query)


@post(f"{ONE}/favorite", status_code=200)
async def add_favorite(request: AnyRequest) -> ASGIResponse:
    return await _favorite(request, starred=True)


@delete(f"{ONE}/favorite", status_code=200)
async def remove_favorite(request: AnyRequest) -> ASGIResponse:
    return await _favorite(request, starred=False)


async def _favorite(request: AnyRequest, *, starred: bool) -> ASGIResponse:
    principal = await caller(request)
    async with http.context(request).db.control.transaction() as conn:
        seen = await service.find(conn, principal, query_number(request))
        if principal.user_id is None:
            raise errors.Forbidden("A service key has no favorites.")
        change = saved.add_favorite if starred else saved.drop_favorite
        await change(conn, principal.user_id, seen.query.id)
    return null()


def expected(body: Mapping[str, Any]) -> int | None:
    """The version of which a body is a change, where it says so."""
    return integer_of(body, "version") if body.get("version") is not None else None


async def whole(request: AnyRequest, principal: Principal, query: SavedQuery) -> ASGIResponse:
    shapes = await Shapes.of(http.context(request), principal, [query], whole=True)
    return http.json(shapes.whole(query))


def query_number(request: AnyRequest) -> int | None:
    return number_of(http.segment(request, "query_id"))


async def _id(conn: Connection, principal: Principal, name: str) -> int | None:
    """Of a query by its number, or by its slug."""
    if not is_slug(name):
        return number_of(name)
    found = await saved.find_query(conn, principal.org_id, slug=name)
    return None if found is None else found.id


ROUTES = (
    create_query,
    list_queries,
    list_my_queries,
    list_archived_queries,
    list_favorite_queries,
    search_queries,
    list_recent_queries,
    list_query_tags,
    read_query,
    update_query,
    archive_query,
    fork_query,
    regenerate_api_key,
    add_favorite,
    remove_favorite,
)
