from __future__ import annotations

from typing import Any

import pytest

from penstock.kit.events import Events


@pytest.mark.anyio
async def test_listeners_hear_their_kind_in_order() -> None:
    events, heard = Events(), []

    def listener(name: str):
        async def hear(conn: Any, event: Any) -> None:
            heard.append((name, conn, event))

        return hear

    events.subscribe(str, listener("first"))
    events.subscribe(str, listener("second"))
    events.subscribe(int, listener("other"))
    await events.announce("conn", "fact")  # type: ignore[arg-type]
    await events.announce("conn", 1.5)  # type: ignore[arg-type]
    assert heard == [("first", "conn", "fact"), ("second", "conn", "fact")]
