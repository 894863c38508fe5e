"""Random tables, rows and questions, asked over HTTP: the answer, its order included, is what plain Python says.

Nothing here comes from the product: what types, operators, orders and pages mean is written down once more.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import RunningServer

EXAMPLES = int(os.environ.get("PENSTOCK_TEST_EXAMPLES", "60"))
INT64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), 2**63 - 1, 2**53 + 1, 0, 1, -1])
LETTERS = "aAbBzZ09 %_\\'\",éÉßẞσςΣжЖıİiI😀日\u0301\u200d\n\t\x01ﬁ\U00010400\U00010428\uffff"
TEXT = st.text(st.sampled_from(LETTERS), max_size=6) | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=5
)
NUMBER = (
    st.decimals(-10, 10, places=2)
    | st.decimals(allow_nan=False, allow_infinity=False).filter(
        lambda d: abs(d.adjusted()) < 300 and len(str(d)) < 300
    )
    | st.sampled_from([Decimal(10) ** 40 + 1, Decimal("1e-40"), Decimal("0.10"), Decimal("-0.0")])
)
MOMENT = st.datetimes(timezones=st.just(UTC)) | st.sampled_from(
    [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]
)
OFFSETS = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=11))])


@dataclass(frozen=True)
class Kind:
    """A field type: its schema, its values as Python has them, and how one is written in JSON."""

    schema: dict[str, Any]
    values: st.SearchStrategy[Any]
    write: Callable[[Any], Any] = lambda value: value
    ordered: bool = True
    read: Callable[[Any], Any] = lambda value: value


def iso(value: Any) -> str:
    return value.isoformat()


def moment(text: str) -> datetime:
    assert text.endswith("Z"), text
    return datetime.fromisoformat(text)


def number(value: Any) -> Decimal:
    assert isinstance(value, (int, Decimal))
    assert not isinstance(value, bool)
    return Decimal(value)


def span(ends: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(ends | st.none(), ends | st.none(), st.sampled_from(["[)", "[]", "(]", "()"])).filter(
        lambda made: made[0] is None or made[1] is None or made[0] <= made[1]
    )


def write_span(value: Any) -> Any:
    low, high, bounds = value
    return {"lower": low, "upper": high, "bounds": bounds}


def same_span(value: Any, step: int | None) -> Any:
    """A range as the API answers it; whole numbers are always `[)`."""
    low, high, bounds = value
    left, right = ("(" if low is None else bounds[0]), (")" if high is None else bounds[1])
    if step:
        if left == "(" and low is not None:
            low, left = low + step, "["
        if right == "]" and high is not None:
            high, right = high + step, ")"
    if low is not None and high is not None and (low > high or (low == high and left + right != "[]")):
        return {"lower": None, "upper": None, "bounds": "()", "empty": True}
    return {"lower": low, "upper": high, "bounds": left + right, "empty": False}


SMALL = st.integers(-(2**40), 2**40)
JSON = st.recursive(
    st.none() | st.booleans() | SMALL | st.decimals(-5, 5, places=1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
ITEM = st.sampled_from(["a", "A", "5", "é", "a,b"]) | st.integers(0, 6) | st.booleans()
KINDS: dict[str, Kind] = {
    "string": Kind({"type": "string"}, TEXT),
    "integer": Kind({"type": "integer"}, INT64),
    "number": Kind({"type": "number"}, NUMBER, read=number),
    "boolean": Kind({"type": "boolean"}, st.booleans()),
    "date": Kind(
        {"type": "date"}, st.dates() | st.sampled_from([date.min, date.max]), iso, read=date.fromisoformat
    ),
    "time": Kind({"type": "time"}, st.times(), iso, read=time.fromisoformat),
    "datetime": Kind({"type": "datetime"}, MOMENT, iso, read=moment),
    "year": Kind({"type": "year"}, st.integers(1, 9999)),
    "yearmonth": Kind({"type": "yearmonth"}, st.dates().map(lambda day: day.isoformat()[:7])),
    "uuid": Kind({"type": "uuid"}, st.uuids(allow_nil=True), str, read=uuid.UUID),
    "uuid text": Kind(
        {"type": "string", "format": "uuid"}, st.uuids(), lambda u: str(u).upper(), read=uuid.UUID
    ),
    "duration": Kind(
        {"type": "duration"}, st.sampled_from(["P1D", "PT24H", "P1M", "P30D", "PT1.5S"]), ordered=False
    ),
    "object": Kind({"type": "object"}, st.dictionaries(TEXT, JSON, max_size=3), ordered=False),
    "array": Kind({"type": "array"}, st.lists(ITEM, max_size=4), ordered=False),
    "any": Kind({"type": "any"}, JSON.filter(lambda value: value is not None), ordered=False),
    "span": Kind(
        {"type": "range", "of": "integer"}, span(SMALL).map(lambda s: same_span(s, 1)), ordered=False
    ),
    "number span": Kind(
        {"type": "range", "of": "number"},
        span(st.decimals(-99, 99, places=1)).map(lambda s: same_span(s, None)),
        ordered=False,
    ),
}
NAMES = [
    "name",
    "Größe",
    "two words",
    "order",
    "select",
    "a__in",
    "page",
    "b-c",
    "x$",
    "and",
    "_u",
    "ID",
    "field",
]
KEYS = ("generated", "string", "uuid", "integer", "composite")


@dataclass(frozen=True)
class Field:
    name: str
    kind: Kind
    type: str
    required: bool


@dataclass(frozen=True)
class Table:
    fields: Sequence[Field]
    key: tuple[str, ...]
    generated: bool
    rows: Sequence[dict[str, Any]]

    @property
    def schema(self) -> dict[str, Any]:
        described = [
            {
                "name": one.name,
                **one.kind.schema,
                **({"constraints": {"required": True}} if one.required else {}),
            }
            for one in self.fields
        ]
        return {"fields": described, "primaryKey": list(self.key)}


# --- making tables


@st.composite
def tables(draw: st.DrawFn, known: Mapping[str, Kind] = KINDS) -> Table:
    chosen = draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=6))
    names = draw(st.permutations(NAMES))
    fields = [
        Field(name, known[kind], kind, draw(st.booleans())) for name, kind in zip(names, chosen, strict=False)
    ]
    style = draw(st.sampled_from(KEYS))
    kinds = {"generated": ("integer",), "composite": ("string", "integer")}.get(style, (style,))
    keys = [Field(f"key{n}", known[kind], kind, True) for n, kind in enumerate(kinds)]
    # Few values for each field, so that rows tie.
    pools = {one.name: draw(st.lists(one.kind.values, min_size=1, max_size=5)) for one in fields}
    count = draw(st.integers(0, 25))
    values = [draw(st.lists(one.kind.values, min_size=count, max_size=count)) for one in keys]
    rows: dict[Any, dict[str, Any]] = {}
    for n in range(count):
        row = {
            one.name: n + 1 if style == "generated" else column[n]
            for one, column in zip(keys, values, strict=True)
        }
        for one in fields:
            empty = not one.required and draw(st.integers(0, 3)) == 0
            row[one.name] = None if empty else draw(st.sampled_from(pools[one.name]))
        rows.setdefault(tuple(row[one.name] for one in keys), row)
    return Table([*keys, *fields], tuple(one.name for one in keys), style == "generated", list(rows.values()))


def text_of(value: Any) -> str:
    """JSON with every digit."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{text_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(text_of, value)) + "]"
    return json.dumps(value)


