"""Places in a feed.

Changes are numbered when they are made, and become visible when their transaction commits: a lower number may come
later. So a place is not a number but a snapshot of PostgreSQL: what `seen` sees has been given out. A reader gets
what a newer snapshot sees besides, by number; in the middle of that, the place also names the newer snapshot (`upto`),
the number of the last change given out, and the highest number that there is to give. A transaction that changes a
record waits for the one that did before it, so the numbers of one record's changes follow its history, and so does
every snapshot: of one record nothing is ever given out before what preceded it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from penstock.kit import errors

# Nothing has been seen.
NOTHING = "1:1:"
START = ("0", "start")
_LENGTH = 20_000
_NUMBER = r"(?:0|[1-9]\d{0,18})"
_SNAPSHOT = rf"{_NUMBER}:{_NUMBER}:(?:{_NUMBER}(?:,{_NUMBER})*)?"
_CURSOR = re.compile(rf"1;(\w{{0,40}});({_SNAPSHOT})(?:;({_SNAPSHOT});({_NUMBER});({_NUMBER}))?", re.ASCII)
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the feed with this `epoch`; the empty one stands for whatever there is."""

    epoch: str
    seen: str
    upto: str | None = None
    last: int = 0
    high: int = 0

    @property
    def least(self) -> str:
        """Of transactions before this one everything has been seen."""
        return self.seen.partition(":")[0]

    def beyond(self) -> Cursor:
        """The place behind all that `upto` sees."""
        return self if self.upto is None else Cursor(self.epoch, self.upto)

    def at(self, change: int) -> Cursor:
        return Cursor(self.epoch, self.seen, self.upto, change, self.high)

    def encode(self) -> str:
        text = f"1;{self.epoch};{self.seen}"
        if self.upto is not None:
            text += f";{self.upto};{self.last};{self.high}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str) -> Cursor:
    """Raises `Invalid` for parameter `since`."""
    if text in START:
        return Cursor("", NOTHING)
    try:
        if len(text) > _LENGTH:
            raise ValueError("too long")
        raw = base64.b64decode((text + "=" * (-len(text) % 4)).encode("ascii"), b"-_", validate=True)
        found = _CURSOR.fullmatch(raw.decode("ascii"))
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise _refused()
    epoch, seen, upto, last, high = found.groups()
    if not _is_snapshot(seen) or (upto is not None and not _is_snapshot(upto)):
        raise _refused()
    cursor = Cursor(epoch, seen, upto, int(last or 0), int(high or 0))
    if max(cursor.last, cursor.high) > _MOST:
        raise _refused()
    return cursor


def _is_snapshot(text: str) -> bool:
    """What PostgreSQL takes: transactions under way in ascending order, within the bounds."""
    least, most, under_way = text.split(":")
    numbers = [int(one) for one in under_way.split(",")] if under_way else []
    low, high = int(least), int(most)
    return (
        0 < low <= high <= _MOST
        and numbers == sorted(set(numbers))
        and (not numbers or (low <= numbers[0] and numbers[-1] < high))
    )


def _refused() -> errors.Invalid:
    message = "The cursor is not one that a change feed gave out; 'start' begins with the oldest change kept."
    return errors.Invalid({"since": [message]})
