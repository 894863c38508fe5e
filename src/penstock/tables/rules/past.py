"""What the server itself looks at past the rules of tables: not to show it, but to keep to what holds for everyone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from penstock.kit.db import Row
from penstock.tables.rules.limits import SETTING

# The value of the setting that every policy lets through.
EVERYONE: Final = '{"a":true}'
Fetch = Callable[[str, Sequence[Any]], Awaitable[Row | None]]


async def past_rules(fetch: Fetch, sql: str, values: Sequence[Any]) -> Row | None:
    """The row of a statement to which all rows are visible. `fetch` runs statements of one open transaction.

    A failure ends the transaction, or its savepoint, and what is set here with it.
    """
    told = await fetch("SELECT coalesce(current_setting($1, true), '') AS told", [SETTING])
    assert told is not None
    await fetch("SELECT set_config($1, $2, true)", [SETTING, EVERYONE])
    found = await fetch(sql, values)
    await fetch("SELECT set_config($1, $2, true)", [SETTING, told["told"]])
    return found
