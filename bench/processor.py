"""Processor time of process trees: what a request costs, whoever else keeps the machine busy."""

from __future__ import annotations

from contextlib import suppress

import psutil


def spent(pid: int | None) -> float:
    """Seconds that a process and its descendants have used so far, ended ones included; 0 for None."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid) if pid else None
        for one in [root, *root.children(recursive=True)] if root else []:
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total
