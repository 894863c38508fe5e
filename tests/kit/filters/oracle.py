"""What filters mean, in plain Python: rows, and for each operator a random condition with the answer it must give.

Nothing of the product is used here, so that a mistake cannot hide on both sides.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

Row = dict[str, Any]
Holds = Callable[[Row], "bool | None"]


@dataclass
class Case:
    """A condition as a caller writes it in a query string (None: impossible there) and in JSON, and what it means."""

    key: str
    text: str | None
    value: Any
    holds: Holds


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
    *["", "a", "A", "ab", "AB", "aB", "b", "a,b", "a%b", "a_b", "a\\b", "%", "_", "\\", " a ", "5", "true", "null"],
    *["straße", "STRASSE", "STRAẞE", "Σίσυφος", "ΣΊΣΥΦΟΣ", "σίσυφοσ", "İstanbul", "istanbul", "ISTANBUL", "ıstanbul"],
    *["éa", "Éa", "e\u0301a", "E\u0301A", "Жук", "жУК", "😀a", "日本", "\ufb01n", "fin", "\ue000", "\U00010400", "\U00010428", "[a]", '"q"', "'; DROP"],
]
LOWER = dict(
    zip("ABCDEFGHIJKLMNOPQRSTUVWXYZÉΊẞΣΥΦΟΓЖУКİς\U00010400", "abcdefghijklmnopqrstuvwxyzéίßσυφογжукiσ\U00010428", strict=True)
)
INTS = [0, 1, -1, 2, 3, 5, 10, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
NUMBERS = [Decimal(x) for x in ("0", "1", "-1", "1.5", "1.50", "0.1", "1e20", "-1e-20", "123456789012345678901234567890.123456789", "1e900", "1e-900")]
DATES = [date(1, 1, 1), date(1999, 12, 31), date(2000, 2, 29), date(2024, 1, 1), date(2024, 1, 2), date(9999, 12, 31)]
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
ITEMS: list[Any] = [5, "5", 5.5, "5.5", True, "true", False, "a", "A", "a,b", "", "é", [1], [1, 2], {"k": 1}, {"k": 1, "m": 2}]
OBJECTS: list[Any] = [{}, {"k": 1}, {"k": 1.0}, {"kk": "É", "a": [1, 2]}, {"k": None}, {"k": {"m": "a_b"}}, {"a": True}]


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
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {jsonb_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def seconds(duration: str) -> Decimal:
    """The length of a duration by which PostgreSQL compares: a month is 30 days, a day 24 hours."""
    found = re.fullmatch(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", duration)
    assert found
    sizes = (12 * 30 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1)
    return sum((Decimal(part) * size for part, size in zip(found.groups(), sizes, strict=True) if part), Decimal(0))


# ------------------------------------------------------------------------------------------------------- ranges


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


# --------------------------------------------------------------------------------------------------------- rows


def random_rows(rnd: Random, count: int) -> list[Row]:
    pools: dict[str, list[Any]] = {
        "t": WORDS, "u": UUIDS, "i": INTS, "n": NUMBERS, "b": [True, False], "d": DATES, "h": TIMES, "ts": MOMENTS,
        "y": [1, 1999, 2024, 9999], "du": DURATIONS, "o": OBJECTS, "j": [*OBJECTS, *ITEMS],
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


# --------------------------------------------------------------------------------------------------- conditions


def known(name: str, test: Callable[[Any], bool]) -> Holds:
    """A test that is unknown where the column is NULL."""
    return lambda row: None if row[name] is None else test(row[name])


def literal(rnd: Random, name: str) -> tuple[Any, str, Any]:
    """A value of the column's type: as Python compares it, in a query string, in JSON."""
    if name == "t":
        word = rnd.choice(WORDS)
        return word, word, word
    if name == "u":
        value = rnd.choice(UUIDS)
        return value, rnd.choice([str(value), str(value).upper(), value.hex]), str(value)
    if name == "i":
        whole = rnd.choice(INTS)
        return whole, str(whole), rnd.choice([whole, str(whole)])
    if name == "n":
        exact = rnd.choice(NUMBERS)
        return exact, str(exact), rnd.choice([exact, str(exact)])
    if name == "b":
        flag = rnd.random() < 0.5
        return flag, rnd.choice(["True", "true", "1", "TRUE"] if flag else ["False", "false", "0"]), flag
    if name == "y":
        year = rnd.choice([1, 1999, 2024, 9999])
        return year, str(year), year
    if name == "du":
        duration = rnd.choice(DURATIONS)
        return seconds(duration), duration, duration
    if name == "ts":
        return moment(rnd)
    value = rnd.choice(DATES if name == "d" else TIMES)
    return value, value.isoformat(), value.isoformat()