def written(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    names = {one.name: one.kind for one in table.fields}
    kept = {name: value for name, value in row.items() if not (table.generated and name in table.key)}
    return {name: None if value is None else names[name].write(value) for name, value in kept.items()}


# --- asking, and knowing the answer

Truth = bool | None
Test = Callable[[dict[str, Any]], Truth]


@dataclass(frozen=True)
class Condition:
    """A filter tree as it is sent, and what it means."""

    sent: Any
    holds: Test


def same(value: Any) -> Any:
    """JSON values by what they are: true is not 1, and 1 is 1.0."""
    if isinstance(value, bool) or value is None:
        return ("literal", value)
    if isinstance(value, (int, Decimal)):
        return ("number", Decimal(value))
    if isinstance(value, list):
        return ("list", tuple(map(same, value)))
    if isinstance(value, dict):
        return ("object", tuple(sorted((key, same(item)) for key, item in value.items())))
    return ("other", value)


def fold(text: str) -> str:
    special = {"İ": "i", "ς": "σ", "Σ": "σ"}
    return "".join(special.get(letter) or letter.lower() for letter in text)


def like(text: str, pattern: str) -> bool:
    parts = re.findall(r"\\.|[^\\]", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, text, re.DOTALL) is not None


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}
WORDS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, word: word in text,
    "startswith": lambda text, word: text.startswith(word),
    "endswith": lambda text, word: text.endswith(word),
}
ARRAYS: dict[str, Callable[[set[Any], set[Any]], bool]] = {
    "acontains": lambda have, wanted: wanted <= have,
    "acontainedby": lambda have, wanted: have <= wanted,
    "aoverlap": lambda have, wanted: bool(have & wanted),
}


