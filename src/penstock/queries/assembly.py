"""What queries keep for the life of a process."""

from __future__ import annotations

import asyncio

from penstock.kit.context import Context
from penstock.queries.charts.drawing import Drawing
from penstock.queries.results.objects import open_objects
from penstock.queries.results.reading import ResultFiles
from penstock.queries.service.authorizing import Readers
from penstock.queries.service.reading import Downloads, Results
from penstock.queries.service.runs import Endings
from penstock.queries.service.upstream import Bridge
from penstock.queries.settings import QueriesSettings


def install(ctx: Context) -> None:
    """To be called after `tables.install`, and before the listener starts."""
    settings = ctx.settings(QueriesSettings)
    assert ctx.scratch is not None
    ctx.put(ResultFiles(open_objects(settings.results_url, settings.results_options, ctx.scratch)))
    ctx.put(Readers(ctx))
    ctx.put(Results(ctx))
    ctx.put(Downloads(settings.downloads))
    ctx.put(Endings(ctx))
    if settings.explorer_upstream is not None:
        ctx.put(Bridge(ctx, settings.explorer_upstream))
    ctx.put(Drawing(settings.picture_seconds))


async def stop(ctx: Context) -> None:
    """After the listener stopped: the process that draws ends."""
    await asyncio.to_thread(ctx.get(Drawing).stop)