def moment(rnd: Random) -> tuple[Any, str, Any]:
    value = rnd.choice(MOMENTS)
    forms = [value.isoformat(), value.isoformat().replace("+00:00", "Z"), value.replace(tzinfo=None).isoformat(" ")]
    if value.time() == time(0):
        forms.append(value.date().isoformat())
    if 1 < value.year < 9999:
        forms.append(value.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat())
    text = rnd.choice(forms)
    return value, text, text


COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def stored(name: str, value: Any) -> Any:
    return seconds(value) if name == "du" else value


def compare(rnd: Random, name: str, op: str) -> Case:
    key = name if op == "eq" and rnd.random() < 0.5 else f"{name}__{op}"
    if op in ("eq", "ne") and rnd.random() < 0.1:
        return Case(key, None, None, lambda row: (row[name] is None) == (op == "eq"))
    if name in ENDS:
        return range_case(rnd, name, op, key)
    if name in ("o", "a", "ai", "at", "j"):
        pool = {"o": OBJECTS, "j": [*OBJECTS, *(item for item in ITEMS if not isinstance(item, str)), "a", "é"]}
        value = rnd.choice(pool[name]) if name in pool else rnd.sample(ITEMS, rnd.randint(0, 2))
        test = COMPARES[op]
        return Case(key, json.dumps(value), value, known(name, lambda cell: test(canonical(cell), canonical(value))))
    wanted, text, wire = literal(rnd, name)
    return Case(key, text, wire, known(name, lambda cell: COMPARES[op](stored(name, cell), wanted)))


def range_case(rnd: Random, name: str, op: str, key: str) -> Case:
    def show(end: Any) -> Any:
        return "" if end is None else end.isoformat() if isinstance(end, (date, datetime)) else str(end)

    def wire(end: Any) -> Any:
        return end.isoformat() if isinstance(end, (date, datetime)) else end

    test = RANGE_TESTS[op]
    low, high, bounds = random_range(rnd, name)
    kind = rnd.choice(["value", "pair", "brackets", "empty"])
    if kind == "value":
        low = high = rnd.choice(ENDS[name])
        bounds, text, value = "[]", show(low), wire(low)
    elif kind == "pair":
        bounds, text, value = "[)", f"{show(low)},{show(high)}", [wire(low), wire(high)]
    elif kind == "brackets":
        text = f"{bounds[0]}{show(low)},{show(high)}{bounds[1]}"
        value = {"lower": wire(low), "upper": wire(high), "bounds": bounds}
    else:
        text, value = "empty", {"empty": True}
    wanted = None if kind == "empty" else make_range(low, high, bounds)
    if name == "ri" and wanted and wanted.high == (0, 2**63, -1):
        wanted = Range(wanted.low, (math.inf,))  # no integer of 64 bits lies above
    if name == "ri" and wanted and wanted.low == (0, 2**63, 0):
        wanted = None
    return Case(key, text, value, known(name, lambda cell: test(make_range(*cell), wanted)))


def members(rnd: Random, name: str, op: str) -> Case:
    drawn = [literal(rnd, name) for _ in range(rnd.randint(0, 4))]
    change: Callable[[Any], Any] = fold if op.endswith("ina") else lambda value: value
    wanted = [change(value) for value, _, _ in drawn]
    texts = [text for _, text, _ in drawn]
    positive = op in ("in", "ina")

    def holds(row: Row) -> bool | None:
        if not wanted:
            return not positive
        if row[name] is None:
            return None
        return (change(stored(name, row[name])) in wanted) == positive

    plain = name != "t" and texts
    blank = " " if name != "t" and rnd.random() < 0.3 else ""
    text = f",{blank}".join(texts) if plain else json.dumps(texts)
    return Case(f"{name}__{op}", text, [wire for _, _, wire in drawn], holds)


def pairs(rnd: Random, name: str, op: str) -> Case:
    (low, low_text, low_wire), (high, high_text, high_wire) = literal(rnd, name), literal(rnd, name)
    text = json.dumps([low_text, high_text]) if name == "t" else f"{low_text},{high_text}"
    holds = known(name, lambda cell: (low <= stored(name, cell) <= high) == (op == "between"))
    return Case(f"{name}__{op}", text, [low_wire, high_wire], holds)


def emptiness(rnd: Random, name: str, op: str) -> Case:
    flag = rnd.random() < 0.5
    text = rnd.choice(["true", "True", "1"] if flag else ["false", "False", "0"])
    return Case(f"{name}__{op}", text, flag, lambda row: (row[name] is None) == (flag == (op == "null")))


def like(text: str, pattern: str) -> bool:
    expression, escaped = "", False
    for letter in pattern:
        if escaped or letter not in "%_\\":
            expression, escaped = expression + re.escape(letter), False
        elif letter == "\\":
            escaped = True
        else:
            expression += ".*" if letter == "%" else "."
    return re.fullmatch(expression, text, re.DOTALL) is not None