def known(name: str, test: Callable[[Any], bool]) -> Test:
    return lambda row: None if row[name] is None else test(row[name])


@st.composite
def leaves(draw: st.DrawFn, table: Table) -> Condition:
    field = draw(st.sampled_from(list(table.fields)))
    stored = [row[field.name] for row in table.rows if row[field.name] is not None]
    some = field.kind.values | st.sampled_from(stored) if stored else field.kind.values
    op, value, holds = draw(operation(field, some))
    if op == "eq" and field.name not in ("and", "or", "not") and draw(st.booleans()):
        return Condition({field.name: value}, holds)
    if draw(st.booleans()):
        return Condition({f"{field.name}__{op}": value}, holds)
    return Condition({"field": field.name, "operator": op, "value": value}, holds)


@st.composite
def operation(draw: st.DrawFn, field: Field, some: st.SearchStrategy[Any]) -> tuple[str, Any, Test]:
    name, write = field.name, field.kind.write
    choices = [emptiness(name)]
    if field.kind.ordered or field.type == "duration":
        choices += [equality(name, write, some), listed(name, write, some)]
    if field.kind.ordered and field.type != "boolean":
        choices += [comparison(name, write, some), between(name, write, some)]
    if field.type == "string":
        choices += [words(name, some), patterns(name, some), folded(name, some)] * 2
    if field.type in ("object", "array"):
        choices.append(some.flatmap(lambda value: documents(name, value)))
    if field.type == "array":
        choices += [arrays(name)] * 3
    if field.type == "span":
        choices += [points(name)] * 2
    return draw(st.one_of(choices))


def emptiness(name: str) -> st.SearchStrategy[Any]:
    def made(op: str, flag: bool) -> Any:
        return op, flag, lambda row: (row[name] is None) == (flag == (op == "null"))

    nothing = st.sampled_from(["eq", "ne"]).map(
        lambda op: (op, None, lambda row: (row[name] is None) == (op == "eq"))
    )
    return st.builds(made, st.sampled_from(["null", "nnull"]), st.booleans()) | nothing


def comparison(
    name: str, write: Any, some: Any, ops: Sequence[str] = tuple(COMPARE)
) -> st.SearchStrategy[Any]:
    def made(op: str, wanted: Any) -> Any:
        return op, write(wanted), known(name, lambda cell: COMPARE[op](cell, wanted))

    return st.builds(made, st.sampled_from(ops), some)


def equality(name: str, write: Any, some: Any) -> st.SearchStrategy[Any]:
    return comparison(name, write, some, ("eq", "ne"))


def between(name: str, write: Any, some: Any) -> st.SearchStrategy[Any]:
    def made(op: str, low: Any, high: Any) -> Any:
        return (
            op,
            [write(low), write(high)],
            known(name, lambda cell: (low <= cell <= high) == (op == "between")),
        )

    return st.builds(made, st.sampled_from(["between", "nbetween"]), some, some)


def listed(name: str, write: Any, some: Any) -> st.SearchStrategy[Any]:
    def made(op: str, wanted: list[Any]) -> Any:
        def holds(row: dict[str, Any]) -> Truth:
            if not wanted:
                return op == "nin"
            return None if row[name] is None else (row[name] in wanted) == (op == "in")

        return op, [write(value) for value in wanted], holds

    return st.builds(made, st.sampled_from(["in", "nin"]), st.lists(some, max_size=3))


