"""Days and spans of time by name, such as `d_last_7_days`, as they are at one moment in one time zone.

Weeks begin on Monday. A span goes from the start of its first day to the end of its last, or until now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

Span = tuple[datetime, datetime]


def _start(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _end(at: datetime) -> datetime:
    return at.replace(hour=23, minute=59, second=59, microsecond=0)


def _months_before(at: datetime, months: int) -> datetime:
    """The same day so many months earlier, or the last one that month has."""
    count = at.year * 12 + at.month - 1 - months
    year, month = divmod(count, 12)
    for day in range(at.day, at.day - 4, -1):
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise ValueError(at)


def _month(at: datetime, ago: int) -> Span:
    first = _months_before(at.replace(day=1), ago)
    return _start(first), _end(_months_before(first, -1) - timedelta(days=1))


def _year(at: datetime, ago: int) -> Span:
    year = at.year - ago
    return _start(at.replace(year=year, month=1, day=1)), _end(at.replace(year=year, month=12, day=31))


def _week(at: datetime, ago: int) -> Span:
    monday = at - timedelta(days=at.weekday() + 7 * ago)
    return _start(monday), _end(monday + timedelta(days=6))


def _day(at: datetime, ago: int) -> Span:
    day = at - timedelta(days=ago)
    return _start(day), _end(day)


def _hours(count: int) -> Callable[[datetime], Span]:
    return lambda now: (now - timedelta(hours=count), now)


def _days(count: int) -> Callable[[datetime], Span]:
    return lambda now: (_start(now - timedelta(days=count)), now)


def _months(count: int) -> Callable[[datetime], Span]:
    return lambda now: (_start(_months_before(now, count)), now)


SINGLE: Final[Mapping[str, Callable[[datetime], datetime]]] = MappingProxyType(
    {"d_now": lambda now: now, "d_yesterday": lambda now: now - timedelta(days=1)}
)
RANGES: Final[Mapping[str, Callable[[datetime], Span]]] = MappingProxyType(
    {
        "d_today": lambda now: _day(now, 0),
        "d_yesterday": lambda now: _day(now, 1),
        "d_this_week": lambda now: _week(now, 0),
        "d_this_month": lambda now: _month(now, 0),
        "d_this_year": lambda now: _year(now, 0),
        "d_last_week": lambda now: _week(now, 1),
        "d_last_month": lambda now: _month(now, 1),
        "d_last_year": lambda now: _year(now, 1),
        "d_last_hour": _hours(1),
        "d_last_8_hours": _hours(8),
        "d_last_24_hours": _hours(24),
        "d_last_7_days": _days(7),
        "d_last_14_days": _days(14),
        "d_last_30_days": _days(30),
        "d_last_60_days": _days(60),
        "d_last_90_days": _days(90),
        "d_last_12_months": _months(12),
        "d_last_2_years": _months(24),
        "d_last_3_years": _months(36),
        "d_last_10_years": _months(120),
    }
)


def moment_of(name: str, now: datetime) -> datetime:
    """KeyError for a name that is none of `SINGLE`."""
    return SINGLE[name](now)


def range_of(name: str, now: datetime) -> Span:
    """KeyError for a name that is none of `RANGES`."""
    return RANGES[name](now)
