"""Random rows for filters, and what their values are to plain Python: order, folding, ranges, JSON.

Nothing of the product is used here, so that a mistake cannot hide on both sides.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from random import Random
from typing import Any

Row = dict[str, Any]

COLUMNS = {
    "t": ("text", 'text COLLATE "C"', None),
    "u": ("uuid", "uuid", None),
    "i": ("integer", "bigint", None),
    "n": ("number", "numeric", None),
    "b": ("boolean", "boolean", None),
    "d": ("date", "date", None),
    "h": ("time", "time", None),
    "ts": ("datetime", "timestamptz", None),
    "y": ("year", "smallint", None),
    "du": ("duration", "interval", None),
    "o": ("object", "jsonb", None),
    "a": ("array", "jsonb", None),
    "ai": ("array", "jsonb", "integer"),
    "at": ("array", "jsonb", "text"),
    "j": ("json", "jsonb", None),
    "ri": ("range", "int8range", "integer"),
    "rn": ("range", "numrange", "number"),
    "rd": ("range", "daterange", "date"),
    "rt": ("range", "tstzrange", "datetime"),
}

WORDS = [
    *[
        "",
        "a",
        "A",
        "ab",
        "AB",
        "aB",
        "b",
        "a,b",
        "a%b",
        "a_b",
        "a\\b",
        "%",
        "_",
        "\\",
        " a ",
        "5",
        "true",
        "null",
    ],
    *[
        "straße",
        "STRASSE",
        "STRAẞE",
        "Σίσυφος",
        "ΣΊΣΥΦΟΣ",
        "σίσυφοσ",
        "İstanbul",
        "istanbul",
        "ISTANBUL",
        "ıstanbul",
    ],
    *[
        "éa",
        "Éa",
        "e\u0301a",
        "E\u0301A",
        "Жук",
        "жУК",
        "😀a",
        "日本",
        "\ufb01n",
        "fin",
        "\ue000",
        "\U00010400",
        "\U00010428",
        "[a]",
        '"q"',
        "'; DROP",
    ],
]
LOWER = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZÉΊẞΣΥΦΟΓЖУКİς\U00010400",
        "abcdefghijklmnopqrstuvwxyzéίßσυφογжукiσ\U00010428",
        strict=True,
    )
)
INTS = [0, 1, -1, 2, 3, 5, 10, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
NUMBERS = [
    Decimal(x)
    for x in (
        "0",
        "1",
        "-1",
        "1.5",
        "1.50",
        "0.1",
        "1e20",
        "-1e-20",
        "123456789012345678901234567890.123456789",
        "1e900",
        "1e-900",
    )
]
DATES = [
    date(1, 1, 1),
    date(1999, 12, 31),
    date(2000, 2, 29),
    date(2024, 1, 1),
    date(2024, 1, 2),
    date(9999, 12, 31),
]
TIMES = [time(0), time(9, 30), time(9, 30, 0, 1), time(23, 59, 59, 999999)]
MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2024, 1, 1, 12, 30, tzinfo=UTC),
    datetime(2024, 1, 2, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]
UUIDS = [uuid.UUID(int=x) for x in (0, 1, 2**127, 2**128 - 1, 0x123E4567E89B12D3A456426614174000)]
DURATIONS = ["PT0S", "P1D", "PT24H", "P1M", "P30D", "P1Y", "P1Y2M3DT4H5M6.789S", "PT1.5S", "P2W", "PT90M"]
ITEMS: list[Any] = [
    5,
    "5",
    5.5,
    "5.5",
    True,
    "true",
    False,
    "a",
    "A",
    "a,b",
    "",
    "é",
    [1],
    [1, 2],
    {"k": 1},
    {"k": 1, "m": 2},
]
OBJECTS: list[Any] = [
    {},
    {"k": 1},
    {"k": 1.0},
    {"kk": "É", "a": [1, 2]},
    {"k": None},
    {"k": {"m": "a_b"}},
    {"a": True},
]


def fold(text: str) -> str:
    return "".join(LOWER.get(letter, letter) for letter in text)


def canonical(value: Any) -> Any:
    """JSON values made comparable: true is not 1, and 1 is 1.0."""
    if isinstance(value, bool) or value is None:
        return ("literal", value)
    if isinstance(value, (int, float, Decimal)):
        return ("number", Decimal(str(value)))
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, list):
        return ("array", tuple(canonical(item) for item in value))
    return ("object", tuple(sorted((key, canonical(item)) for key, item in value.items())))


def jsonb_text(value: Any) -> str:
    """JSON as PostgreSQL prints jsonb: keys by length, then by bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return (
            "{"
            + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {jsonb_text(value[key])}" for key in keys)
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def seconds(duration: str) -> Decimal:
    """The length of a duration by which PostgreSQL compares: a month is 30 days, a day 24 hours."""
    found = re.fullmatch(
        r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", duration
    )
    assert found
    sizes = (12 * 30 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1)
    return sum(
        (Decimal(part) * size for part, size in zip(found.groups(), sizes, strict=True) if part), Decimal(0)
    )


@dataclass(frozen=True)
class Range:
    """A range by its two ends, each a tuple that sorts; None when it is empty."""

    low: tuple[Any, ...]
    high: tuple[Any, ...]


def make_range(low: Any, high: Any, bounds: str) -> Range | None:
    if isinstance(low, (int, date)) and not isinstance(low, datetime) and bounds[0] == "(":
        low, bounds = step(low), "[" + bounds[1]
    if isinstance(high, (int, date)) and not isinstance(high, datetime) and bounds[1] == "]":
        high, bounds = step(high), bounds[0] + ")"
    lower = (-math.inf,) if low is None else (0, number(low), 0 if bounds[0] == "[" else 1)
    upper = (math.inf,) if high is None else (0, number(high), 0 if bounds[1] == "]" else -1)
    return None if lower > upper else Range(lower, upper)


def number(end: Any) -> Any:
    return end.toordinal() if isinstance(end, date) and not isinstance(end, datetime) else end


def step(end: Any) -> Any:
    """The next integer, or date as its ordinal, since there is no date after the last one."""
    return number(end) + 1


def adjacent(a: Range, b: Range) -> bool:
    def meet(upper: tuple[Any, ...], lower: tuple[Any, ...]) -> bool:
        return len(upper) == len(lower) == 3 and upper[1] == lower[1] and (upper[2] == 0) != (lower[2] == 0)

    return meet(a.high, b.low) or meet(b.high, a.low)


RANGE_TESTS: dict[str, Callable[[Range | None, Range | None], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "rcontains": lambda a, b: b is None or (a is not None and a.low <= b.low and a.high >= b.high),
    "rcontainedby": lambda a, b: a is None or (b is not None and b.low <= a.low and b.high >= a.high),
    "roverlaps": lambda a, b: bool(a and b and a.low <= b.high and b.low <= a.high),
    "radjacent": lambda a, b: bool(a and b and adjacent(a, b)),
    "rstrictleft": lambda a, b: bool(a and b and a.high < b.low),
    "rstrictright": lambda a, b: bool(a and b and b.high < a.low),
}
ENDS: dict[str, list[Any]] = {"ri": INTS, "rn": NUMBERS[:8], "rd": DATES, "rt": MOMENTS}


def random_range(rnd: Random, name: str) -> tuple[Any, Any, str]:
    low, high = rnd.choice(ENDS[name]), rnd.choice(ENDS[name])
    if low > high:
        low, high = high, low
    return (
        None if rnd.random() < 0.1 else low,
        None if rnd.random() < 0.1 else high,
        rnd.choice(["[)", "[)", "[]", "(]", "()"]),
    )


def random_rows(rnd: Random, count: int) -> list[Row]:
    pools: dict[str, list[Any]] = {
        "t": WORDS, "u": UUIDS, "i": INTS, "n": NUMBERS, "b": [True, False], "d": DATES, "h": TIMES,
        "ts": MOMENTS, "y": [1, 1999, 2024, 9999], "du": DURATIONS, "o": OBJECTS, "j": [*OBJECTS, *ITEMS],
    }  # fmt: skip
    rows: list[Row] = []
    for key in range(count):
        row: Row = {"id": key, **{name: rnd.choice(pool) for name, pool in pools.items()}}
        row["a"] = rnd.sample(ITEMS, rnd.randint(0, 4))
        row["ai"] = rnd.sample(INTS, rnd.randint(0, 3))
        row["at"] = rnd.sample(WORDS, rnd.randint(0, 3))
        for name in ENDS:
            row[name] = None if rnd.random() < 0.1 else random_range(rnd, name)
            if name == "ri" and row[name]:
                # PostgreSQL cannot store an integer range that ends at the last integer, inclusive.
                low, high, bounds = row[name]
                row[name] = (None if low == 2**63 - 1 else low, None if high == 2**63 - 1 else high, bounds)
        for name in pools:
            if rnd.random() < 0.15:
                row[name] = None
        for name in ("a", "ai", "at"):
            if rnd.random() < 0.15:
                row[name] = None
        rows.append(row)
    return rows