def words(name: str, some: Any) -> st.SearchStrategy[Any]:
    def made(base: str, negation: str, case: str, text: str, first: int, last: int) -> Any:
        word = text[first:last]
        change = str if case == "s" else fold
        prefix = "i" if case == "i" else ""
        op = f"{negation}{prefix}{base}{'s' if case == 's' else ''}"
        return (
            op,
            word,
            known(name, lambda cell: WORDS[base](change(cell), change(word)) == (not negation)),
        )

    return st.builds(
        made,
        st.sampled_from(sorted(WORDS)),
        st.sampled_from(["", "n"]),
        st.sampled_from(["", "i", "s"]),
        some.map(lambda text: text if all(letter in LETTERS for letter in text) else "a"),
        st.integers(0, 2),
        st.integers(0, 4),
    )


def patterns(name: str, some: Any) -> st.SearchStrategy[Any]:
    def made(text: str, before: str, after: str) -> Any:
        pattern = before + text[:2].replace("\\", "\\\\") + after
        return "like", pattern, known(name, lambda cell: like(cell, pattern))

    ends = st.sampled_from(["", "%", "_", "\\%", "\\_"])
    return st.builds(made, some, ends, ends)


def folded(name: str, some: Any) -> st.SearchStrategy[Any]:
    def made(op: str, wanted: list[str]) -> Any:
        members = [fold(text) for text in wanted]
        return op, wanted, known(name, lambda cell: (fold(cell) in members) == (op == "ina"))

    texts = st.text(st.sampled_from(LETTERS), max_size=3)
    return st.builds(made, st.sampled_from(["ina", "nina"]), st.lists(texts, min_size=1, max_size=3))


