"""Changes of records, as a change feed tells of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from penstock_sdk import _json

EVENTS = {"Accept": "text/event-stream"}


class Change(msgspec.Struct, frozen=True):
    """What became of a record. `record` is None once it is deleted; `cursor` is the place to go on from."""

    cursor: str
    op: Literal["insert", "update", "delete"]
    key: Any
    record: dict[str, Any] | None
    at: datetime


class Events:
    """Server-sent events, piece by piece; only what this server sends of the format is understood."""

    def __init__(self, cursor: str | None, *, decimals: bool) -> None:
        self.cursor = self._id = cursor
        # False once the server has said why it ends the stream.
        self.healthy = True
        self._decimals = decimals
        self._rest = b""
        self._data = ""
        self._kind = ""

    def read(self, piece: bytes) -> list[Change]:
        """The changes that are complete with this piece."""
        # Not by what Python takes for the end of a line, which texts of records may have in them.
        *lines, self._rest = (self._rest + piece).split(b"\n")
        found = [self._line(line.decode()) for line in lines]
        return [change for change in found if change is not None]

    def _line(self, line: str) -> Change | None:
        name, _, value = line.partition(": ")
        match name:
            case "id":
                self._id = value
            case "event":
                self._kind = value
            case "data":
                self._data = value
            case "" if not line:
                return self._end()
            case _:
                pass
        return None

    def _end(self) -> Change | None:
        # Only now, since an event that breaks off is to come again.
        self.cursor = self._id
        data, kind = self._data, self._kind
        self._data = self._kind = ""
        if kind == "error":
            self.healthy = False
        if not data or kind:
            return None
        return read_change(_json.decode(data.encode(), decimals=self._decimals))


def read_change(raw: Any) -> Change:
    """Of a change as decoded JSON, in which numbers may be decimals."""
    at = msgspec.convert(raw["at"], datetime)
    return Change(raw["cursor"], raw["op"], raw["key"], raw["record"], at)
