"""The process that works background jobs off: beside `penstock serve`, or as `penstock worker` on any machine."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace

from penstock import connectors, identity, notifications, queries, tables
from penstock.kit import telemetry
from penstock.kit.crypto import Keys
from penstock.kit.jobs import Worker, cleaning
from penstock.kit.jobs.settings import JobsSettings
from penstock.kit.logs import structlog
from penstock.server.logins import Logins
from penstock.server.settings import ServerSettings, Settings
from penstock.server.worker import build_context, close_context, open_context

HANDLERS = (
    *cleaning.HANDLERS,
    *identity.HANDLERS,
    *connectors.HANDLERS,
    *notifications.HANDLERS,
    *tables.HANDLERS,
    *queries.HANDLERS,
)
SCHEDULES = (
    *cleaning.SCHEDULES,
    *identity.SCHEDULES,
    *connectors.SCHEDULES,
    *notifications.SCHEDULES,
    *tables.SCHEDULES,
    *queries.SCHEDULES,
)

_OWN_CONNECTIONS = 2  # besides one for each run: claims, and signs of life
_ENSURE_EVERY = 1.0  # seconds
_log = structlog.get_logger()


async def work(
    logins: Logins, keys: Keys, settings: Settings, ensure: Callable[[], object] | None = None
) -> None:
    """Work until SIGTERM or SIGINT; then finish what is under way, or hand it back.

    `ensure`, when given, is called every second: it brings the embedded server back when that was killed.
    """
    options = settings.of(JobsSettings)
    context = build_context(logins, keys, _with_connections(settings, options.worker_concurrency))
    tables.tell_webhooks(context)
    worker = Worker(
        context,
        HANDLERS,
        SCHEDULES,
        concurrency=options.worker_concurrency,
        lost_after=options.worker_lost_after,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await open_context(context)
    _log.info("jobs.ready", concurrency=options.worker_concurrency)
    beside = [asyncio.create_task(queries.load_soon(context))]
    if ensure:
        beside.append(asyncio.create_task(_ensuring(ensure)))
    try:
        await worker.run(stop, settings.server.shutdown_timeout)
    finally:
        for task in beside:
            task.cancel()
        await close_context(context)
        await asyncio.to_thread(telemetry.stop_traces)


async def _ensuring(ensure: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(_ENSURE_EVERY)
        try:
            await asyncio.to_thread(ensure)
        except Exception as error:  # whatever it is, the worker goes on and tries again
            _log.error("database.lost", reason=str(error))


def run(logins: Logins, keys: Keys, settings: Settings, ensure: Callable[[], object] | None = None) -> None:
    """`work`, on the event loop that the server runs on."""
    import uvloop  # noqa: PLC0415  (the parent process must stay small)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(logins, keys, settings, ensure))


def _with_connections(settings: Settings, concurrency: int) -> Settings:
    """Jobs hold connections for longer than requests do, and a worker must never be short of its own."""
    server = settings.server
    size = max(server.control_pool_size, concurrency + _OWN_CONNECTIONS)
    sections = {**settings.sections, ServerSettings: replace(server, control_pool_size=size)}
    return Settings(sections, settings.warnings)
