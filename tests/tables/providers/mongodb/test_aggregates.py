"""Aggregates in MongoDB: what plain Python answers, byte by byte what PostgreSQL answers, and what is refused."""

from __future__ import annotations

import random
from typing import Any

import pytest

from penstock.tables.providers.mongodb import aggregating
from tests.tables.aggregates import oracle
from tests.tables.aggregates.test_oracle import TYPES, asked, loaded, row, same
from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.workbench import exact

pytestmark = pytest.mark.anyio

REQUESTS = 50
DIVIDED: tuple[dict[str, str], ...] = tuple(
    {"_aggregate": f"{expression}, count(*)", "_group_by": by}
    for by in ("word", "flag", "made")
    for expression in (
        "sum(big / 7) as x",
        "avg(price / 3) as x",
        "min(price / (big * big + 1)) as x, max(1 / (price * price + 0.25)) as y",
        "stddev(big / 11) as x, variance(price / 1.50) as v",
        "count(distinct whole / 2) as x",
        "sum(distinct -price / 4 / 7 - whole / 3.000) as x",
        "array_agg(price / 3) as x, string_agg(whole / 3) as s, array_agg(distinct big / 2) as d",
        "sum(extract(epoch from instant) / extract(day from instant)) as x, max(extract(second from clock) / 7) as m",
        "sum(price / 3) as y, sum(price), max(big / 9) as x",
    )
)


@pytest.mark.parametrize("seed", range(6))
async def test_the_answers_of_plain_python(bench: MongoBench, seed: int) -> None:
    rng = random.Random(f"mongodb {seed}")
    rows = [row(rng, number) for number in range(1, rng.choice((2, 9, 60, 200)))]
    table = await loaded(bench, rows)
    answered = 0
    for _ in range(REQUESTS):
        request, params = asked(rng)
        answer = await table.get(**params, page_size=1000)
        try:
            expected = oracle.answer(rows, request)
        except oracle.DividesByZero:
            assert "divides by zero" in answer.json()["detail"], (params, answer.text)
            continue
        if answer.status_code == 400:
            # Squares of the greatest integers have more digits than MongoDB.
            assert "digits" in answer.json()["detail"], (params, answer.text)
            continue
        assert answer.status_code == 200, (params, answer.text)
        body = exact(answer)
        assert body["total"] == len(expected)
        assert [list(one) for one in body["data"]] == [list(one) for one in expected], params
        for real, wanted in zip(body["data"], expected, strict=True):
            for name, value in wanted.items():
                assert same(value, real[name]), (params, name, value, real[name])
        answered += 1
    assert answered > REQUESTS / 4


async def test_every_function_answers_the_bytes_of_postgresql(bench: MongoBench) -> None:
    rng = random.Random(7)
    tables = [await bench.twin(*({"name": name, "type": kind} for name, kind in TYPES.items()))]
    flat, mongo = tables[0]
    for number in range(1, 40):
        one = dict(row(rng, number)) | {"big": rng.randint(-(10**9), 10**9)}
        text = oracle_json(one)
        for table in (flat, mongo):
            assert (await table.post(text)).status_code == 201
    functions = ("count", "sum", "avg", "min", "max", "stddev", "variance")
    for params in (
        {
            "_aggregate": ",".join(
                f"{one}({field})" for one in functions for field in ("whole", "big", "price")
            )
        },
        {"_aggregate": "avg(price), stddev(whole), variance(price)", "_group_by": "word"},
        {
            "_aggregate": "sum(price * whole - 2) as s, avg(-price) as a, max(whole + 1) as m",
            "_group_by": "made",
        },
        {"_aggregate": "count(*)", "_group_by": "date_trunc('month', instant at time zone 'Europe/Berlin')"},
        {"_aggregate": "array_agg(instant), json_agg(clock), string_agg(word), array_agg(distinct price)"},
        {"_aggregate": "count(distinct word), sum(distinct whole), avg(distinct price)", "_group_by": "flag"},
        {
            "_aggregate": "count(*), avg(price)",
            "_group_by": "word",
            "_having": "count >= 2 and avg(price) > 0",
        },
        {
            "_aggregate": "count(*)",
            "_group_by": "day,word",
            "ordering": "-count",
            "page_size": "3",
            "page": "2",
        },
        {"_aggregate": "max(price)", "id__lt": "0"},
        {"_aggregate": "min(day), max(instant), min(clock), max(word)", "search": "a"},
        *DIVIDED,
    ):
        answers = [await table.get(**params) for table in (flat, mongo)]
        assert answers[0].text == answers[1].text, params


