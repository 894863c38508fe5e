"""The kinds of destinations there are."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from penstock.notifications.destinations.kinds.base import Envelope, Kind, Option
from penstock.notifications.destinations.kinds.chats import DISCORD, GOOGLE_CHAT, MATTERMOST, SLACK, TEAMS
from penstock.notifications.destinations.kinds.email import EMAIL
from penstock.notifications.destinations.kinds.webhook import WEBHOOK

# A new kind is a module here and one line.
KINDS: Final = MappingProxyType(
    {one.type: one for one in (EMAIL, SLACK, WEBHOOK, DISCORD, MATTERMOST, GOOGLE_CHAT, TEAMS)}
)

__all__ = ["KINDS", "Envelope", "Kind", "Option"]
