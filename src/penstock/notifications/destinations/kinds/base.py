"""What a kind of destination is: its options, and how a message gets there."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.kit import errors
from penstock.kit.outbound import OutboundSettings
from penstock.notifications.destinations.models import MASK, Message
from penstock.notifications.schemas import check_url
from penstock.notifications.settings import NotificationsSettings

_LONGEST: Final = 4000
# Line breaks and other control characters have no place in headers and addresses.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a destination. `check` gives a sentence about a value that will not do."""

    name: str
    title: str
    type: str = "string"
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    check: Callable[[Any], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message with what all kinds of sending need."""

    message: Message
    message_id: str
    settings: NotificationsSettings
    limits: OutboundSettings


@dataclass(frozen=True, slots=True)
class Kind:
    """`send` gives the status that was answered, if there are statuses; it raises `NotSent`."""

    type: str
    name: str
    icon: str
    options: tuple[Option, ...]
    send: Callable[[Mapping[str, Any], Envelope], Awaitable[int | None]]

    @property
    def schema(self) -> dict[str, Any]:
        """As the dashboard dialect describes options."""
        properties: dict[str, Any] = {}
        for one in self.options:
            properties[one.name] = {"type": one.type, "title": one.title}
            if one.choices:
                properties[one.name]["enum"] = list(one.choices)
        return {
            "type": "object",
            "properties": properties,
            "required": [one.name for one in self.options if one.required],
            "secret": [one.name for one in self.options if one.secret],
            "order": [one.name for one in self.options],
        }

    def read(
        self, given: Mapping[str, Any], kept: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Plain options and secrets. `kept` are the secrets so far, which a mask stands for. Raises `Invalid`."""
        plain: dict[str, Any] = {}
        secrets: dict[str, Any] = {}
        for option in self.options:
            value = given.get(option.name)
            if option.secret and value == MASK:
                # Without a kept one it is still to be entered: programs copy destinations that they cannot read.
                secrets |= {option.name: kept[option.name]} if kept and option.name in kept else {}
                continue
            if value is None or value == "":
                if option.required:
                    raise _wrong(f"'{option.name}' is missing.")
                continue
            (secrets if option.secret else plain)[option.name] = _sound(option, value)
        return plain, secrets

    def lacking(self, options: Mapping[str, Any]) -> str | None:
        """An option that it cannot do without and that has not been entered."""
        return next((one.name for one in self.options if one.required and one.name not in options), None)


def _sound(option: Option, value: Any) -> Any:
    if option.type == "number":
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(f"'{option.name}' must be a number.")
    elif not isinstance(value, str):
        raise _wrong(f"'{option.name}' must be a string.")
    elif len(value) > _LONGEST or _CONTROL.search(value):
        raise _wrong(f"'{option.name}' must have at most {_LONGEST:,} characters, and no control characters.")
    if option.choices and value not in option.choices:
        raise _wrong(f"'{option.name}' must be one of {', '.join(option.choices)}.")
    complaint = option.check(value) if option.check else None
    if complaint:
        raise _wrong(f"'{option.name}' {complaint}")
    return value


def _wrong(sentence: str) -> errors.Invalid:
    return errors.Invalid({"options": [sentence]})


def web_address(value: str) -> str | None:
    """A check of options: where a message may be posted to."""
    try:
        check_url(value)
    except errors.Invalid:
        return "is not an address such as https://example.com/hook."
    return None
