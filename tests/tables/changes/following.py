"""A reader of a change feed, and what it makes of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.tables.workbench import Records, exact


@dataclass
class Follower:
    """Reads from a cursor on and applies what it reads; `seen` has every change."""

    table: Records
    cursor: str = "start"
    conditions: dict[str, Any] = field(default_factory=dict[str, Any])
    seen: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    state: dict[Any, Any] = field(default_factory=dict[Any, Any])

    async def page(self, limit: int = 1000) -> dict[str, Any]:
        answer = await self.table.get("/changes/", since=self.cursor, limit=limit, **self.conditions)
        assert answer.status_code == 200, answer.text
        page = exact(answer)
        assert set(page) == {"data", "next_cursor", "has_more"}
        for one in page["data"]:
            assert set(one) == {"cursor", "op", "key", "record", "at"}
            self.seen.append(one)
            key = tuple(one["key"]) if isinstance(one["key"], list) else one["key"]
            if one["op"] == "delete":
                assert one["record"] is None
                self.state.pop(key, None)
            else:
                self.state[key] = one["record"]
        self.cursor = page["next_cursor"]
        return page

    async def catch_up(self, limit: int = 1000) -> list[dict[str, Any]]:
        """What came since the last time."""
        before = len(self.seen)
        while (await self.page(limit))["has_more"]:
            pass
        return self.seen[before:]

    async def ops(self) -> list[tuple[str, Any]]:
        return [(one["op"], one["key"]) for one in await self.catch_up()]
