"""The events that webhooks can be told of; whoever announces one calls `publish` with its name."""

from __future__ import annotations

from typing import Final

TABLE_EVENTS: Final = ("table.created", "table.altered", "table.deleted")
# Of the records of one table, in the order in which they come to be.
RECORD_EVENTS: Final = ("record.created", "record.updated", "record.deleted")
EVENTS: Final = (*TABLE_EVENTS, *RECORD_EVENTS)
# Told without being asked for, where record events are: some are no longer kept.
GAP: Final = "record.gap"
