"""Conditions on rows: exact numbers, nulls, no rows, text, and results of several batches."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.kit import errors
from penstock.queries.alerts.conditions import look
from penstock.queries.alerts.models import Outcome, State
from penstock.queries.alerts.options import condition_of, number_of, read
from penstock.queries.results.columns import Column, Kind
from penstock.queries.results.models import StoredFile
from penstock.queries.results.objects import Directory
from penstock.queries.results.reading import ResultFiles
from penstock.queries.results.writing import ResultWriter

pytestmark = pytest.mark.anyio
TYPES: dict[Kind, Any] = {
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.DECIMAL: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.STRING: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.JSON: pa.string(),
}
BIG = 2**63 - 1


@pytest.fixture
def objects(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "results")


def stored(objects: Directory, kind: Kind, *batches: list[Any]) -> StoredFile:
    limits = {"most_rows": 10**9, "most_bytes": 10**12}
    with ResultWriter(objects, [Column("n", kind)], [TYPES[kind]], **limits) as out:
        for values in batches:
            out.write([pa.array(values, TYPES[kind])])
        return out.finish()


async def told(
    objects: Directory, kind: Kind, batches: list[list[Any]], state: State = State.UNKNOWN, **options: Any
) -> Outcome:
    given = read({"column": "n", "op": ">", **options})
    return await look(ResultFiles(objects), stored(objects, kind, *batches), condition_of(given), state)


@pytest.mark.parametrize(
    ("kind", "batches", "options", "state", "value"),
    [
        (Kind.INTEGER, [[5, 9]], {"value": 4}, "triggered", "5"),
        (Kind.INTEGER, [[5, 9]], {"value": 5}, "ok", "5"),
        (Kind.INTEGER, [[5, 9]], {"value": "5", "op": "equals"}, "triggered", "5"),
        (Kind.INTEGER, [[None, 9]], {"value": 5}, "unknown", None),
        # Every digit counts.
        (Kind.INTEGER, [[BIG]], {"value": str(BIG - 1)}, "triggered", str(BIG)),
        (Kind.INTEGER, [[BIG]], {"value": str(BIG), "op": ">="}, "triggered", str(BIG)),
        (Kind.INTEGER, [[BIG], [BIG]], {"value": str(2 * BIG), "op": "==", "selector": "sum"}, "triggered", str(2 * BIG)),
        (Kind.DECIMAL, [["0.1", "0.2"]], {"value": "0.3", "op": "==", "selector": "sum"}, "triggered", "0.3"),
        (Kind.DECIMAL, [["100000000000000000000.000000000000000000001"]], {"value": "100000000000000000000"}, "triggered", "100000000000000000000.000000000000000000001"),
        (Kind.FLOAT, [[0.1]], {"value": 0.1, "op": "=="}, "triggered", "0.1"),
        (Kind.FLOAT, [[float("nan")]], {"value": 0.1}, "unknown", None),
        (Kind.FLOAT, [[float("nan"), 3.5], [1.0]], {"value": 3, "selector": "max"}, "triggered", "3.5"),
        (Kind.FLOAT, [[float("inf"), float("-inf")]], {"value": 3, "selector": "sum"}, "unknown", None),
        (Kind.FLOAT, [[float("inf")]], {"value": 3, "selector": "max"}, "triggered", "Infinity"),
        (Kind.DECIMAL, [["NaN", None, "7"]], {"value": 3, "selector": "min"}, "triggered", "7"),
        (Kind.DECIMAL, [["Infinity", "-Infinity"]], {"value": 3, "selector": "sum"}, "unknown", None),
        # Over several batches.
        (Kind.INTEGER, [[1, None], [7], [3]], {"value": 6, "selector": "max"}, "triggered", "7"),
        (Kind.INTEGER, [[4, None], [7], [3]], {"value": 3, "op": "<=", "selector": "min"}, "triggered", "3"),
        (Kind.INTEGER, [[1, None], [3]], {"value": 2, "op": "==", "selector": "mean"}, "triggered", "2"),
        (Kind.INTEGER, [[None], [None]], {"value": 2, "selector": "mean"}, "unknown", None),
        (Kind.INTEGER, [[1, None], [3]], {"value": 2, "selector": "count"}, "triggered", "3"),
        (Kind.INTEGER, [], {"value": 1, "op": "<", "selector": "count"}, "triggered", "0"),
        (Kind.INTEGER, [[1], [None, 9], [3]], {"value": 8, "selector": "any"}, "triggered", "9"),
        (Kind.INTEGER, [[1], [None, 9], [3]], {"value": 9, "selector": "any", "op": "=="}, "triggered", "9"),
        (Kind.INTEGER, [[1], [None, 9], [3]], {"value": 9, "selector": "any"}, "ok", "1"),
        (Kind.INTEGER, [[9], [None, 9]], {"value": 9, "selector": "any", "op": "!="}, "ok", "9"),
        (Kind.INTEGER, [[9], [None, 8]], {"value": 9, "selector": "any", "op": "!="}, "triggered", "8"),
        (Kind.INTEGER, [[9]], {"value": "9.5", "selector": "any", "op": "=="}, "ok", "9"),
        (Kind.INTEGER, [[9]], {"value": "9.5", "selector": "any", "op": "!="}, "triggered", "9"),
        (Kind.INTEGER, [[BIG]], {"value": str(BIG + 1), "selector": "any", "op": "=="}, "ok", str(BIG)),
        (Kind.FLOAT, [[float("nan"), 1.5]], {"value": 1.5, "selector": "any", "op": "!="}, "ok", "1.5"),
        (Kind.FLOAT, [[float("nan"), 1.5]], {"value": 1.5, "selector": "any", "op": "=="}, "triggered", "1.5"),
        (Kind.FLOAT, [[0.1]], {"value": "0.10000000000000001", "selector": "any", "op": "=="}, "ok", "0.1"),
        (Kind.FLOAT, [[0.1, float("inf")]], {"value": "1e308", "selector": "any"}, "triggered", "Infinity"),
        (Kind.DECIMAL, [["1.10"]], {"value": "1.1", "selector": "any", "op": "=="}, "triggered", "1.10"),
        (Kind.STRING, [["7"], ["a"]], {"value": 7.0, "selector": "any", "op": "=="}, "triggered", "7"),
        (Kind.STRING, [["7"], ["b"]], {"value": "a", "selector": "any", "op": "!="}, "triggered", "b"),
        (Kind.BOOLEAN, [[False], [True]], {"value": True, "selector": "any", "op": "=="}, "triggered", "true"),
        (Kind.INTEGER, [[5]], {"value": "many", "selector": "any"}, "unknown", "5"),
        (Kind.INTEGER, [[None]], {"value": 9, "selector": "any"}, "unknown", None),
        (Kind.STRING, [["a"], ["b", None]], {"value": "b", "selector": "any", "op": "=="}, "triggered", "b"),
        (Kind.STRING, [["a"], ["b"]], {"value": "c", "selector": "any", "op": "=="}, "ok", "a"),
        # No rows.
        (Kind.INTEGER, [], {"value": 1}, "unknown", None),
        (Kind.INTEGER, [], {"value": 1, "when_empty": "ok"}, "ok", None),
        (Kind.INTEGER, [], {"value": 1, "selector": "any", "when_empty": "triggered"}, "triggered", None),
        # Text: equal or not; what reads as a number is one.
        (Kind.STRING, [["up"]], {"value": "down", "op": "!="}, "triggered", "up"),
        (Kind.STRING, [["up"]], {"value": "up", "op": "!="}, "ok", "up"),
        (Kind.STRING, [["b"]], {"value": "a"}, "triggered", "b"),
        (Kind.STRING, [["a"]], {"value": "b"}, "unknown", "a"),
        (Kind.STRING, [["12"]], {"value": 9}, "triggered", "12"),
        (Kind.STRING, [["up"]], {"value": 9, "selector": "max"}, "unknown", None),
        (Kind.INTEGER, [[5]], {"value": "many"}, "unknown", "5"),
        (Kind.BOOLEAN, [[True]], {"value": True, "op": "=="}, "triggered", "true"),
        (Kind.BOOLEAN, [[False]], {"value": "true", "op": "=="}, "ok", "false"),
        (Kind.JSON, [['{"a": 1}']], {"value": "x", "op": "=="}, "ok", '{"a": 1}'),
        (Kind.INTEGER, [[5]], {"value": 1, "column": "other"}, "unknown", None),
    ],
)  # fmt: skip
async def test_conditions(
    objects: Directory,
    kind: Kind,
    batches: list[list[Any]],
    options: dict[str, Any],
    state: str,
    value: str | None,
) -> None:
    outcome = await told(objects, kind, batches, **options)
    assert (outcome.state, outcome.value) == (state, value), outcome
    assert outcome.state is not State.UNKNOWN or outcome.reason


async def test_it_recovers_at_another_threshold(objects: Directory) -> None:
    options = {"value": 100, "recover_value": 90}
    for number, state, then in (
        (95, "ok", "ok"),
        (101, "ok", "triggered"),
        (95, "triggered", "triggered"),
        (90, "triggered", "ok"),
    ):
        outcome = await told(objects, Kind.INTEGER, [[number]], State(state), **options)
        assert outcome.state == then, (number, state)


@pytest.mark.parametrize(
    ("selector", "value", "state"),
    [("count", 0, "unknown"), ("max", 0, "unknown"), ("first", 0, "triggered"), ("any", 1, "triggered"), ("any", 9, "unknown")],
)  # fmt: skip
async def test_what_was_cut_off(objects: Directory, selector: str, value: int, state: str) -> None:
    limits = {"most_rows": 2, "most_bytes": 10**12}
    with ResultWriter(objects, [Column("n", Kind.INTEGER)], [pa.int64()], **limits) as out:
        out.write([pa.array([1, 2, 3])])
        file = out.finish()
    given = {"column": "n", "op": ">", "selector": selector, "value": value}
    outcome = await look(ResultFiles(objects), file, condition_of(given), State.UNKNOWN)
    assert file.truncated and outcome.state == state


async def test_large_results_by_batches(objects: Directory) -> None:
    batches = [list(range(n * 1000, (n + 1) * 1000)) for n in range(50)]
    for selector, value in (("max", 49_999), ("min", 0), ("sum", 49_999 * 25_000), ("count", 50_000)):
        outcome = await told(objects, Kind.INTEGER, batches, op="==", value=value, selector=selector)
        assert outcome.state is State.TRIGGERED, (selector, outcome)


@pytest.mark.parametrize(
    "options",
    [
        [],
        None,
        {},
        {"op": "=", "column": "n", "value": 1},
        {"op": ">", "column": "n"},
        {"op": ">", "column": "", "value": 1},
        {"op": ">", "value": 1},
        {"op": ">", "column": "n", "value": 1, "selector": "median"},
        {"op": ">", "column": "n", "value": 1, "selector": ["max"]},
        {"op": ">", "column": "n", "value": "many", "selector": "max"},
        {"op": ">", "column": "n", "value": "x" * 1001},
        {"op": ">", "column": "n", "value": 1, "recover_value": 2},
        {"op": "<", "column": "n", "value": 1, "recover_value": 0},
        {"op": "==", "column": "n", "value": 1, "recover_value": 0},
        {"op": ">", "column": "n", "value": "a", "recover_value": 0},
        {"op": ">", "column": "n", "value": 1, "when_empty": "never"},
        {"op": ">", "column": "n", "value": 1, "muted": "yes"},
        {"op": ">", "column": "n", "value": 1, "parameters": [1]},
        {"op": ">", "column": "n", "value": 1, "custom_subject": 5},
        {"op": ">", "column": "n", "value": 1, "custom_body": "{{#a}}"},
        {"op": ">", "column": "n", "value": 1, "custom_subject": "x" * 1001},
    ],
)
def test_options_that_will_not_do(options: Any) -> None:
    with pytest.raises(errors.Invalid) as refused:
        read(options)
    assert list(refused.value.errors or {}) == ["options"]


def test_what_is_unknown_stays() -> None:
    options = {"op": "greater than", "column": "n", "value": 1, "theirs": {"a": [1]}}
    assert read(options) == options


@given(
    st.one_of(
        st.integers(),
        st.decimals(allow_nan=False, allow_infinity=False),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_numbers_keep_their_digits(value: Any) -> None:
    found = number_of(str(value) if not isinstance(value, float) else value)
    assert found is None or found == Decimal(repr(value) if isinstance(value, float) else str(value))