def oracle_json(one: dict[str, Any]) -> str:
    from tests.tables.aggregates.test_oracle import _json

    return "{" + ",".join(f'"{name}":{_json(value)}' for name, value in one.items()) + "}"


async def test_what_would_be_rounded_is_refused(bench: MongoBench) -> None:
    table = await bench.table({"name": "n", "type": "number"})
    await table.post('[{"n": 9999999999999999999999999999999999}, {"n": 0.5}]')
    assert (await table.get(_aggregate="max(n)")).status_code == 200
    for asked_for in ("sum(n)", "avg(n)", "max(n * 3) as m", "variance(n)"):
        answer = await table.get(_aggregate=asked_for)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["_aggregate"]), answer.text


async def test_limits(bench: MongoBench) -> None:
    table = await bench.table({"name": "n", "type": "integer"})
    rows = [{"n": n} for n in range(10_000)]
    for _ in range(6):
        assert (await table.post(rows, headers={"Prefer": "return=minimal"})).status_code == 201
    many = await table.get(_aggregate="array_agg(n)")
    assert (many.status_code, list(many.json()["errors"])) == (400, ["_aggregate"])
    groups = await table.get(_aggregate="count(*)", _group_by="id")
    assert (groups.status_code, list(groups.json()["errors"])) == (400, ["_group_by"])
    few = await table.get(_aggregate="count(*)", _group_by="n", page_size=1)
    assert (few.status_code, few.json()["total"]) == (200, 10_000)


async def test_divisions(bench: MongoBench) -> None:
    flat, mongo = await bench.twin({"name": "n", "type": "number"}, {"name": "d", "type": "integer"})
    text = (
        '[{"n": 1.0, "d": 3}, {"n": 1.00, "d": 3}, {"n": 1e-20, "d": 7}, {"n": 9999999999999999999999, "d": 1}, '
        '{"n": null, "d": 0}, {"n": 12345678901234567.0000000000000001, "d": 13}, {"n": 4e40, "d": 3}]'
    )
    for table in (flat, mongo):
        assert (await table.post(text)).status_code == 201
    for asked_for in ("sum(n / d)", "avg(n / d)", "array_agg(n / d)", "max(d / n)", "variance(n / d / 3)"):
        answers = [await table.get(_aggregate=f"{asked_for} as x") for table in (flat, mongo)]
        assert answers[0].status_code == 200, answers[0].text
        assert answers[0].text == answers[1].text, asked_for
    for asked_for in ("sum(1 / d)", "count(n / (d - 3))", "array_agg(1 / d)", "sum(distinct n / 0)"):
        answers = [await table.get(_aggregate=f"{asked_for} as x") for table in (flat, mongo)]
        assert answers[0].status_code == 400, answers[0].text
        assert answers[0].json()["errors"] == answers[1].json()["errors"]


async def test_operands_of_divisions_are_bounded(bench: MongoBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregating, "MAX_GROUPS", 7)
    table = await bench.table({"name": "n", "type": "integer"})
    await table.add(*({"n": n} for n in range(4)))
    assert (await table.get(_aggregate="sum(n / 2) as a")).json()["aggregates"] == {"a": 3}
    assert (await table.get(_aggregate="sum(n / 2) as a, sum(n) as b")).status_code == 200
    refused = await table.get(_aggregate="sum(n / 2) as a, max(n / 3) as b")
    assert "more than 3 different operands" in refused.json()["errors"]["_aggregate"][0]
