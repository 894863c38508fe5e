"""The listener ends when it is told to, whatever it is in the middle of."""

from __future__ import annotations

import asyncio
import random

import pytest

from penstock.kit import notify
from penstock.kit.context import Context
from penstock.kit.notify import Listener

pytestmark = pytest.mark.anyio


async def test_stopping_ends_it_at_any_moment(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    # Probing all the time: the stop then often comes in the very moment in which a probe arrives.
    monkeypatch.setattr(notify, "_PROBE_EVERY", 0)
    for _ in range(30):
        listener = Listener(ctx.db.direct)
        listener.start()
        async with asyncio.timeout(20):
            while not listener.listening:
                await asyncio.sleep(0.001)
        await asyncio.sleep(random.random() * 0.02)
        async with asyncio.timeout(20):
            await listener.stop()
        assert not listener.listening
