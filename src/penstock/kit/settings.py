"""How a section of settings is declared, and how text and TOML values become its fields.

A section is a frozen dataclass whose fields are made with `setting`; who reads the environment and the file is
the server's business.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


class SettingError(ValueError):
    """A setting is wrong; the message is a sentence for the person who wrote it."""


def setting(
    default: T,
    help: str,
    *,
    secret: bool = False,
    check: Callable[[T], str | None] | None = None,
) -> T:
    """A field of a section. `check` gives what is wrong with a value ("must be 1 or more"), or None."""
    return dataclasses.field(default=default, metadata={"help": help, "secret": secret, "check": check})


def at_least(least: float) -> Callable[[Any], str | None]:
    """A `check`: a number of `least` or more, where one is given."""
    return lambda value: None if value is None or value >= least else f"must be {least:g} or more"


@dataclass(frozen=True, slots=True)
class Option:
    """One field of a section, as the reader and the documentation see it."""

    section: type[Any]
    name: str
    kind: Any
    default: Any
    help: str
    secret: bool
    check: Callable[[Any], str | None] | None

    @property
    def variable(self) -> str:
        return f"PENSTOCK_{self.name.upper()}"

    @property
    def words(self) -> str:
        """The type, in words."""
        return _words(self.kind)


def options(section: type[Any]) -> list[Option]:
    """The fields of a section, in order."""
    hints = get_type_hints(section)
    return [
        Option(
            section,
            field.name,
            hints[field.name],
            field.default,
            field.metadata.get("help", ""),
            field.metadata.get("secret", False),
            field.metadata.get("check"),
        )
        for field in dataclasses.fields(section)
    ]


def from_text(option: Option, text: str, source: str) -> Any:
    """The value of an environment variable or flag. Raises `SettingError`."""
    return _checked(option, _convert(option.kind, text, option, source), source)


def from_value(option: Option, value: Any, source: str) -> Any:
    """A value of a TOML file or a flag. Raises `SettingError`."""
    kind = _plain(option.kind)
    if get_origin(kind) is tuple and isinstance(value, list):
        items = cast("Sequence[Any]", value)
        if not all(isinstance(item, str) for item in items):
            raise _wrong(option, value, source)
        return _checked(option, tuple(items), source)
    if isinstance(value, str) and kind not in (int, float, bool):
        return from_text(option, value, source)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if kind is Path and isinstance(value, Path):
        return value
    if not isinstance(kind, type) or type(value) is not kind:
        raise _wrong(option, value, source)
    return _checked(option, value, source)


def build(section: type[T], values: Mapping[str, Any]) -> T:
    return section(**values)


def _convert(kind: Any, text: str, option: Option, source: str) -> Any:
    kind = _plain(kind)
    if get_origin(kind) is Literal:
        if text in get_args(kind):
            return text
        raise _wrong(option, text, source)
    if get_origin(kind) is tuple:
        return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)
    if kind is bool:
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        raise _wrong(option, text, source)
    try:
        return kind(text.replace("_", "") if kind is int else text)
    except ValueError:
        raise _wrong(option, text, source) from None


def _checked(option: Option, value: Any, source: str) -> Any:
    fault = option.check(value) if option.check else None
    if fault:
        raise SettingError(f"{source}: {value!r} {fault}.")
    return value


def _wrong(option: Option, value: Any, source: str) -> SettingError:
    shown = "the value" if option.secret else repr(value)
    return SettingError(f"{source}: {shown} is not {option.words}.")


def _plain(kind: Any) -> Any:
    """The type without `| None`."""
    if get_origin(kind) in (Union, types.UnionType):
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


def _words(kind: Any) -> str:
    kind = _plain(kind)
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    if get_origin(kind) is tuple:
        return "a list of texts"
    names = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path", str: "a text"}
    return names[kind]