def documents(name: str, value: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(["eq", "ne"]).map(
        lambda op: (op, value, known(name, lambda cell: COMPARE[op](same(cell), same(value))))
    )


def arrays(name: str) -> st.SearchStrategy[Any]:
    def made(op: str, negation: str, items: list[Any]) -> Any:
        wanted = {same(item) for item in items}
        return (
            f"{negation}{op}",
            items,
            known(name, lambda cell: ARRAYS[op]({same(item) for item in cell}, wanted) == (not negation)),
        )

    return st.builds(
        made, st.sampled_from(sorted(ARRAYS)), st.sampled_from(["", "n"]), st.lists(ITEM, max_size=3)
    )


def points(name: str) -> st.SearchStrategy[Any]:
    def made(point: int) -> Any:
        def holds(cell: Any) -> bool:
            low, high = cell["lower"], cell["upper"]
            return not cell["empty"] and (low is None or low <= point) and (high is None or point < high)

        return "rcontains", point, known(name, holds)

    return SMALL.map(made)


def logic(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    def every(members: list[Condition], form: int) -> Condition:
        sent = [one.sent for one in members]

        def holds(row: dict[str, Any]) -> Truth:
            found = [one.holds(row) for one in members]
            return False if False in found else None if None in found else True

        return Condition([{"and": sent}, sent, {"operator": "and", "value": sent}][form], holds)

    def either(members: list[Condition], form: bool) -> Condition:
        sent = [one.sent for one in members]

        def holds(row: dict[str, Any]) -> Truth:
            found = [one.holds(row) for one in members]
            return True if True in found else None if None in found else False

        return Condition({"or": sent} if form else {"operator": "or", "value": sent}, holds)

    def negated(one: Condition) -> Condition:
        def holds(row: dict[str, Any]) -> Truth:
            found = one.holds(row)
            return None if found is None else not found

        return Condition({"not": one.sent}, holds)

    members = st.lists(inner, min_size=1, max_size=3)
    return (
        st.builds(every, members, st.integers(0, 2))
        | st.builds(either, members, st.booleans())
        | inner.map(negated)
    )


def trees(table: Table, depth: int = 3) -> st.SearchStrategy[Condition]:
    leaf = leaves(table)
    return leaf if depth == 0 else leaf | logic(trees(table, depth - 1))


@dataclass(frozen=True)
class Question:
    condition: Condition | None
    order: Sequence[tuple[str, bool]]
    size: int
    skip: int
    by_cursor: bool

    @property
    def params(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.condition is not None:
            found["filters"] = text_of(self.condition.sent)
        if self.order:
            found["ordering"] = ",".join(("-" if down else "") + name for name, down in self.order)
        return found

    def answer(self, table: Table) -> list[dict[str, Any]]:
        rows = [row for row in table.rows if self.condition is None or self.condition.holds(row)]
        keys = [(name, False) for name in table.key if name not in dict(self.order)]
        return sorted(rows, key=cmp_to_key(lambda a, b: compared(a, b, [*self.order, *keys])))


def compared(a: dict[str, Any], b: dict[str, Any], order: Sequence[tuple[str, bool]]) -> int:
    """Null is greater than everything."""
    for name, down in order:
        left, right = ((one[name] is None, one[name]) for one in (a, b))
        if left == right:
            continue
        less = left[0] < right[0] if left[0] != right[0] else left[1] < right[1]
        return 1 if less == down else -1
    return 0


@st.composite
def questions(draw: st.DrawFn, table: Table) -> Question:
    tree = trees(table)
    sortable = [one.name for one in table.fields if one.kind.ordered]
    order = draw(
        st.lists(st.tuples(st.sampled_from(sortable), st.booleans()), max_size=3, unique_by=lambda t: t[0])
    )
    return Question(
        draw(st.none() | tree | tree | tree),
        order,
        draw(st.integers(1, 8)),
        draw(st.integers(0, 12)),
        draw(st.booleans()),
    )


@st.composite
def scenarios(draw: st.DrawFn, known: Mapping[str, Kind] = KINDS) -> tuple[Table, list[Question]]:
    table = draw(tables(known))
    return table, draw(st.lists(questions(table), min_size=1, max_size=8))


# --- the test

COUNTER = itertools.count(1)


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, headers={"X-Api-Key": server.key}, timeout=60) as opened:
        assert opened.post("/api/apps", json={"name": "Oracle"}).status_code == 201
        assert opened.post("/api/apps/oracle/datasources", json={"name": "Main"}).status_code == 201
        yield opened


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(scenarios())
def test_the_answer_is_what_plain_python_says(
    client: httpx2.Client, scenario: tuple[Table, list[Question]]
) -> None:
    check(client, *scenario)


def check(client: httpx2.Client, table: Table, asked: Sequence[Question]) -> None:
    """In the source `main` of the app `oracle`."""
    name = f"t{next(COUNTER)}"
    made = client.post(
        "/api/apps/oracle/datasources/main/datatables", json={"name": name, "json_schema": table.schema}
    )
    assert made.status_code == 201, made.text
    url = f"/api/apps/oracle/datatables/{name}/data"
    if table.rows:
        sent = client.post(url, content=text_of([written(table, row) for row in table.rows]).encode())
        assert sent.status_code == 201, sent.text
        assert rows_of(table, sent) == shown(table, table.rows)
    for question in asked:
        expected = shown(table, question.answer(table))
        if question.by_cursor:
            assert walked(client, url, table, question) == expected, question.params
        else:
            answer = client.get(
                url, params={**question.params, "limit": question.size, "offset": question.skip}
            )
            assert answer.status_code == 200, answer.text
            page = expected[question.skip : question.skip + question.size]
            assert (rows_of(table, answer), answer.json()["total"]) == (page, len(expected)), question.params


def walked(client: httpx2.Client, url: str, table: Table, question: Question) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {**question.params, "page_size": question.size, "after": cursor}
        answer = client.get(url, params=params)
        assert answer.status_code == 200, answer.text
        found += rows_of(table, answer)
        cursor = answer.json()["next_cursor"]
        assert len(found) <= len(table.rows)
    return found


def rows_of(table: Table, answer: httpx2.Response) -> list[dict[str, Any]]:
    rows = json.loads(answer.text, parse_float=Decimal)["data"]
    kinds = {one.name: one.kind for one in table.fields}
    return [
        {name: comparable(None if value is None else kinds[name].read(value)) for name, value in row.items()}
        for row in rows
    ]


def shown(table: Table, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{one.name: comparable(row[one.name]) for one in table.fields} for row in rows]


def comparable(value: Any) -> Any:
    return same(value) if isinstance(value, (dict, list)) or value is None else (type(value), value)
