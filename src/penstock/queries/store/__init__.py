"""The tables of queries, and rows to models and back; no decisions."""

from penstock.queries.store.results import (
    GONE_CHANNEL,
    Wanted,
    add_result,
    counted,
    drop_results,
    forgotten,
    installed,
    known_files,
    newest,
    newest_of,
    result,
    tell_gone,
)
from penstock.queries.store.runs import Stored, add_run, joinable, payload, position, run_of

__all__ = [
    "GONE_CHANNEL",
    "Stored",
    "Wanted",
    "add_result",
    "add_run",
    "counted",
    "drop_results",
    "forgotten",
    "installed",
    "joinable",
    "known_files",
    "newest",
    "newest_of",
    "payload",
    "position",
    "result",
    "run_of",
    "tell_gone",
]
