"""When a query runs by itself: every so many seconds, at a time of day, or as a cron expression says.

Times of day are those of a time zone. One that its clocks skip is as much later as they are put forward; one that they
show twice counts the first time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from penstock.kit import errors

LEAST: Final = 60  # seconds
_MOST: Final = 10 * 366 * 86_400
_DAY: Final = 86_400
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_CRON_FIELDS: Final = 5
_LONGEST: Final = 200
# After so many failures in a row the pause no longer grows: about a day.
_MOST_DOUBLED: Final = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """One of `interval` and `cron` is set; `time` and `weekday` (0 is Monday) narrow an interval of whole days."""

    interval: int | None = None
    time: time | None = None
    weekday: int | None = None
    cron: str | None = None
    zone: str = "UTC"
    until: date | None = None

    @property
    def end(self) -> datetime | None:
        """From here on it does not run."""
        if self.until is None:
            return None
        return _instant(self.until, time(), self.zone)


def read(given: Any) -> dict[str, Any] | None:
    """A schedule as it is stored, from what a client sends. Raises `Invalid` with what is wrong."""
    if given is None:
        return None
    if isinstance(given, (str, int)) and not isinstance(given, bool):
        given = _legacy(str(given))
    if not isinstance(given, Mapping):
        raise _wrong("It must be null, or an object with `interval` or `cron`.")
    found = _read(cast("Mapping[str, Any]", given))
    rule = rule_of(found)
    if rule is not None and rule.cron is not None:
        _check_cron(rule)
    return found


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "interval": _interval(given.get("interval")),
        "time": _time(given.get("time")),
        "day_of_week": _weekday(given.get("day_of_week")),
        "until": _until(given.get("until")),
    }
    if given.get("disabled") not in (None, False):
        if given["disabled"] is not True:
            raise _wrong("`disabled` must be true or false.")
        found["disabled"] = True
    if given.get("cron") is not None:
        found["cron"] = _cron(given["cron"])
    if given.get("time_zone") is not None:
        found["time_zone"] = _zone(given["time_zone"])
    _agree(found)
    return found


def _agree(found: Mapping[str, Any]) -> None:
    """What does not go together is refused rather than passed over."""
    interval: int | None = found["interval"]
    if "cron" in found:
        if any(found[name] is not None for name in ("interval", "time", "day_of_week")):
            raise _wrong("`cron` says it all; leave out `interval`, `time` and `day_of_week`.")
        return
    if interval is None and (found["time"] is not None or found["day_of_week"] is not None):
        raise _wrong("`time` and `day_of_week` need an `interval`.")
    if found["time"] is not None and interval is not None and interval % _DAY:
        raise _wrong(f"`time` goes with an interval of whole days (multiples of {_DAY}).")
    if found["day_of_week"] is not None:
        if interval is not None and interval % (7 * _DAY):
            raise _wrong(f"`day_of_week` goes with an interval of whole weeks (multiples of {7 * _DAY}).")
        if found["time"] is None:
            raise _wrong("`day_of_week` needs a `time`.")


def rule_of(stored: Mapping[str, Any] | None) -> Rule | None:
    """None for what never runs: nothing is said, or it is switched off."""
    if stored is None or stored.get("disabled"):
        return None
    interval, cron = stored.get("interval"), stored.get("cron")
    if interval is None and cron is None:
        return None
    day = stored.get("day_of_week")
    return Rule(
        interval=interval,
        time=time.fromisoformat(stored["time"]) if stored.get("time") else None,
        weekday=_DAYS.index(day) if day else None,
        cron=cron,
        zone=stored.get("time_zone") or "UTC",
        until=date.fromisoformat(stored["until"]) if stored.get("until") else None,
    )


def first(rule: Rule, last: datetime | None, now: datetime) -> datetime | None:
    """When it runs next, after a run at `last`: at once when that lies behind us, or when there was none."""
    if rule.cron is not None:
        return _bounded(rule, _next_of_cron(rule, now))
    if last is None:
        return _bounded(rule, now)
    found = _following(rule, last)
    return _bounded(rule, None if found is None else max(found, now))


def following(rule: Rule, now: datetime) -> datetime | None:
    """When it runs again, having run now; None when never. Times that were missed are not made up for."""
    return _bounded(rule, _next_of_cron(rule, now) if rule.cron is not None else _following(rule, now))


def pause(failures: int) -> timedelta:
    """How much later it runs after so many failures in a row."""
    return timedelta(minutes=2 ** min(failures, _MOST_DOUBLED)) if failures else timedelta()


def _bounded(rule: Rule, at: datetime | None) -> datetime | None:
    """At its end it is looked at once more, to be ended."""
    return at if at is None or rule.end is None else min(at, rule.end)


def _following(rule: Rule, last: datetime) -> datetime | None:
    assert rule.interval is not None
    try:
        if rule.time is None:
            return last + timedelta(seconds=rule.interval)
        local = last.astimezone(ZoneInfo(rule.zone))
        day = local.date()
        if local.time() < rule.time:
            # Its day was the one before, though it began after midnight.
            day -= timedelta(days=1)
        day += timedelta(days=rule.interval // _DAY)
        if rule.weekday is not None:
            # The last such day that is not later than that.
            day -= timedelta(days=(day.weekday() - rule.weekday) % 7)
        return _instant(day, rule.time, rule.zone)
    except OverflowError:
        return None


def _instant(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def _next_of_cron(rule: Rule, now: datetime) -> datetime | None:
    assert rule.cron is not None
    found = next(CronSim(rule.cron, now.astimezone(ZoneInfo(rule.zone))), None)
    return None if found is None else found.astimezone(UTC)


def _check_cron(rule: Rule) -> None:
    try:
        found = _next_of_cron(rule, datetime.now(UTC))
    except CronSimError as error:
        raise _wrong(f"'{rule.cron}' is no cron expression ({error}); one is '30 6 * * MON-FRI'.") from error
    if found is None:
        raise _wrong(f"'{rule.cron}' never comes.")


def _legacy(text: str) -> dict[str, Any]:
    """Seconds, or a time of day, as schedules once were."""
    return {"interval": _DAY, "time": text} if ":" in text else {"interval": text}


def _interval(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not LEAST <= value <= _MOST:
        raise _wrong(f"`interval` must be a number of seconds, {LEAST} to {_MOST}.")
    return value


def _time(value: Any) -> str | None:
    if value is None or value == "":
        return None
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _wrong("`time` must be a time of day such as '06:30'.")
    return f"{int(found[1]):02d}:{found[2]}"


def _weekday(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if value not in _DAYS:
        raise _wrong(f"`day_of_week` must be one of {', '.join(_DAYS)}.")
    return value


def _until(value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:
        found = date.fromisoformat(value)
        if not 1970 <= found.year < 9999:
            raise ValueError(value)
    except (TypeError, ValueError):
        raise _wrong("`until` must be a day such as '2030-12-31'.") from None
    return found.isoformat()


def _cron(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or len(value.split()) != _CRON_FIELDS:
        raise _wrong("`cron` must have five fields: minute, hour, day of month, month, day of week.")
    return " ".join(value.split())


def _zone(value: Any) -> str:
    if not isinstance(value, str) or value not in _zones():
        shown = value[:60] if isinstance(value, str) else value
        raise _wrong(f"'{shown}' is no time zone; one is 'Europe/Berlin'.")
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _wrong(sentence: str) -> errors.Invalid:
    return errors.Invalid({"schedule": [sentence]})
