"""Memory when idle and under load, and the time from start to first answer."""

from __future__ import annotations

import json
import time
from statistics import median

from bench import bulk, data, memory
from bench.memory import MIB, Sample
from bench.options import Options
from bench.races import load_of
from bench.report import Figures, Verdict
from bench.stage import Stage
from bench.tools import BenchError


def measure_start(stage: Stage, options: Options) -> tuple[Figures, list[Verdict]]:
    """From `penstock serve` on the existing directory to the first answers; the last server stays."""
    health: list[float] = []
    lists: list[float] = []
    for _ in range(options.rounds):
        stage.stop()
        begun = time.monotonic()
        stage.launch()
        health.append(stage.wait_for("/api/health") - begun)
        lists.append(stage.wait_for(f"{stage.path}?account_id=1") - begun)
    rows = [
        ["health", f"{median(health):.2f}", f"{min(health):.2f} to {max(health):.2f}"],
        ["list with key", f"{median(lists):.2f}", f"{min(lists):.2f} to {max(lists):.2f}"],
    ]
    notes = (
        f"Seconds from the start of `penstock serve` on a directory with {stage.volume.rows:,} rows, "
        f"PostgreSQL included, to the first 200; {options.rounds} starts, each after a clean stop."
    )
    verdict = Verdict(
        "start on an existing directory", "to first answer", median(lists), "s", 3, 1, at_most=True
    )
    return Figures("Start", ("first 200", "seconds", "starts"), rows, notes), [verdict]


def measure_memory(stage: Stage, options: Options) -> tuple[Figures, list[Verdict]]:
    """The server, just started, idle; then under each load in turn."""
    stage.stop()
    stage.start()
    keeper = stage.keeper()
    if keeper is None:
        raise BenchError("PostgreSQL's supervisor is not there.")
    server = stage.pid
    samples = {"idle": memory.settled(server, keeper, options.settle)}
    for kind in ("list", "insert"):
        with memory.Watch(server, keeper) as watch:
            load_of(stage, kind)(options.seconds)
        samples[kind] = watch.peak
    with memory.Watch(server, keeper) as watch:
        _post_bulk(stage, options)
    samples["bulk insert"] = watch.peak
    idle = samples["idle"]
    growth = max(one.private for one in samples.values()) - idle.private
    whole = max(one.total for one in samples.values()) - idle.total
    what = "memory while doing the above"
    return _memory_figures(samples), [
        Verdict("idle memory", "server and PostgreSQL", idle.total / MIB, "MiB", 300, 200, at_most=True),
        Verdict(what, "above idle, without the buffer cache", growth / MIB, "MiB", 150, 64, at_most=True),
        Verdict(what, "above idle, as the buffer cache fills", whole / MIB, "MiB", 150, at_most=True),
    ]


def _post_bulk(stage: Stage, options: Options) -> None:
    body = json.dumps(data.orders(stage.volume, bulk.BATCH, seed=99)).encode()
    poster = bulk.poster(stage)
    for _ in range(options.batches * 2):
        poster.post(body)
    poster.close()


def _memory_figures(samples: dict[str, Sample]) -> Figures:
    rows = [
        [name, *(f"{value / MIB:,.0f}" for value in (one.server, one.postgres, one.shared, one.total))]
        for name, one in samples.items()
    ]
    notes = (
        "MiB of PSS over the process trees: the highest sample of each load, in order, without a restart between. "
        "PostgreSQL's shared memory is nearly all buffer cache: it fills once, up to its setting (64 MiB unless "
        "changed), whatever requests do, and then stays."
    )
    heads = ("while", "server", "PostgreSQL", "PostgreSQL's shared memory", "sum")
    return Figures("Memory", heads, rows, notes)