PATTERNS = ["%", "_", "a%", "%B", "_b", "a\\%b", "a\\_b", "a\\\\b", "%σίς%", "%İ%", "%ı%", "", "ss", "%é%", "\\a%"]
TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, word: word in text,
    "startswith": lambda text, word: text.startswith(word),
    "endswith": lambda text, word: text.endswith(word),
}
TEXT_OPS = {
    f"{negation}{case}{name}{sensitive}": (name, bool(negation), bool(sensitive))
    for name in TEXT_TESTS
    for negation, case, sensitive in [("", "", ""), ("n", "", ""), ("", "i", ""), ("n", "i", ""), ("", "", "s"), ("n", "", "s")]
}


def texts(rnd: Random, name: str, op: str) -> Case:
    show: Callable[[Any], str] = (lambda cell: cell) if name == "t" else jsonb_text
    if op in ("like", "ilike"):
        pattern = rnd.choice(PATTERNS)
        change = fold if op == "ilike" else str
        return Case(
            f"{name}__{op}", pattern, pattern, known(name, lambda cell: like(change(show(cell)), change(pattern)))
        )
    base, negative, sensitive = TEXT_OPS[op]
    whole = rnd.choice(WORDS)
    word = whole[rnd.randint(0, 1) : rnd.randint(1, 9)]
    word = word.swapcase() if rnd.random() < 0.3 and word.isascii() else word
    change = str if sensitive else fold
    test = TEXT_TESTS[base]
    holds = known(name, lambda cell: test(change(show(cell)), change(word)) != negative)
    return Case(f"{name}__{op}", word, word, holds)


def arrays(rnd: Random, name: str, op: str) -> Case:
    pool: list[Any] = {"a": ITEMS, "ai": INTS, "at": WORDS}[name]
    items = rnd.sample(pool, 1 if op.endswith("element") else rnd.randint(0, 3))
    base = op.removeprefix("n")
    use_text = rnd.random() < 0.5 and all(isinstance(item, (str, int, float)) for item in items)
    spelled = [item if isinstance(item, str) else json.dumps(item) for item in items]
    use_text = use_text and (base == "aelement" or (not any("," in text for text in spelled) and spelled != [""]))
    use_text = use_text and not (spelled and spelled[0].startswith("["))
    readings = [{canonical(item)} for item in items]
    if use_text and name == "a":
        readings = [{("text", text), *reading_of(text)} for text in spelled]
    wire: Any = items[0] if base == "aelement" else items

    def test(cell: Any) -> bool:
        have = {canonical(item) for item in cell}
        if base == "acontains":
            return all(reading & have for reading in readings)
        if base == "acontainedby":
            return have <= set[Any]().union(*readings)
        return any(reading & have for reading in readings)

    text = ",".join(spelled) if use_text else None
    if text is None and base != "aelement":
        text = json.dumps(items)
    # Where the text has two readings, the JSON spelling has only one and is another condition.
    value = NOTHING if use_text and name == "a" else wire
    return Case(f"{name}__{op}", text, value, known(name, lambda cell: test(cell) == (base == op)))


class Nothing:
    """There is no JSON spelling."""


NOTHING = Nothing()


def reading_of(text: str) -> set[Any]:
    if text in ("true", "false"):
        return {("literal", text == "true")}
    return {("number", Decimal(text))} if re.fullmatch(r"-?\d+(\.\d+)?", text) else set()


ORDERED = ("t", "u", "i", "n", "d", "h", "ts", "y", "du")
LISTED = (*ORDERED, "b")
ARRAYS = ("a", "ai", "at")
TEXTUAL = ("t", "o", "j", *ARRAYS)
Maker = Callable[[Random, str, str], Case]

MAKERS: dict[str, tuple[Maker, tuple[str, ...]]] = {
    **{op: (compare, (*LISTED, *ENDS, "o", "j", *ARRAYS)) for op in ("eq", "ne")},
    **{op: (compare, ORDERED) for op in ("gt", "gte", "lt", "lte")},
    **{op: (members, LISTED) for op in ("in", "nin")},
    **{op: (members, ("t",)) for op in ("ina", "nina")},
    **{op: (pairs, ORDERED) for op in ("between", "nbetween")},
    **{op: (emptiness, tuple(COLUMNS)) for op in ("null", "nnull")},
    **{op: (texts, TEXTUAL) for op in (*TEXT_OPS, "like", "ilike")},
    **{
        f"{negation}{op}": (arrays, ARRAYS)
        for op in ("acontains", "acontainedby", "aoverlap", "aelement")
        for negation in ("", "n")
    },
    **{
        op: (lambda rnd, name, op: range_case(rnd, name, op, f"{name}__{op}"), tuple(ENDS))
        for op in RANGE_TESTS
        if op not in ("eq", "ne")
    },
}
"""Every operator, alias or not: what makes a condition, and the columns it applies to."""
