"""How an org wants values written, and what it allows: the settings of an org in the dashboard dialect.

Of the settings that the dialect knows, some have one value here; whoever sends another is told so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from penstock.kit import errors
from penstock.queries.charts.formats import is_number_format
from penstock.queries.results.instants import Written

DATES: Final = ("DD/MM/YY", "MM/DD/YY", "YYYY-MM-DD")
TIMES: Final = ("HH:mm", "HH:mm:ss", "HH:mm:ss.SSS")
_LONGEST: Final = 20
# What clients are told while the org has said nothing.
DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "date_format": DATES[0],
        "time_format": TIMES[0],
        "integer_format": "0,0",
        "float_format": "0,0.00",
        "thousands_separator": ",",
        "decimal_separator": ".",
        "null_value": "-",
        "disable_public_urls": False,
        "feature_show_permissions_control": False,
        "hide_plotly_mode_bar": False,
    }
)
_FIXED: Final[Mapping[str, tuple[Any, str]]] = MappingProxyType(
    {
        "multi_byte_search_enabled": (True, "the search finds parts of words in any script"),
        "send_email_on_failed_scheduled_queries": (
            False,
            "no mail is sent of failures; `GET /api/queries/{id}/schedule` tells of them",
        ),
        "auth_password_login_enabled": (True, "people sign in with their password"),
        "auth_google_apps_domains": ([], "people sign in with their password"),
        "auth_saml_enabled": (False, "people sign in with their password"),
        "auth_jwt_login_enabled": (False, "people sign in with their password"),
    }
)
_MOST: Final = len(DEFAULTS) + len(_FIXED)
_KNOWN: Final = f"those of an org are {', '.join((*DEFAULTS, *_FIXED))}"


@dataclass(frozen=True, slots=True)
class Preferences:
    """`said` are the settings that the org has made; what it has not said is as in `DEFAULTS`."""

    said: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType[str, Any]({}))

    def value(self, name: str) -> Any:
        return self.said.get(name, DEFAULTS[name])

    def number_format(self, whole: bool) -> str | None:
        """Of a column that says nothing of its own; None is every digit."""
        return self.said.get("integer_format" if whole else "float_format")

    def separated(self, number: str) -> str:
        """A number with `,` and `.` in it as the org writes them."""
        return number.translate(
            {ord(","): self.value("thousands_separator"), ord("."): self.value("decimal_separator")}
        )

    def instant_format(self, day: bool) -> str | None:
        """As `number_format`, of days or of instants; None is ISO 8601."""
        if not ({"date_format"} if day else {"date_format", "time_format"}) & self.said.keys():
            return None
        return self.value("date_format") if day else " ".join((self.instants.date, self.instants.time))

    @property
    def instants(self) -> Written:
        """Of files for people."""
        return Written(self.value("date_format"), self.value("time_format"))

    @property
    def all(self) -> dict[str, Any]:
        """As they are told, those with one value included."""
        fixed = {name: value for name, (value, _) in _FIXED.items()}
        return {name: self.value(name) for name in DEFAULTS} | fixed


UNSAID: Final = Preferences()


def changed(before: Preferences, given: Mapping[str, Any]) -> Preferences:
    """With what a body says. Raises `Invalid`, which names each setting that is unknown or cannot be so."""
    if len(given) > _MOST:
        raise errors.BadRequest(f"An org has {_MOST} settings, and the body names {len(given):,}; {_KNOWN}.")
    wrong = {name: [sentence] for name, value in given.items() if (sentence := _wrong(name, value))}
    said = {**before.said, **{name: value for name, value in given.items() if name in DEFAULTS}}
    after = Preferences(MappingProxyType(said))
    if not wrong and after.value("thousands_separator") == after.value("decimal_separator"):
        wrong["decimal_separator"] = ["It must not be the same as `thousands_separator`."]
    if wrong:
        raise errors.Invalid(wrong)
    return after


def _wrong(name: str, value: Any) -> str | None:
    if name in _FIXED:
        only, reason = _FIXED[name]
        return None if type(value) is type(only) and value == only else f"It is {_told(only)} here: {reason}."
    check = _CHECKS.get(name)
    if check is None:
        return f"There is no such setting; {_KNOWN}."
    return check(value)


def _told(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "empty"


def _one_of(known: tuple[str, ...]) -> Callable[[Any], str | None]:
    return lambda value: None if value in known else f"It must be one of {', '.join(known)}."


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "It must be true or false."


def _number(value: Any) -> str | None:
    return None if is_number_format(value) else "It must be a format of numbers such as '0,0.00'."


def _text(least: int, most: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if isinstance(value, str) and least <= len(value) <= most and value.isprintable():
            return None
        return f"It must be a text of {least} to {most} characters."

    return check


_CHECKS: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "date_format": _one_of(DATES),
    "time_format": _one_of(TIMES),
    "integer_format": _number,
    "float_format": _number,
    "thousands_separator": _text(0, 1),
    "decimal_separator": _text(1, 1),
    "null_value": _text(0, _LONGEST),
    "disable_public_urls": _flag,
    "feature_show_permissions_control": _flag,
    "hide_plotly_mode_bar": _flag,
}
