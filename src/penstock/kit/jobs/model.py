"""What a job is: its name, what it is given, how often it is tried; and a run of it as others see it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

import msgspec

from penstock.kit.context import Context

if TYPE_CHECKING:
    from penstock.kit.jobs.run import Run

P = TypeVar("P", bound=msgspec.Struct)


class RunState(StrEnum):
    """Where a run stands; the last four are final."""

    TODO = "todo"
    DOING = "doing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Job(Generic[P]):
    """One kind of work. An attempt is over after `time_limit` seconds.

    `at_once` runs go on at a time, anywhere, and `at_once_per_org` of those of one org: others wait their turn.
    """

    name: str
    payload: type[P]
    attempts: int = 5
    time_limit: float = 300.0
    at_once: int | None = None
    at_once_per_org: int | None = None
    # Seconds before the second attempt, doubled with each one more, up to the longest.
    first_delay: float = 2.0
    longest_delay: float = 600.0

    def delay(self, attempt: int) -> float:
        """How long to wait after this attempt; spread, so that what failed together does not come back together."""
        longest = min(self.first_delay * 2.0 ** min(attempt - 1, 30), self.longest_delay)
        return longest * random.uniform(0.8, 1.2)  # noqa: S311  (no secret)


@dataclass(frozen=True, slots=True)
class Handler(Generic[P]):
    """The function that does a job. What it returns, if anything, is kept as the run's result (as JSON)."""

    job: Job[P]
    run: Callable[[Context, Run[P]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Schedule(Generic[P]):
    """A job that is deferred every so many seconds, by whichever worker comes first."""

    job: Job[P]
    payload: P
    every: float


@dataclass(frozen=True, slots=True)
class KnownWorker:
    """A process that does jobs. `beat_at` is when it last said that it is there."""

    id: UUID
    name: str
    concurrency: int
    started_at: datetime
    beat_at: datetime


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A run that a worker is at."""

    id: int
    org_id: int | None
    job: str
    worker: UUID
    created_at: datetime
    started_at: datetime


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as others see it. `done` of `total` is as far as it says it came; `error` is a sentence."""

    id: int
    org_id: int | None
    job: str
    state: RunState
    attempts: int
    done: int | None
    total: int | None
    error: str | None
    result: Any
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
