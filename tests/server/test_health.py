"""/api/health and /ping."""

import httpx2
import pytest

from penstock import __version__

pytestmark = pytest.mark.anyio


async def test_healthy(anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.get("/api/health/")
    assert answer.status_code == 200
    report = answer.json()
    assert report["status"] == "ok"
    assert report["version"] == __version__
    assert report["database"]["ok"] is True
    assert report["migrations"]["current"] is True


async def test_ping(anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.get("http://testserver//ping//")
    assert (answer.status_code, answer.text) == (200, "PONG.")


def test_as_a_process(server) -> None:
    assert httpx2.get(f"{server.url}/api/health").json()["status"] == "ok"
