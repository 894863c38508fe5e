"""Wire shapes of destinations, in and out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from penstock.kit import clock
from penstock.notifications.destinations.models import Sent

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class DestinationIn(msgspec.Struct, kw_only=True):
    """A destination, or what of it changes; what else a client sends is passed over. The kind checks the options."""

    name: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}


class DestinationListed(msgspec.Struct, kw_only=True):
    """A destination as in a list."""

    id: int
    name: str
    type: str
    icon: str


class DestinationOut(DestinationListed, kw_only=True):
    """A destination; `--------` stands for each secret. `secret` is in the answer alone that made it."""

    options: dict[str, Any]
    secret: str | UnsetType = UNSET


class SentOut(msgspec.Struct, kw_only=True):
    """A message that was sent, or is to be; `status_code` and `error` are those of the last attempt."""

    id: int
    message_id: str
    about: str
    destination_id: int | None
    user_id: int | None
    state: Literal["pending", "succeeded", "failed"]
    attempts: int
    status_code: int | None
    error: str | None
    created_at: Moment
    attempted_at: Moment | None

    @classmethod
    def of(cls, sent: Sent) -> SentOut:
        return cls(
            id=sent.id,
            message_id=sent.message_id,
            about=sent.about,
            destination_id=sent.destination_id,
            user_id=sent.user_id,
            state=sent.state.value,
            attempts=sent.attempts,
            status_code=sent.status_code,
            error=sent.error,
            created_at=clock.iso(sent.created_at),
            attempted_at=clock.iso(sent.attempted_at) if sent.attempted_at else None,
        )
