"""Counting requests, and the Prometheus text."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.server.metrics import Metrics


def samples(text: bytes) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("route", "") + sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_a_histogram_of_times() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.003, 0.003, 100.0):
        metrics.observe("GET", "/a", 200, seconds)
    found = samples(metrics.render())
    name = "penstock_request_duration_seconds"
    assert found[f"{name}_count", "/a"] == 4
    assert found[f"{name}_sum", "/a"] == pytest.approx(100.0065)
    assert found[f"{name}_bucket", "/a0.001"] == 1
    assert found[f"{name}_bucket", "/a0.005"] == 3
    assert found[f"{name}_bucket", "/a30"] == 3
    assert found[f"{name}_bucket", "/a+Inf"] == 4


def test_labels_are_escaped() -> None:
    metrics = Metrics()
    metrics.observe("GET", '/a"b\\c\n', 200, 0.1)
    assert ("penstock_request_duration_seconds_count", '/a"b\\c\n') in samples(metrics.render())


def test_workers_are_summed(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.observe("GET", "/a", 200, 0.1)
    metrics.save()
    (mine,) = tmp_path.glob("*.json")
    (tmp_path / "1.json").write_bytes(mine.read_bytes())
    (tmp_path / "2.json").write_bytes(b"half a fi")
    assert samples(metrics.render())["penstock_request_duration_seconds_count", "/a"] == 2


@pytest.mark.anyio
async def test_over_http(anonymous: httpx2.AsyncClient) -> None:
    await anonymous.get("/ping")
    await anonymous.get("/api/nothing/here")
    answer = await anonymous.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.content)
    assert found["penstock_request_duration_seconds_count", "/ping"] == 1
    # What was not found has no route of its own: made-up paths must not make new series.
    assert not any("nothing" in label for _, label in found)
