"""What the routes of management share: the grant of a path, parameters, lists, entity tags, schema changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import msgspec
from litestar.di import NamedDependency
from litestar.response.base import ASGIResponse

from penstock.identity import Grant, Principal
from penstock.kit import errors, http, paging
from penstock.kit.db import Connection, Row
from penstock.kit.http import AnyRequest
from penstock.kit.paging import Page
from penstock.tables import access, service, store
from penstock.tables.models import App, DataSource, TableEntry
from penstock.tables.schema.apply import Limits
from penstock.tables.schema.materialize import Done
from penstock.tables.settings import TablesSettings

T = TypeVar("T")
# What every handler is given: who calls, and the transaction that is committed when it has answered.
Caller = NamedDependency[Principal]
Conn = NamedDependency[Connection]
PAGING = ("page", "page_size")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
# Who calls may be said in the query of any request.
_ALWAYS = ("api_key",)


async def app_for(
    request: AnyRequest, conn: Connection, principal: Principal, action: str, *, lock: bool = False
) -> tuple[Grant, App]:
    """The app of the path and the permission for `action` on what the path names of it.

    `lock` is for who changes anything in it.
    """
    app = await store.find_app(conn, principal, http.segment(request, "app"), lock=lock)
    if app is None:
        raise errors.NotFound
    if not access.holds_inside(principal):
        return access.authorize(principal, action, app), app
    named = {name: http.segment(request, name) for name in ("source", "table") if name in request.path_params}
    source, table = named.get("source"), named.get("table")
    inside = await store.places_inside(conn, principal, app.id, source, table)
    if table is None and principal.role_on((access.APP, app.id), *inside) is None:
        passing = access.pass_through(principal, action, app)
        if passing is not None and await store.sees_something(conn, principal, app.id, source):
            return passing, app
    return access.authorize(principal, action, app, *inside), app


async def source_for(request: AnyRequest, conn: Connection, grant: Grant) -> DataSource:
    source = await store.find_source(conn, grant, http.segment(request, "source"))
    if source is None:
        raise errors.NotFound
    return source


async def table_for(request: AnyRequest, conn: Connection, grant: Grant) -> TableEntry:
    """The table of the path, which must be in the path's data source where it names one."""
    source = http.segment(request, "source") if "source" in request.path_params else None
    entry = await store.find_table(conn, grant, http.segment(request, "table"), source_slug=source)
    if entry is None:
        raise errors.NotFound
    return entry


def parameters(request: AnyRequest, *known: str) -> dict[str, str]:
    """The query parameters, the last of repeated ones.

    An unknown one is refused: a slip such as `dryrun` must not turn into a write.
    """
    given = dict(http.query(request))
    for name, value in given.items():
        if name not in known and name not in _ALWAYS:
            message = f"This route has no parameter '{name[:80]}'."
            raise errors.Invalid({name[:80]: [message]}, hint=errors.nearest(name, known))
        if "\0" in value:
            raise errors.Invalid({name: ["It must not contain the NUL character."]})
    return given


def flag(given: dict[str, str], name: str) -> bool | None:
    """True or false, or None when it is not given."""
    text = given.get(name)
    if text is None:
        return None
    value = _FLAGS.get(text.lower())
    if value is None:
        raise errors.Invalid({name: [f"'{text[:40]}' is neither true nor false."]})
    return value


def page_of(request: AnyRequest) -> Page | None:
    return paging.requested(http.query(request))


def answer_list(
    request: AnyRequest, found: store.Listing, page: Page | None, shown: Callable[[Row], Any]
) -> ASGIResponse:
    """The bare array, or the envelope when a page was asked for.

    A bare list ends at a cap; a longer one says so with a `Link` to the page that continues it (RFC 8288).
    """
    results: Sequence[Any] = [shown(row) for row in found.rows]
    url = f"{http.address(request)}/"
    pairs = [pair for pair in http.query(request) if pair[0] not in _ALWAYS]
    if page is not None:
        assert found.total is not None
        return http.json(paging.envelope(page, found.total, results, url, pairs))
    if not found.more:
        return http.json(results)
    after = store.BARE_LIMIT // paging.MAX_SIZE + 1
    link = f'<{url}?page={after}&page_size={paging.MAX_SIZE}>; rel="next"'
    return http.json(results, headers={"Link": link})


def answer_one(request: AnyRequest, content: msgspec.Struct, status: int = 200) -> ASGIResponse:
    """One resource with its entity tag; 304 when a GET shows that the caller has it."""
    body = msgspec.json.encode(content)
    tag = http.etag(body)
    if request.method == "GET" and http.not_modified(request, tag):
        return ASGIResponse(status_code=304, headers={"ETag": tag})
    return http.json(body, status, {"ETag": tag})


async def require_match(request: AnyRequest, current: Callable[[], Awaitable[msgspec.Struct]]) -> None:
    """Holds a change to the `If-Match` it carries, if any; `current` is what GET would answer now."""
    if request.headers.get("if-match") is not None:
        http.require_match(request, http.etag(msgspec.json.encode(await current())))


async def rehearse(conn: Connection, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work for real and undo it: what `?dry_run=true` asks for."""
    outcome: list[T] = []
    try:
        async with conn.savepoint():
            outcome.append(await work())
            raise _Undo
    except _Undo:
        return outcome[0]


class _Undo(Exception):
    """Rolls a rehearsal back."""


@asynccontextmanager
async def schema_change(
    request: AnyRequest, *, rehearsal: bool, by_table: bool = False
) -> AsyncGenerator[Connection]:
    """A transaction in which schemas change. When a step fails all is undone, and then the failure is written down.

    `by_table` is for requests over several tables: their errors name the table.
    """
    control = http.context(request).db.control
    try:
        async with control.transaction() as conn:
            yield conn
    except service.ChangeFailed as change:
        if not rehearsal:
            async with control.transaction() as conn:
                await service.record_failure(conn, change)
        raise (change.of_import() if by_table else change.failed.error) from change


def terms_of(request: AnyRequest, *, consent: bool, rehearsal: bool) -> service.Terms:
    settings = http.context(request).settings(TablesSettings)
    limits = Limits(
        settings.schema_lock_timeout, settings.schema_lock_patience, settings.schema_statement_timeout
    )

    def sessions() -> AbstractAsyncContextManager[Connection]:
        http.allow(request, settings.schema_widening_seconds)
        return http.context(request).db.session()

    def allow() -> None:
        http.allow(request, settings.schema_widening_seconds)

    small = settings.schema_small_rows
    return service.Terms(limits, small, consent, rehearsal, sessions, http.context(request), allow)


def plan_of(steps: Sequence[Done], migrated: service.Migrated | None = None, **more: Any) -> dict[str, Any]:
    """The answer to `?dry_run=true`. Making a table destroys nothing."""
    migrated = migrated or service.Migrated()
    return {
        "dry_run": True,
        **more,
        "destructive": any(change.loses for _, change in migrated.changes),
        "changes": [
            {
                "table": table,
                "kind": change.kind.value,
                "name": change.name,
                "destructive": change.loses is not None,
                "reason": change.loses,
            }
            for table, change in migrated.changes
        ],
        "rows": dict(migrated.rows),
        "steps": [_step(one) for one in steps if one.step.whole_sql],
    }


def _step(done: Done) -> dict[str, Any]:
    step = done.step
    return {
        "table": done.table.name,
        "operation_type": step.operation_type,
        "description": step.description,
        "sql": step.whole_sql,
        "rollback_sql": step.whole_rollback_sql,
        "destructive": step.loses is not None,
        "rewrites": step.rewrites,
    }
