"""Example values made from a schema: plain, the same every time, and valid against every constraint."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec

from penstock.tables.models import UNSET, Field, TableSchema
from penstock.tables.records.codec import must_be_sent
from penstock.tables.schema.checks import for_field

_INSTANT = datetime.datetime(2025, 3, 1, 9, 30, tzinfo=datetime.UTC)
_UUID = uuid.UUID("3f2b6c1e-8d4a-4c57-9e0b-5a7d1c9f2e68")
_TRIES = 200
_WORDS = ("example", "a", "A", "abc", "1", "12", "A1", "a-b", "Example text")
_BY_FORMAT = {
    "email": "ada@example.com",
    "uri": "https://example.com/a",
    "uuid": _UUID,
    "binary": "ZXhhbXBsZQ==",
}
_DOCUMENTS: dict[str, Any] = {
    "object": {"key": "value"},
    "array": [],
    "any": {"key": "value"},
    "geopoint": [13.4, 52.5],
    "geojson": {"type": "Point", "coordinates": [13.4, 52.5]},
}
_BOUNDS: dict[str, tuple[Any, Any]] = {
    "integer": (1, 10),
    "number": (1.5, 10),
    "date": (_INSTANT.date(), datetime.date(2025, 4, 1)),
    "datetime": (_INSTANT, _INSTANT + datetime.timedelta(days=31)),
}
_PLAIN: dict[str, Any] = {
    "uuid": _UUID,
    "boolean": True,
    "yearmonth": "2025-03",
    "duration": "PT15M",
}
_NONE: Any = object()


def whole(schema: TableSchema) -> dict[str, Any] | None:
    """A record as it is answered; None when a field has no example and may not be null."""
    return _record(schema, schema.fields)


def created(schema: TableSchema) -> dict[str, Any] | None:
    """A record as a client would send it: without what the server fills."""
    generated = schema.generates_key()
    fields = [
        field
        for field in schema.fields
        if must_be_sent(field, schema) or not (field is generated or schema.manages(field.name))
    ]
    return _record(schema, fields)


def changed(schema: TableSchema) -> dict[str, Any] | None:
    """The first field that is not of the key, changed."""
    for field in schema.fields:
        if field.name in schema.primary_key or schema.manages(field.name):
            continue
        found = value(field)
        if found is not _NONE:
            return {field.name: found}
    return None


def key(schema: TableSchema) -> Any:
    """The key of the example as it stands in a path, or UNSET."""
    values = [value(schema.by_name[name]) for name in schema.primary_key]
    if _NONE in values:
        return msgspec.UNSET
    if len(values) == 1:
        return values[0]
    return ",".join(str(msgspec.to_builtins(one)) for one in values)


def _record(schema: TableSchema, fields: Any) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for field in fields:
        one = value(field)
        if one is not _NONE:
            found[field.name] = one
        elif field.constraints.required or field.name in schema.primary_key:
            return None
        else:
            found[field.name] = None
    return found


def value(field: Field) -> Any:
    """A value that the field accepts, or a mark when none was found in a few tries."""
    if field.default is not UNSET:
        return field.default
    check = for_field(field)
    for candidate in islice(_candidates(field), _TRIES):
        parsed = msgspec.Raw(msgspec.json.encode(candidate)) if field.type in _DOCUMENTS else candidate
        if check is None or field.type == "range" or check(parsed) is None:
            return candidate
    return _NONE


def _candidates(field: Field) -> Iterator[Any]:
    if field.constraints.enum:
        yield field.constraints.enum[0]
    elif field.type in ("integer", "number", "year"):
        yield from _numbers(field)
    elif field.type in ("date", "datetime", "time"):
        yield from _moments(field)
    elif field.type == "string":
        yield from _texts(field)
    elif field.type == "array":
        yield from ([1] * n for n in (0, 1, 2, field.constraints.min_length or 0))
    elif field.vector:
        yield [round(1 / (n + 1), 4) for n in range(field.vector.dimensions)]
    elif field.type == "range":
        lower, upper = _BOUNDS[field.of or "integer"]
        yield {"lower": lower, "upper": upper, "bounds": "[)", "empty": False}
    else:
        yield _PLAIN[field.type] if field.type in _PLAIN else _DOCUMENTS[field.type]


def _numbers(field: Field) -> Iterator[Any]:
    yield {"integer": 1, "number": Decimal("9.5"), "year": 2025}[field.type]
    for bound in (field.constraints.minimum, field.constraints.maximum):
        if bound is not None:
            yield bound


def _moments(field: Field) -> Iterator[Any]:
    yield {"date": _INSTANT.date(), "datetime": _INSTANT, "time": _INSTANT.time()}[field.type]
    for bound in (field.constraints.minimum, field.constraints.maximum):
        if bound is not None:
            yield bound


def _texts(field: Field) -> Iterator[Any]:
    if field.format in _BY_FORMAT:
        yield _BY_FORMAT[field.format]
        return
    least, most = field.constraints.min_length or 0, field.constraints.max_length
    if field.constraints.pattern is not None:
        yield from islice(matching(field.constraints.pattern), _TRIES // 2)
    for word in _WORDS:
        yield (word * (least // len(word) + 1))[: max(least, len(word))][:most]


# One atom of a pattern, and how often it may occur.
_ATOM = re.compile(
    r"(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<open>\((?:\?:|(?!\?)))|(?P<escape>\\.)|(?P<plain>[^\\()\[|])",
    re.DOTALL,
)
_TIMES = re.compile(r"\*\??|\+\??|\?\??|\{(\d+)(?:,(\d*))?\}\??")
_ESCAPED = {
    "d": "1",
    "w": "a",
    "s": " ",
    "D": "a",
    "W": "-",
    "S": "a",
    "t": "\t",
    "n": "\n",
    "b": "",
    "B": "",
}


def matching(pattern: str) -> Iterator[str]:
    """Texts that are likely to match a simple pattern, shorter ones first; the caller checks them."""
    for extra in range(4):
        try:
            text, rest = _alternatives(pattern, extra)
        except (IndexError, ValueError):
            return
        if not rest:
            yield text


def _alternatives(pattern: str, extra: int) -> tuple[str, str]:
    """The first alternative as text, and what follows the group."""
    text, rest = _sequence(pattern, extra)
    while rest.startswith("|"):
        _, rest = _sequence(rest[1:], extra)
    return text, rest


def _sequence(pattern: str, extra: int) -> tuple[str, str]:
    text, rest = "", pattern
    while rest and rest[0] not in "|)":
        found = _ATOM.match(rest)
        if found is None:
            raise ValueError(rest)
        rest = rest[found.end() :]
        if found["open"]:
            piece, rest = _alternatives(rest, extra)
            rest = rest[1:]
        elif found["class"]:
            piece = _member(found["class"])
        elif found["escape"]:
            piece = _ESCAPED.get(found["escape"][1], found["escape"][1])
        else:
            piece = {".": "a", "^": "", "$": ""}.get(found["plain"], found["plain"])
        times = _TIMES.match(rest)
        if times:
            rest = rest[times.end() :]
            piece *= _often(times, extra)
        text += piece
    return text, rest


def _often(times: re.Match[str], extra: int) -> int:
    if times[1] is None:
        return {"*": 0, "+": 1, "?": 0}[times[0][0]] + (extra if times[0][0] != "?" else min(extra, 1))
    least = int(times[1])
    most = least if times[0].find(",") < 0 else int(times[2]) if times[2] else least + extra
    return min(most, least + extra, 1000)


def _member(group: str) -> str:
    inside = group[1:-1]
    if inside.startswith("^"):
        return next(letter for letter in "a1A -_" if re.fullmatch(group, letter) is not None)
    if inside.startswith("\\"):
        return _ESCAPED.get(inside[1], inside[1])
    return inside[0]
