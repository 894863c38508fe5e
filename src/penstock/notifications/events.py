"""The events that webhooks can be told of; whoever announces one calls `publish` with its name."""

from __future__ import annotations

from typing import Final

EVENTS: Final = ("table.created", "table.altered", "table.deleted")
