"""Settings of background jobs and the workers that do them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.kit.settings import at_least, setting


@dataclass(frozen=True, slots=True)
class JobsSettings:
    """Who does background jobs, how many at a time, and how long they are remembered."""

    worker: Literal["embedded", "off"] = setting(
        "embedded",
        "`embedded`: `penstock serve` runs a worker beside it; `off`: jobs wait for `penstock worker`.",
    )
    worker_concurrency: int = setting(4, "Jobs that a worker does at the same time.", check=at_least(1))
    worker_lost_after: float = setting(
        15.0,
        "Seconds of silence after which a worker is given up, and its jobs are done by others.",
        check=at_least(1),
    )
    job_days: float = setting(
        7.0, "Days that jobs which went well, or were cancelled, are remembered.", check=at_least(0)
    )
    failed_job_days: float = setting(
        30.0, "Days that jobs which failed or were aborted are remembered.", check=at_least(0)
    )
