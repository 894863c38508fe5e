"""Random tables and requests: the server answers what plain Python does."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.tables.aggregates import oracle
from tests.tables.aggregates.oracle import Asked, Expression, Key, Limit, Output, Row
from tests.tables.workbench import Records, Workbench, exact

pytestmark = pytest.mark.anyio

REQUESTS = 60
TYPES = {
    "word": "string",
    "whole": "integer",
    "big": "integer",
    "price": "number",
    "flag": "boolean",
    "day": "date",
    "instant": "datetime",
    "clock": "time",
    "made": "year",
}
NUMBERS = ("whole", "big", "price", "made", "id")
ZONES = (None, None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "UTC")
DATE_UNITS = ("year", "quarter", "month", "week", "day")
DATE_PARTS = ("year", "isoyear", "quarter", "month", "week", "day", "dow", "isodow", "doy")
TIME_UNITS = ("hour", "minute", "second")
WORDS = ("a", "B", "b", "é", "Z", "aa", "_", "", "a,b", "'q\"", "😀")


def row(rng: random.Random, number: int) -> Row:
    days = rng.choice((40, 400, 9000))
    found: dict[str, Any] = {
        "word": rng.choice(WORDS),
        "whole": rng.randint(-5, 5),
        "big": rng.choice((2**63 - 1, -(2**63), 10**18, rng.randint(-9, 9))),
        "price": Decimal(rng.randint(-3000, 3000)).scaleb(-rng.randint(0, 3)),
        "flag": rng.random() < 0.5,
        "day": date(2000, 1, 1) + timedelta(days=rng.randint(0, days)),
        # Nights on which clocks change are among them.
        "instant": rng.choice((datetime(2025, 3, 29, 20, tzinfo=UTC), datetime(2025, 10, 25, 20, tzinfo=UTC)))
        + timedelta(minutes=rng.randint(0, days), microseconds=rng.choice((0, 0, 500_000, 1))),
        "clock": time(rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59), rng.choice((0, 250_000))),
        "made": rng.randint(1995, 2005),
    }
    empty = rng.choice((0, 0.2, 0.9))
    return {"id": number, **{name: None if rng.random() < empty else value for name, value in found.items()}}


def numeric(rng: random.Random, depth: int = 0) -> Expression:
    if depth < 3 and rng.random() < 0.5:
        if rng.random() < 0.15:
            return ("minus", numeric(rng, depth + 1))
        return (rng.choice("++--**/"), numeric(rng, depth + 1), numeric(rng, depth + 1))
    if depth and rng.random() < 0.25:
        return ("number", Decimal(rng.randint(0, 500)).scaleb(-rng.randint(0, 2)))
    if rng.random() < 0.2:
        return part(rng)
    return ("field", rng.choice(NUMBERS))


def part(rng: random.Random) -> Expression:
    name = rng.choice(("day", "instant", "clock"))
    units = {
        "day": (*DATE_PARTS, "epoch"),
        "clock": (*TIME_UNITS, "epoch"),
        "instant": (*DATE_PARTS, *TIME_UNITS),
    }
    return ("part", rng.choice(units[name]), name, rng.choice(ZONES) if name == "instant" else None)


def period(rng: random.Random) -> Expression:
    if rng.random() < 0.3:
        return ("period", rng.choice(DATE_UNITS), "day", None)
    return ("period", rng.choice((*DATE_UNITS, *TIME_UNITS)), "instant", rng.choice(ZONES))


def divides(expression: Expression | None) -> bool:
    return expression is not None and any(
        part == "/" or (isinstance(part, tuple) and divides(part)) for part in expression
    )


def names_a_field(expression: Expression) -> bool:
    if expression[0] in ("field", "part", "period"):
        return True
    return any(isinstance(part, tuple) and names_a_field(part) for part in expression)


def output(rng: random.Random, place: int) -> Output:
    function = rng.choice(
        (
            "count",
            "count",
            "sum",
            "avg",
            "min",
            "max",
            "array_agg",
            "json_agg",
            "string_agg",
            "stddev",
            "variance",
        )
    )
    if function == "count" and rng.random() < 0.5:
        return Output("count", None, False, f"n{place}")
    distinct = rng.random() < 0.3
    if function in ("sum", "avg", "stddev", "variance"):
        argument = numeric(rng)
    elif function == "string_agg":
        argument = ("field", rng.choice(("word", "day", "flag", "clock", "instant", "whole")))
    elif rng.random() < 0.5:
        names = [name for name in TYPES if name != "flag" or function not in ("min", "max")]
        argument = ("field", rng.choice(names))
    else:
        argument = period(rng) if rng.random() < 0.4 else numeric(rng)
    if not names_a_field(argument):
        argument = ("+", argument, ("field", "whole"))
    # A quotient is rounded somewhere, and then it is chance which two are the same.
    return Output(function, argument, distinct and not divides(argument), f"o{place}")


def condition(rng: random.Random) -> tuple[dict[str, str], Callable[[Row], bool]]:
    number, word = rng.randint(-4, 4), rng.choice(WORDS)
    return rng.choice(
        [
            ({}, lambda _: True),
            ({"whole__gte": str(number)}, lambda row: row["whole"] is not None and row["whole"] >= number),
            ({"word__ne": word}, lambda row: row["word"] is not None and row["word"] != word),
            ({"price__null": "false"}, lambda row: row["price"] is not None),
            ({"flag": "true", "id__gt": "3"}, lambda row: row["flag"] is True and row["id"] > 3),
            ({"id__lt": "0"}, lambda _: False),
        ]
    )


def asked(rng: random.Random) -> tuple[Asked, dict[str, str]]:
    outputs = tuple(output(rng, place) for place in range(rng.randint(1, 4)))
    keys: list[Key] = []
    for place in range(rng.choice((0, 1, 1, 2, 3))):
        expression = rng.choice((("field", rng.choice(list(TYPES))), period(rng), part(rng)))
        keys.append(Key(expression, f"k{place}"))
    numbers = [
        one for one in outputs
        if one.function in ("count", "sum", "avg", "stddev", "variance") and not divides(one.argument)
    ]  # fmt: skip
    having = tuple(
        tuple(
            Limit(
                oracle.output_name(rng.choice(numbers)), rng.choice((">", ">=", "<", "<=", "=", "!=")), limit
            )
            for limit in rng.sample(
                [Decimal(n) for n in (-7, 0, 1, 2, 5)] + [Decimal("12.25")], rng.randint(1, 2)
            )
        )
        for _ in range(rng.choice((0, 0, 1, 2)) if numbers else 0)
    )
    plain = [
        oracle.output_name(one)
        for one in outputs
        if one.function in ("count", "sum", "min", "max") and not divides(one.argument)
    ]
    names = [*plain, *(oracle.key_name(key) for key in keys)]
    order = tuple((name, rng.random() < 0.5) for name in rng.sample(names, rng.randint(0, len(names))))
    params, keeps = condition(rng)
    params["_aggregate"] = ", ".join(map(oracle.written_output, outputs))
    if keys:
        params["_group_by"] = ",".join(map(oracle.written_key, keys))
    if having:
        params["_having"] = oracle.written_having(having)
    if order:
        params["ordering"] = ",".join(("-" if descending else "") + name for name, descending in order)
    return Asked(outputs, tuple(keys), keeps, having, order), params


def same(expected: Any, found: Any) -> bool:
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, (int, Decimal)) and isinstance(found, (int, Decimal)):
        near = max(abs(Decimal(expected)), Decimal("1e-6")) * Decimal("1e-9")
        return expected == found or abs(Decimal(expected) - Decimal(found)) <= near
    return type(expected) is type(found) and expected == found


async def loaded(workbench: Workbench, rows: list[Row]) -> Records:
    table = await workbench.table(*({"name": name, "type": kind} for name, kind in TYPES.items()))
    # Decimals with all their digits.
    texts = [
        "{" + ",".join(f"{json.dumps(name)}:{_json(value)}" for name, value in one.items()) + "}"
        for one in rows
    ]
    answer = await table.post("[" + ",".join(texts) + "]")
    assert answer.status_code == 201, answer.text
    return table


def _json(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(oracle.shown(value))


@pytest.mark.parametrize("seed", range(12))
async def test_the_answers_of_plain_python(workbench: Workbench, seed: int) -> None:
    rng = random.Random(seed)
    rows = [row(rng, number) for number in range(1, rng.choice((2, 9, 60, 200)))]
    table = await loaded(workbench, rows)
    refused = 0
    for _ in range(REQUESTS):
        request, params = asked(rng)
        answer = await table.get(**params, page_size=1000)
        try:
            expected = oracle.answer(rows, request)
        except oracle.DividesByZero:
            refused += 1
            assert answer.status_code == 400, (params, answer.text)
            assert "divides by zero" in answer.json()["detail"]
            continue
        assert answer.status_code == 200, (params, answer.text)
        body = exact(answer)
        assert body["total"] == len(expected)
        assert [list(one) for one in body["data"]] == [list(one) for one in expected], params
        for real, wanted in zip(body["data"], expected, strict=True):
            for name, value in wanted.items():
                assert same(value, real[name]), (params, name, value, real[name])
    assert refused < REQUESTS / 2
