"""What filters mean, in plain Python: for each operator a random condition with the answer it must give."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from tests.kit.filters.samples import (
    COLUMNS,
    DATES,
    DURATIONS,
    ENDS,
    INTS,
    ITEMS,
    MOMENTS,
    NUMBERS,
    OBJECTS,
    RANGE_TESTS,
    TIMES,
    UUIDS,
    WORDS,
    Range,
    Row,
    canonical,
    fold,
    jsonb_text,
    make_range,
    random_range,
    seconds,
)

Holds = Callable[[Row], "bool | None"]


@dataclass
class Case:
    """A condition as a caller writes it, and what it means; `text` None: no query string says it."""

    key: str
    text: str | None
    value: Any
    holds: Holds


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
    forms = [
        value.isoformat(),
        value.isoformat().replace("+00:00", "Z"),
        value.replace(tzinfo=None).isoformat(" "),
    ]
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
        pool = {
            "o": OBJECTS,
            "j": [*OBJECTS, *(item for item in ITEMS if not isinstance(item, str)), "a", "é"],
        }
        value = rnd.choice(pool[name]) if name in pool else rnd.sample(ITEMS, rnd.randint(0, 2))
        test = COMPARES[op]
        return Case(
            key, json.dumps(value), value, known(name, lambda cell: test(canonical(cell), canonical(value)))
        )
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


PATTERNS = [
    "%",
    "_",
    "a%",
    "%B",
    "_b",
    "a\\%b",
    "a\\_b",
    "a\\\\b",
    "%σίς%",
    "%İ%",
    "%ı%",
    "",
    "ss",
    "%é%",
    "\\a%",
]
TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, word: word in text,
    "startswith": lambda text, word: text.startswith(word),
    "endswith": lambda text, word: text.endswith(word),
}
TEXT_OPS = {
    f"{negation}{case}{name}{sensitive}": (name, bool(negation), bool(sensitive))
    for name in TEXT_TESTS
    for negation, case, sensitive in [
        ("", "", ""),
        ("n", "", ""),
        ("", "i", ""),
        ("n", "i", ""),
        ("", "", "s"),
        ("n", "", "s"),
    ]
}


def texts(rnd: Random, name: str, op: str) -> Case:
    show: Callable[[Any], str] = (lambda cell: cell) if name == "t" else jsonb_text
    if op in ("like", "ilike"):
        pattern = rnd.choice(PATTERNS)
        change = fold if op == "ilike" else str
        return Case(
            f"{name}__{op}",
            pattern,
            pattern,
            known(name, lambda cell: like(change(show(cell)), change(pattern))),
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
    use_text = use_text and (
        base == "aelement" or (not any("," in text for text in spelled) and spelled != [""])
    )
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
    **dict.fromkeys(("eq", "ne"), (compare, (*LISTED, *ENDS, "o", "j", *ARRAYS))),
    **dict.fromkeys(("gt", "gte", "lt", "lte"), (compare, ORDERED)),
    **dict.fromkeys(("in", "nin"), (members, LISTED)),
    **dict.fromkeys(("ina", "nina"), (members, ("t",))),
    **dict.fromkeys(("between", "nbetween"), (pairs, ORDERED)),
    **{op: (emptiness, tuple(COLUMNS)) for op in ("null", "nnull")},
    **dict.fromkeys((*TEXT_OPS, "like", "ilike"), (texts, TEXTUAL)),
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
