"""What tables keep for the life of a process, and what they tell identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.identity import Grant, Places
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.streaming import Streams
from penstock.notifications import Begun, TableFeeds
from penstock.tables import store
from penstock.tables.access import APP
from penstock.tables.aggregates.cost import Sizes
from penstock.tables.catalog import Catalog
from penstock.tables.changes import telling
from penstock.tables.changes.watching import Watchers
from penstock.tables.providers import mongodb
from penstock.tables.settings import TablesSettings


def install(ctx: Context) -> None:
    """To be called after `identity.install`, and before the listener starts."""
    ctx.put(Catalog(ctx.db, ctx.listener))
    ctx.put(Sizes())
    settings = ctx.settings(TablesSettings)
    ctx.put(Streams(settings.bulk_streams))
    ctx.put(Watchers(ctx.db, ctx.listener, settings.change_streams, settings.change_streams_per_org))

    async def begin(
        conn: Connection, grant: Grant, app_id: int, name: str, filters: Mapping[str, Any] | None
    ) -> Begun:
        return await telling.begin(ctx, conn, grant, app_id, name, filters)

    ctx.put(TableFeeds(begin))
    ctx.get(Places).register(APP, store.app_id_of)


async def stop(ctx: Context) -> None:
    """Let go of what was opened since."""
    await mongodb.close(ctx)


def end_streams(ctx: Context) -> None:
    """End the answers that go on for as long as their readers like."""
    ctx.get(Watchers).close()


def tell_webhooks(ctx: Context) -> None:
    """Have webhooks told of records as these change: for the process that does the jobs, before it listens."""
    ctx.put(telling.Teller(ctx))
