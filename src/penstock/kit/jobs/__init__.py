"""Background jobs on PostgreSQL alone: deferred inside the caller's transaction, run at least once by a worker.

    todo ──> doing ──> succeeded
     │  <──    │  ────> failed      no attempt is left, or trying again would not help
     │         └──────> aborted     stopped in the middle, on request
     └────────────────> cancelled   stopped before it began

A domain declares each kind of work as a `Job`, defers it with `defer`, and hands the server `Handler`s.
"""

from penstock.kit.jobs.model import Handler, Job, KnownWorker, RunningJob, RunState, RunView, Schedule
from penstock.kit.jobs.queue import cancel, counts, defer, find, running, workers
from penstock.kit.jobs.run import Run
from penstock.kit.jobs.worker import Worker

__all__ = [
    "Handler",
    "Job",
    "KnownWorker",
    "Run",
    "RunState",
    "RunView",
    "RunningJob",
    "Schedule",
    "Worker",
    "cancel",
    "counts",
    "defer",
    "find",
    "running",
    "workers",
]
