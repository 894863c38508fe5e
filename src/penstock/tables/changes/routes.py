"""HTTP for change feeds: a page of changes, or a stream of them."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.response.base import ASGIResponse

from penstock.identity import still_calling
from penstock.kit import errors, http
from penstock.tables.catalog import Catalog
from penstock.tables.changes import feed
from penstock.tables.changes.cursor import Cursor, decode
from penstock.tables.changes.plan import ChangesPlan, plan_changes
from penstock.tables.changes.request import ChangesRequest, parse_changes
from penstock.tables.changes.stream import MEDIA_TYPE, EventStream, Following
from penstock.tables.changes.watching import Watchers
from penstock.tables.providers import Feature
from penstock.tables.records.call import Call, enter, open_table
from penstock.tables.records.replan import replanned
from penstock.tables.records.routes import CHANGES
from penstock.tables.settings import TablesSettings

_FOR_EVER = 10.0**9  # seconds


@get(CHANGES)
@replanned
async def read_changes(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.read", Feature.CHANGES)
    wanted = parse_changes(http.query(request), call.table.columns)
    plan = plan_changes(wanted.filters, call.table, call.grant)
    streams = MEDIA_TYPE in (http.header(request, b"accept") or "")
    since = (_last_seen(request) if streams else None) or wanted.since
    pool = call.ctx.db.data
    if streams:
        since = since or await feed.now(pool, call.table.definition.id)
        # What is wrong with the cursor is said before the stream begins.
        await feed.changes(pool, plan, since, 1)
        return _stream(call, wanted, since)
    if since is None:
        page = feed.Page((), await feed.now(pool, call.table.definition.id), more=False)
    else:
        page = await feed.changes(pool, plan, since, wanted.limit)
    return http.raw_json(_body(page))


def _body(page: feed.Page) -> bytes:
    data = ",".join(one.json for one in page.changes)
    more = "true" if page.more else "false"
    return f'{{"data":[{data}],"next_cursor":"{page.next.encode()}","has_more":{more}}}'.encode()


def _last_seen(request: http.AnyRequest) -> Cursor | None:
    """What a browser sends when it comes back."""
    text = http.header(request, b"last-event-id")
    return decode(text) if text else None


def _stream(call: Call, wanted: ChangesRequest, since: Cursor) -> ASGIResponse:
    settings, watchers = call.ctx.settings(TablesSettings), call.ctx.get(Watchers)
    scope: Any = call.request.scope
    table_id, org_id = call.table.definition.id, call.principal.org_id

    async def plan() -> ChangesPlan:
        """As if it were asked anew: the key may be revoked by now, the table changed."""
        principal = await still_calling(call.ctx, scope)
        grant, table = await open_table(
            call.ctx, principal, call.table.app_slug, call.table.name, "record.read", Feature.CHANGES
        )
        if (table.definition.id, principal.org_id) != (table_id, org_id):
            raise errors.NotFound
        return plan_changes(wanted.filters, table, grant)

    http.allow(call.request, _FOR_EVER)
    following = Following(
        call.ctx.db.data,
        watchers,
        plan,
        lambda: Catalog.of(call.ctx).forget(org_id),
        settings.change_heartbeat,
        settings.bulk_patience,
    )
    return EventStream(following, since, watchers.place(org_id))


ROUTES: tuple[Any, ...] = (read_changes,)
