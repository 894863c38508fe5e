"""Drawing for real: pictures of every kind, and a process that is lost, slow, or asked for what it has not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from penstock.queries.charts import counters, drawing, grids
from penstock.queries.charts.drawing import Drawing, NotDrawn
from tests.queries.charts.test_vega import TEXTS, XY, document

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Drawing]:
    made = Drawing(60)
    yield made
    made.stop()


def child_of(one: Drawing) -> Any:
    assert one._child is not None
    return one._child


async def test_pictures(shared: Drawing) -> None:
    made = [
        document(globalSeriesType=kind) for kind in ("column", "line", "area", "scatter", "bubble", "box")
    ]
    made += [
        document(
            {**XY, "kind": "series"}, series={"stacking": "stack", "percentValues": True}, showDataLabels=True
        ),
        document(
            {**XY, "price": "y"}, seriesOptions={"price": {"type": "line", "yAxis": 1}}, swappedAxes=True
        ),
        document({"kind": "x", "n": "y"}, globalSeriesType="pie"),
        document({"kind": "x", "n": "y", "day": "series"}, globalSeriesType="pie"),
        document({"day": "x", "kind": "y", "n": "zVal"}, globalSeriesType="heatmap"),
        grids.document(grids.grid_of({}, TEXTS), 400, 120),
        counters.document(counters.Counter("Label", "1,234", "2,000", False), 300, 200),
    ]
    for one in made:
        svg = await shared.picture(one, "svg")
        assert svg.startswith(b"<svg") and b"NaN" not in svg, one
    table = await shared.picture(grids.document(grids.grid_of({}, TEXTS), 400, 120), "svg")
    assert b"&lt;b&gt;" in table and b"<b>" not in table
    png = await shared.picture(made[0], "png", 2)
    assert png.startswith(b"\x89PNG")
    # The same again is not drawn again.
    pid = child_of(shared).pid
    shared._end()
    assert await shared.picture(made[0], "png", 2) == png
    await shared.picture(made[1], "png")
    assert child_of(shared).pid != pid


async def test_nothing_is_fetched(shared: Drawing) -> None:
    """No document of ours has an address; if one ever had, nothing would go out."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/data.json", "file:///etc/passwd", "/etc/passwd"):
        made = {**document(), "data": {"url": url}}
        try:
            drawn = await shared.picture(made, "svg")
        except NotDrawn:
            drawn = b""
        assert b"root:" not in drawn
    image = {"data": {"values": [{"u": f"http://127.0.0.1:{port}/a.png"}]}, "mark": "image",
             "encoding": {"url": {"field": "u", "type": "nominal"}}}  # fmt: skip
    for form in ("svg", "png"):
        with contextlib.suppress(NotDrawn):
            await shared.picture(image, form)
    server.close()
    await server.wait_closed()
    assert asked == []


async def test_a_lost_process(shared: Drawing) -> None:
    await shared.picture({**document(), "width": 301}, "svg")
    os.kill(child_of(shared).pid, signal.SIGKILL)
    child_of(shared).wait()
    assert await shared.picture({**document(), "width": 302}, "svg")
    with pytest.raises(NotDrawn):
        await shared.picture({**document(), "data": {"url": "http://127.0.0.1:1/x.json"}}, "svg")
    assert await shared.picture({**document(), "width": 303}, "svg")


async def test_a_slow_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Drawing(0.01)
    with pytest.raises(NotDrawn) as raised:
        await one.picture(document(), "svg")
    assert raised.value.status == 400 and one._child is None
    monkeypatch.setattr(drawing, "_WAITING", 0)
    with pytest.raises(Exception, match="Too many pictures"):
        await one.picture({**document(), "width": 304}, "svg")
    one.stop()


async def test_an_idle_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_IDLE", 0.05)
    one = Drawing(60)
    await one.picture(document(), "svg")
    child = child_of(one)
    while child.poll() is None:
        await asyncio.sleep(0.02)
    assert await one.picture({**document(), "width": 305}, "svg")
    one.stop()
