"""Runs of queries: how they stand, waiting for their end, cancelling them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from penstock_sdk._async.resources.base import AsyncResource, segment
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._errors import PenstockError, QueryTimeoutError
from penstock_sdk._query_models import Job, job_of
from penstock_sdk._timing import async_regardless, async_sleep

_FIRST_LOOK = 0.05  # seconds
_LONGEST_LOOK = 1.0
OnProgress = Callable[[Job], object]


class AsyncJobs(AsyncResource):
    """The runs of queries that concern the caller."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/jobs/")

    async def get(self, job_id: str | int) -> Job:
        """How a run stands. A NotFoundError when there is none, or it is somebody else's."""
        return job_of((await self._transport.request("GET", self._of(job_id))).json())

    async def cancel(self, job_id: str | int) -> None:
        """Cancels a run, in the database too when it is running; leaves it to the others when they wait for it, too."""
        await self._transport.request("DELETE", self._of(job_id))

    async def wait(
        self, job: Job | str | int, *, seconds: float | None = None, on_progress: OnProgress | None = None
    ) -> Job:
        """The run at its end. `on_progress` is told how it stands at every look, once a second at last.

        Who stops waiting, be it after so many `seconds`, which is a QueryTimeoutError, or by Ctrl-C, cancels it.
        """
        found = job if isinstance(job, Job) else await self.get(job)
        until = None if seconds is None else time.monotonic() + seconds
        look = _FIRST_LOOK
        try:
            while not found.is_finished:
                if on_progress is not None:
                    on_progress(found)
                if until is not None and time.monotonic() >= until:
                    raise QueryTimeoutError(
                        f"The query has no result after {seconds:g} seconds; it is cancelled."
                    )
                await async_sleep(look if until is None else max(0.0, min(look, until - time.monotonic())))
                look = min(look * 1.5, _LONGEST_LOOK)
                found = await self.get(found.id)
        except BaseException as error:
            # After a failure to ask the run goes on: its result may be fetched later.
            if isinstance(error, QueryTimeoutError) or not isinstance(error, PenstockError):
                with suppress(PenstockError):
                    await async_regardless(self.cancel(found.id))
            raise
        return found

    def _of(self, job_id: str | int) -> str:
        return f"{self._path}{segment(job_id)}"
