"""When queries run by themselves: what is understood, and when the next time is, also where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.kit import errors
from penstock.queries.schedules.rule import LEAST, first, following, pause, read, rule_of

DAY, WEEK = 86_400, 7 * 86_400


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def next_of(now: str, **schedule: Any) -> str | None:
    rule = rule_of(read(schedule))
    assert rule is not None
    found = following(rule, at(now))
    return None if found is None else found.strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (None, None),
        ({"interval": "3600"}, {"interval": 3600}),
        ({"interval": 60.0, "surplus": 1}, {"interval": 60}),
        ({"interval": DAY, "time": "6:05"}, {"interval": DAY, "time": "06:05"}),
        ({"interval": WEEK, "time": "06:05", "day_of_week": "Sunday"}, {"interval": WEEK, "time": "06:05", "day_of_week": "Sunday"}),
        ({"interval": None, "time": None, "day_of_week": None, "until": None}, {}),
        ({"interval": 60, "disabled": True}, {"interval": 60, "disabled": True}),
        ({"interval": 60, "disabled": False, "until": "2030-01-01"}, {"interval": 60, "until": "2030-01-01"}),
        ("3600", {"interval": 3600}),
        ("12:00", {"interval": DAY, "time": "12:00"}),
        ({"cron": " 30  6 * * MON-FRI ", "time_zone": "Europe/Berlin"}, {"cron": "30 6 * * MON-FRI", "time_zone": "Europe/Berlin"}),
    ],
)  # fmt: skip
def test_what_is_stored(given: Any, stored: Any) -> None:
    nothing = {"interval": None, "time": None, "day_of_week": None, "until": None}
    assert read(given) == (None if stored is None else {**nothing, **stored})


@pytest.mark.parametrize(
    "given",
    [
        [],
        True,
        "soon",
        {"interval": LEAST - 1},
        {"interval": "x"},
        {"interval": True},
        {"interval": 10**12},
        {"interval": DAY, "time": "24:00"},
        {"interval": DAY, "time": 5},
        {"interval": 3600, "time": "12:00"},
        {"interval": DAY, "time": "12:00", "day_of_week": "Monday"},
        {"interval": WEEK, "day_of_week": "Monday"},
        {"interval": WEEK, "time": "12:00", "day_of_week": "Caturday"},
        {"interval": WEEK, "time": "12:00", "day_of_week": ["Monday"]},
        {"time": "12:00"},
        {"interval": 60, "until": "tomorrow"},
        {"interval": 60, "until": 5},
        {"interval": 60, "disabled": "yes"},
        {"cron": "* * * *"},
        {"cron": "* * * * * *"},
        {"cron": "61 * * * *"},
        {"cron": "0 0 31 2 *"},
        {"cron": 5},
        {"cron": "0 0 * * *", "interval": 60},
        {"cron": "0 0 * * *", "time_zone": "Mars/Phobos"},
        {"cron": "0 0 * * *", "time_zone": "../../etc/passwd"},
        {"interval": 60, "time_zone": 7},
    ],
)
def test_what_is_refused(given: Any) -> None:
    with pytest.raises(errors.Invalid) as refused:
        read(given)
    assert list(refused.value.errors or {}) == ["schedule"] and refused.value.message.endswith(".")


@pytest.mark.parametrize(
    ("now", "schedule", "then"),
    [
        ("2026-03-10T10:00", {"interval": 3600}, "2026-03-10T11:00"),
        ("2026-03-10T10:00", {"interval": DAY, "time": "06:30"}, "2026-03-11T06:30"),
        # It began after midnight, for the day before.
        ("2026-03-10T00:01", {"interval": DAY, "time": "23:59"}, "2026-03-10T23:59"),
        ("2026-03-10T10:00", {"interval": 3 * DAY, "time": "06:30"}, "2026-03-13T06:30"),
        # A Tuesday.
        ("2026-03-10T10:00", {"interval": WEEK, "time": "06:30", "day_of_week": "Tuesday"}, "2026-03-17T06:30"),
        ("2026-03-10T10:00", {"interval": WEEK, "time": "06:30", "day_of_week": "Friday"}, "2026-03-13T06:30"),
        ("2026-03-10T10:00", {"interval": 2 * WEEK, "time": "06:30", "day_of_week": "Monday"}, "2026-03-23T06:30"),
        ("2026-03-10T10:00", {"cron": "30 6 * * MON-FRI"}, "2026-03-11T06:30"),
        ("2026-03-13T10:00", {"cron": "30 6 * * MON-FRI"}, "2026-03-16T06:30"),
        ("2026-03-10T10:00", {"interval": DAY, "time": "06:30", "time_zone": "Asia/Tokyo"}, "2026-03-10T21:30"),
        # Clocks are put forward from 2 to 3 on the 29th, and back from 3 to 2 on the 25th of October.
        ("2026-03-28T12:00", {"interval": DAY, "time": "02:30", "time_zone": "Europe/Berlin"}, "2026-03-29T01:30"),
        ("2026-03-29T12:00", {"interval": DAY, "time": "02:30", "time_zone": "Europe/Berlin"}, "2026-03-30T00:30"),
        ("2026-10-24T12:00", {"interval": DAY, "time": "02:30", "time_zone": "Europe/Berlin"}, "2026-10-25T00:30"),
        ("2026-10-25T00:30", {"interval": DAY, "time": "02:30", "time_zone": "Europe/Berlin"}, "2026-10-26T01:30"),
        ("2026-03-28T12:00", {"cron": "0 12 * * *", "time_zone": "Europe/Berlin"}, "2026-03-29T10:00"),
        ("2026-10-24T12:00", {"cron": "0 12 * * *", "time_zone": "Europe/Berlin"}, "2026-10-25T11:00"),
        # Its end is a moment to look at it, too.
        ("2026-03-10T10:00", {"interval": 30 * DAY, "until": "2026-03-20"}, "2026-03-20T00:00"),
        ("2026-03-10T10:00", {"interval": 30 * DAY, "until": "2026-03-20", "time_zone": "Asia/Tokyo"}, "2026-03-19T15:00"),
    ],
)  # fmt: skip
def test_the_next_time(now: str, schedule: dict[str, Any], then: str) -> None:
    assert next_of(now, **schedule) == then


def test_the_first_time() -> None:
    now = at("2026-03-10T10:00")
    hourly = rule_of(read({"interval": 3600}))
    assert hourly is not None
    assert first(hourly, None, now) == now
    assert first(hourly, now - timedelta(minutes=20), now) == now + timedelta(minutes=40)
    # However many times were missed, one run makes up for them.
    assert first(hourly, now - timedelta(days=20), now) == now
    cron = rule_of(read({"cron": "0 12 * * *"}))
    assert cron is not None and first(cron, None, now) == at("2026-03-10T12:00")


def test_what_never_runs() -> None:
    for schedule in (None, {}, {"interval": None}, {"interval": 60, "disabled": True}):
        assert rule_of(read(schedule)) is None


def test_pauses_grow_to_about_a_day() -> None:
    assert [pause(n).total_seconds() / 60 for n in (0, 1, 2, 3, 10, 99)] == [0, 2, 4, 8, 1024, 1024]


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(
        [
            {"interval": 60},
            {"interval": DAY, "time": "02:30"},
            {"interval": WEEK, "time": "02:30", "day_of_week": "Sunday"},
            {"cron": "*/7 2 * * SUN"},
            {"cron": "30 2 * * *"},
        ]
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_the_next_time_lies_ahead_and_is_not_skipped(
    now: datetime, schedule: dict[str, Any], zone: str
) -> None:
    rule = rule_of(read({**schedule, "time_zone": zone}))
    assert rule is not None
    moment = now.replace(tzinfo=UTC)
    then = following(rule, moment)
    assert then is not None
    # Times within an hour that is skipped fall out, where there are many of them.
    assert moment < then <= moment + timedelta(days=15)
