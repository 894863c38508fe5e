"""Destinations, messages and their deliveries; the secrets stay in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from penstock.notifications.models import DeliveryState

# What stands for a secret that is kept.
MASK: Final = "--------"


class Mood(StrEnum):
    """Whether a message is good news; chats give it a colour."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is told: in one line, at length as text and as HTML, and as data for programs."""

    event: str
    title: str
    text: str
    html: str
    link: str | None = None
    mood: Mood = Mood.NEUTRAL
    data: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Destination:
    """A place of an org where messages go, with the options that are no secrets."""

    id: int
    uid: UUID
    org_id: int
    name: str
    type: str
    options: Mapping[str, Any]
    # Of the secrets that are kept, the names.
    secret_names: tuple[str, ...]
    created_by: int | None
    created_at: datetime
    updated_at: datetime

    @property
    def place(self) -> str:
        """What its secrets are sealed for."""
        return f"destination:{self.uid}"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message on its way to a destination, or to the e-mail address of a user. `about` is such as `alert:3`."""

    id: int
    uid: UUID
    org_id: int
    destination_id: int | None
    user_id: int | None
    about: str
    state: DeliveryState
    attempts: int
    status_code: int | None
    error: str | None
    created_at: datetime
    attempted_at: datetime | None

    @property
    def message_id(self) -> str:
        """The same in every attempt."""
        return f"msg_{self.uid.hex}"


@dataclass(frozen=True, slots=True)
class Due:
    """What an attempt needs."""

    sent: Sent
    message: Message
    destination: Destination | None
    sealed: str | None
