"""A worker: claims runs, has them done, and shows that it lives; any number of them share the queue.

A worker writes a sign of life every few seconds. Who stays silent is given up by the others, and its runs are
tried again; what it may still write about them is refused, because each attempt has its holder.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection, Row
from penstock.kit.jobs.ends import End, Ends, end_of
from penstock.kit.jobs.model import Handler, RunState, Schedule
from penstock.kit.jobs.queue import QUERIES, STOP_CHANNEL, WAITING_CHANNEL, defer
from penstock.kit.jobs.run import Ended, Run, attempt
from penstock.kit.logs import bind_contextvars, structlog, unbind_contextvars

_BEATS = 3  # in the time after which a silent worker is given up
_DEAF_POLL = 1.0  # seconds between looks at the queue while notifications do not come
_PAUSE = 1.0  # after an error of the database
_LEAST_PAUSE = 0.01
_UNWRITTEN = 4  # runs for each place, with those whose end is still to be written
_LETTING_GO = 5.0  # seconds that cancelled runs get to let go
_log = structlog.get_logger()


@dataclass(slots=True)
class _Held:
    """A run under way, and why it was told to stop, if it was."""

    run: Run[Any]
    handler: Handler[Any]
    task: asyncio.Task[Ended]
    stopped: bool = False
    lost: bool = False


class Worker:
    """To be made before the context's listener starts."""

    def __init__(
        self,
        context: Context,
        handlers: Sequence[Handler[Any]],
        schedules: Sequence[Schedule[Any]] = (),
        *,
        concurrency: int = 4,
        lost_after: float = 15.0,
    ) -> None:
        self._context = context
        self._handlers = {handler.job.name: handler for handler in handlers}
        self._schedules = {schedule.job.name: schedule for schedule in schedules}
        self._concurrency = concurrency
        self._lost_after = lost_after
        self._id = uuid4()
        self._known = False
        self._ends = Ends(context.db.control)
        self._held: dict[int, _Held] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Runs that the queue believes to be here and that are not, at the last look.
        self._strays: set[tuple[int, int]] = set()
        self._closing = False
        self._wake = asyncio.Event()
        context.listener.subscribe(WAITING_CHANNEL, lambda _: self._wake.set())
        context.listener.subscribe(STOP_CHANNEL, self._hear_stop)
        context.listener.on_gap(self._wake.set)

    async def run(self, stop: asyncio.Event, patience: float) -> None:
        """Work until `stop` is set; then finish what is under way, or after `patience` seconds hand it back."""
        claiming, beating = asyncio.create_task(self._claiming(stop)), asyncio.create_task(self._beating())
        stopping = asyncio.create_task(stop.wait())
        try:
            # A loop ends before it is told to by a fault of ours only, which must not go unseen.
            await asyncio.wait((stopping, claiming, beating), return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            self._wake.set()
            await claiming
            await self._finish(patience)
        finally:
            for task in (stopping, claiming, beating):
                task.cancel()
            await asyncio.wait((stopping, claiming, beating))
            with suppress(errors.PenstockError):
                async with self._context.db.control.transaction() as conn:
                    await conn.execute(QUERIES["leave"], self._id)
        if not beating.cancelled() and (fault := beating.exception()):
            raise fault

    # -- claiming

    async def _claiming(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            try:
                pause = await self._claim()
            except errors.PenstockError as error:
                _log.warning("jobs.unreachable", reason=error.message)
                pause = _PAUSE
            if not stop.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()

    async def _claim(self) -> float | None:
        """Take up what is due, as far as there is room; gives how long to wait at most for the next look."""
        busy = sum(not held.task.done() for held in self._held.values())
        free = min(self._concurrency - busy, _UNWRITTEN * self._concurrency - len(self._held))
        if not self._known or free <= 0:
            return self._poll
        limits = [handler.job.at_once for handler in self._handlers.values()]
        shares = [handler.job.at_once_per_org for handler in self._handlers.values()]
        async with self._context.db.control.transaction() as conn:
            await conn.row(QUERIES["take_turn"])
            rows = await conn.rows(QUERIES["claim"], list(self._handlers), limits, free, self._id, shares)
            due = await conn.value(QUERIES["next_due"], list(self._handlers)) if not rows else None
        for row in rows:
            self._take(row)
        if rows:
            return 0.0  # there may be more of a job that was held to its limit within this statement
        return self._poll if due is None else min(max(due, _LEAST_PAUSE), self._poll)

    @property
    def _poll(self) -> float:
        return self._lost_after / _BEATS if self._context.listener.listening else _DEAF_POLL

    def _take(self, row: Row) -> None:
        handler = self._handlers[row["job"]]
        run = Run(
            self._context,
            row["id"],
            row["org_id"],
            row["payload"],
            row["attempts"],
            row["attempts"] >= row["most_attempts"],
            self._id,
        )
        bind_contextvars(job=row["job"], run=run.id)
        held = _Held(run, handler, asyncio.create_task(self._attempt(handler, run)))
        self._held[run.id] = held
        task = asyncio.create_task(self._see_to(held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        unbind_contextvars("job", "run")

    # -- one attempt

    async def _see_to(self, held: _Held) -> None:
        try:
            await asyncio.wait((held.task,))
            # Its place is free before its end is written.
            self._wake.set()
            if not held.lost:
                await self._write(held, self._outcome(held))
        finally:
            del self._held[held.run.id]
            self._wake.set()

    def _outcome(self, held: _Held) -> Ended | None:
        """What came of it; None when it goes back to the queue."""
        if not held.task.cancelled():
            return held.task.result()
        if held.stopped:
            return Ended(RunState.ABORTED)
        if self._closing:
            return None
        return Ended(RunState.FAILED, "It ended itself in the middle.", again=True)

    async def _attempt(self, handler: Handler[Any], run: Run[Any]) -> Ended:
        try:
            run.payload = msgspec.json.decode(run.payload, type=handler.job.payload)
        except msgspec.ValidationError as error:
            return Ended(RunState.FAILED, f"Its payload does not fit this release: {error}.")
        return await attempt(handler, run)

    async def _write(self, held: _Held, ended: Ended | None) -> None:
        """Write the end down, however long the database is away; refused when others have the run by now."""
        run, job = held.run, held.handler.job
        if run.ended and ended and ended.state is RunState.SUCCEEDED:
            return
        if ended is None:
            end = End(*run.hold, RunState.TODO, uncounted=True)
            _log.info("job.handed_back")
        elif ended.again and not run.last:
            delay = job.delay(run.attempt)
            end = End(*run.hold, RunState.TODO, ended.error, delay=delay)
            _log.info("job.put_off", attempt=run.attempt, reason=ended.error, delay=round(delay, 1))
        else:
            end = end_of(run.hold, ended)
            _log.info("job.ended", state=end.state.value, attempt=run.attempt, reason=end.error)
        if not await self._ends.write(end, lambda: held.lost):
            _log.warning("job.lost", detail="Another worker has it; what this one did may be done twice.")

    # -- stopping

    def _hear_stop(self, payload: str) -> None:
        if payload.isdigit():
            self._stop(int(payload))

    def _stop(self, run_id: int) -> None:
        held = self._held.get(run_id)
        if held and not held.stopped:
            held.stopped = True
            held.task.cancel()

    async def _finish(self, patience: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=max(patience, 0.0))
        self._closing = True
        for held in self._held.values():
            held.task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LETTING_GO)

    # -- signs of life

    async def _beating(self) -> None:
        while True:
            try:
                await self._beat()
            except errors.PenstockError as error:
                _log.warning("jobs.silent", reason=error.message)
            await asyncio.sleep(self._lost_after / _BEATS if self._known else _PAUSE)

    async def _beat(self) -> None:
        async with self._context.db.control.transaction() as conn:
            # A sign of life that is lost with the server is no loss.
            await conn.execute("SET LOCAL synchronous_commit = off")
            if self._known and not await conn.execute(QUERIES["beat"], self._id):
                self._give_up()
            if not self._known:
                await self._register(conn)
            rescued = await conn.rows(QUERIES["rescue"], self._lost_after)
            await self._return_strays(conn, await conn.rows(QUERIES["held"], self._id))
            await self._keep_schedules(conn)
        if not self._known:
            self._known = True
            self._wake.set()
        for row in rescued:
            _log.warning("job.rescued", job=row["job"], run=row["id"], state=row["state"])
        if rescued:
            self._wake.set()

    async def _return_strays(self, conn: Connection, rows: Sequence[Row]) -> None:
        """Stop what is to stop, in case the notification got lost, and hand back what was never received.

        A claim whose answer broke off leaves runs that nobody works at; twice in a row, because a run that is just
        coming or going may be missing here for a moment.
        """
        strays: set[tuple[int, int]] = set()
        for row in rows:
            if row["id"] not in self._held:
                strays.add((row["id"], row["attempts"]))
            elif row["stop_requested"]:
                self._stop(row["id"])
        for run_id, number in strays & self._strays:
            await conn.execute(QUERIES["hand_back"], run_id, self._id, number)
        self._strays = strays

    async def _register(self, conn: Connection) -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        await conn.execute(QUERIES["register"], self._id, name, self._concurrency)
        if self._schedules:
            await conn.execute(QUERIES["plan_schedules"], list(self._schedules))

    def _give_up(self) -> None:
        """This worker was silent for too long: its runs are with others now."""
        _log.error("jobs.given_up", runs=len(self._held))
        for held in self._held.values():
            held.lost = True
            held.task.cancel()
        self._id, self._known = uuid4(), False

    async def _keep_schedules(self, conn: Connection) -> None:
        if not self._schedules:
            return
        every = [schedule.every for schedule in self._schedules.values()]
        for row in await conn.rows(QUERIES["due_schedules"], list(self._schedules), every):
            schedule = self._schedules[row["job"]]
            await defer(conn, schedule.job, schedule.payload, key="schedule")
