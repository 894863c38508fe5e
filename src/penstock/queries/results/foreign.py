"""Batches of Arrow that others made, as the batches of a result: of the types that results have, losing nothing."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute

from penstock.queries.results.columns import Column, Kind, distinct
from penstock.queries.results.writing import KIND

_compute: Any = pyarrow.compute
_types: Any = pa.types
_TEXT: Final = pa.string()
_INSTANT: Final = "us"
_DECIMAL: Final = r"^(-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity)$"
_Convert = Callable[[Any], Any]


class Unreadable(ValueError):
    """A value is not what its column says; the message is a sentence."""


class Foreign:
    """How the batches of a schema become those of a result."""

    def __init__(self, schema: Any) -> None:
        found = [_of(field) for field in schema]
        names = distinct(schema.names)
        self.columns = [Column(name, kind) for name, (kind, _, _) in zip(names, found, strict=True)]
        self.types = [kind for _, kind, _ in found]
        self._converts: list[_Convert] = [convert for _, _, convert in found]

    def arrays(self, batch: Any) -> list[Any]:
        """Raises `Unreadable` for what does not fit."""
        try:
            return [convert(array) for convert, array in zip(self._converts, batch.columns, strict=True)]
        except (pa.ArrowException, UnicodeDecodeError, msgspec.MsgspecError) as error:
            raise Unreadable(f"The rows cannot be read: {str(error)[:200]}.") from error


def _of(field: Any) -> tuple[Kind, Any, _Convert]:
    """What the values of a column are, how a result has them, and how they get there."""
    said = (field.metadata or {}).get(KIND, b"").decode("utf-8", "replace")
    if said == Kind.JSON and _is_text(field.type):
        return Kind.JSON, _TEXT, _json_text
    if said == Kind.DECIMAL and _is_text(field.type):
        return Kind.DECIMAL, _TEXT, _decimal_text
    return _of_type(field.type)


def _of_type(kind: Any) -> tuple[Kind, Any, _Convert]:
    if isinstance(kind, pa.BaseExtensionType):
        return _of_extension(kind)
    if _types.is_dictionary(kind):
        found, target, convert = _of_type(kind.value_type)
        return found, target, lambda array: convert(array.cast(kind.value_type))
    for fits, found, target in _PLAIN:
        if fits(kind):
            return found, target or kind, _cast(target or kind)
    if _types.is_timestamp(kind) or _types.is_time(kind):
        return _of_moments(kind)
    if _types.is_nested(kind):
        return Kind.JSON, _TEXT, _as_json
    return Kind.STRING, _TEXT, _as_text


def _of_moments(kind: Any) -> tuple[Kind, Any, _Convert]:
    """In microseconds, as PostgreSQL has them."""
    exact = kind.unit != "ns"
    if _types.is_time(kind):
        target = pa.time64(_INSTANT)
        return Kind.TIME, target, _cast(target, exact=exact)
    target = pa.timestamp(_INSTANT, "UTC" if kind.tz is not None else None)
    return Kind.DATETIME, target, _cast(target, exact=exact)


def _of_extension(kind: Any) -> tuple[Kind, Any, _Convert]:
    if kind.extension_name == "arrow.uuid":
        return Kind.STRING, _TEXT, _uuids
    if kind.extension_name == "arrow.json":
        return Kind.JSON, _TEXT, lambda array: _json_text(array.storage)
    found, target, convert = _of_type(kind.storage_type)
    return found, target, lambda array: convert(array.storage)


def _is_text(kind: Any) -> bool:
    return _types.is_string(kind) or _types.is_large_string(kind) or _types.is_string_view(kind)


def _is_bytes(kind: Any) -> bool:
    return _types.is_binary(kind) or _types.is_large_binary(kind) or _types.is_binary_view(kind)


# A kind of type, what its values are, and what they are cast to where they do not stay as they are.
_PLAIN: Final[tuple[tuple[Callable[[Any], bool], Kind, Any], ...]] = (
    (_types.is_boolean, Kind.BOOLEAN, None),
    (_types.is_integer, Kind.INTEGER, None),
    (_types.is_float16, Kind.FLOAT, pa.float32()),
    (_types.is_floating, Kind.FLOAT, None),
    (_types.is_decimal, Kind.DECIMAL, _TEXT),
    (_is_text, Kind.STRING, _TEXT),
    (_is_bytes, Kind.BYTES, pa.binary()),
    (_types.is_fixed_size_binary, Kind.BYTES, pa.binary()),
    (_types.is_date, Kind.DATE, pa.date32()),
    (_types.is_null, Kind.STRING, _TEXT),
)


def _cast(target: Any, *, exact: bool = True) -> _Convert:
    # Text is checked, as it may come from anywhere, and is what JSON is put together from.
    return lambda array: _checked(array.cast(target, safe=exact))


def _checked(array: Any) -> Any:
    array.validate(full=True)
    return array


def _as_text(array: Any) -> Any:
    return pa.array([None if value is None else str(value) for value in array.to_pylist()], _TEXT)


def _as_json(array: Any) -> Any:
    texts = [
        None if value is None else msgspec.json.encode(value, enc_hook=str).decode()
        for value in array.to_pylist(maps_as_pydicts="lossy")
    ]
    return pa.array(texts, _TEXT)


def _json_text(array: Any) -> Any:
    for text in array.to_pylist():
        if text is not None:
            msgspec.json.decode(text)
    return array.cast(_TEXT)


def _decimal_text(array: Any) -> Any:
    found = _checked(array.cast(_TEXT))
    fits = _compute.all(_compute.match_substring_regex(found, _DECIMAL)).as_py()
    if fits is False:
        raise Unreadable("The rows cannot be read: a number is none.")
    return found


def _uuids(array: Any) -> Any:
    found = [None if value is None else str(uuid.UUID(bytes=value)) for value in array.storage.to_pylist()]
    return pa.array(found, _TEXT)
