"""Values of results as JSON and as separated values, against the standard library."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.queries.results.columns import Column, Kind, distinct
from penstock.queries.results.instants import SHORT, Instants, Style, Written
from penstock.queries.results.texts import json_lines, json_list, separated, separated_names

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def batch(**columns: Any) -> tuple[Any, list[Column]]:
    """A batch, its columns given as `name=(kind, Arrow's type, values)`."""
    arrays = [pa.array(values, kind) for _, kind, values in columns.values()]
    shown = [Column(name, one[0]) for name, one in columns.items()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns)), shown


def rows(given: Any, columns: list[Column], instants: Instants = Instants.EXACT) -> list[Any]:
    return json.loads(b"[" + json_list(given, columns, instants) + b"]")


@given(
    st.lists(
        st.tuples(st.none() | TEXTS, st.none() | FLOATS, st.none() | st.integers(-(2**63), 2**63 - 1)),
        min_size=1,
    )
)
def test_json_is_what_was_put_in(values: list[tuple[Any, ...]]) -> None:
    text, number, whole = zip(*values, strict=True)
    found, columns = batch(
        a=(Kind.STRING, pa.string(), text),
        b=(Kind.FLOAT, pa.float64(), number),
        c=(Kind.INTEGER, pa.int64(), whole),
    )
    expected = [{"a": a, "b": b, "c": c} for a, b, c in values]
    assert rows(found, columns) == expected
    # Of a slice only its own.
    assert rows(found.slice(1), columns) == expected[1:]
    lines = json_lines(found, columns, Instants.EXACT).split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == expected and lines[-1] == b""


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1), st.sampled_from([",", "\t"]))
def test_separated_values_are_what_was_put_in(values: list[tuple[str, str]], delimiter: str) -> None:
    first, second = zip(*values, strict=True)
    found, columns = batch(a=(Kind.STRING, pa.string(), first), b=(Kind.STRING, pa.string(), second))
    text = separated(found, columns, Instants.EXACT, delimiter).decode()
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    # The reader of the standard library makes nothing of NUL.
    if not any("\0" in one for pair in values for one in pair):
        assert read == [list(pair) for pair in values]


def test_numbers_that_json_has_not() -> None:
    found, columns = batch(
        a=(Kind.FLOAT, pa.float64(), [float("nan"), float("inf"), 1e300, 0.1, None]),
        b=(Kind.DECIMAL, pa.string(), ["NaN", "-Infinity", "12345678901234567890.10", "-0.5", None]),
    )
    text = json_list(found, columns, Instants.EXACT)
    assert b'"b":12345678901234567890.10' in text
    read = rows(found, columns)
    assert [row["a"] for row in read] == [None, None, 1e300, 0.1, None]
    assert [row["b"] for row in read] == [None, None, 12345678901234567890.1, -0.5, None]


def test_big_integers_are_exact() -> None:
    found, columns = batch(a=(Kind.INTEGER, pa.int64(), [2**63 - 1, -(2**53) - 1]))
    assert json_list(found, columns, Instants.EXACT) == b'{"a":9223372036854775807},{"a":-9007199254740993}'


MOMENTS = [
    datetime(2023, 7, 10, 1, 20, 52, 933_999),
    datetime(2023, 7, 10, 1, 20, 52),
    datetime(1969, 12, 31, 23, 59, 59, 999_900),
    None,
]


@pytest.mark.parametrize(
    ("style", "zoned", "expected"),
    [
        (
            Instants.DASHBOARD,
            True,
            ["2023-07-10T01:20:52.933Z", "2023-07-10T01:20:52Z", "1969-12-31T23:59:59.999Z", None],
        ),
        (
            Instants.DASHBOARD,
            False,
            ["2023-07-10T01:20:52.933", "2023-07-10T01:20:52", "1969-12-31T23:59:59.999", None],
        ),
        (
            Instants.EXPLORER,
            True,
            ["2023-07-10T01:20:52.933", "2023-07-10T01:20:52.000", "1969-12-31T23:59:59.999", None],
        ),
        (
            Instants.EXACT,
            True,
            ["2023-07-10T01:20:52.933999Z", "2023-07-10T01:20:52Z", "1969-12-31T23:59:59.999900Z", None],
        ),
        (SHORT, True, ["10/07/23 01:20", "10/07/23 01:20", "31/12/69 23:59", None]),
        (
            Written("YYYY-MM-DD", "HH:mm:ss.SSS"),
            True,
            ["2023-07-10 01:20:52.933", "2023-07-10 01:20:52.000", "1969-12-31 23:59:59.999", None],
        ),
        (
            Written("MM/DD/YY", "HH:mm:ss"),
            True,
            ["07/10/23 01:20:52", "07/10/23 01:20:52", "12/31/69 23:59:59", None],
        ),
    ],
)
def test_instants(style: Style, zoned: bool, expected: list[str | None]) -> None:
    values = [one and one.replace(tzinfo=UTC) for one in MOMENTS] if zoned else MOMENTS
    found, columns = batch(a=(Kind.DATETIME, pa.timestamp("us", "UTC" if zoned else None), values))
    assert [row["a"] for row in rows(found, columns, style)] == expected


def test_other_kinds() -> None:
    found, columns = batch(
        day=(Kind.DATE, pa.date32(), [date(2020, 1, 31), None]),
        clock=(Kind.TIME, pa.time64("us"), [time(10, 0, 1), None]),
        data=(Kind.BYTES, pa.binary(), [b"\x00\xff", None]),
        document=(Kind.JSON, pa.string(), ['{"a":\n [1, "x\\ny"]}', None]),
        flag=(Kind.BOOLEAN, pa.bool_(), [True, None]),
    )
    assert rows(found, columns) == [
        {
            "day": "2020-01-31",
            "clock": "10:00:01.000000",
            "data": "00ff",
            "document": {"a": [1, "x\ny"]},
            "flag": True,
        },
        dict.fromkeys(("day", "clock", "data", "document", "flag")),
    ]
    lines = json_lines(found, columns, Instants.EXACT)
    assert lines.count(b"\n") == 2
    text = separated(found.slice(0, 1), columns, SHORT, ",").decode()
    assert text.startswith("31/01/20,10:00:01.000000,00ff,") and text.endswith(",true\r\n")


def test_a_row_of_nothing_is_a_line_still() -> None:
    found, columns = batch(a=(Kind.STRING, pa.string(), [None, "", "x"]))
    assert separated(found, columns, Instants.EXACT, ",") == b'""\r\n""\r\nx\r\n'


def test_names() -> None:
    assert distinct(["x", "x", "x"]) == ["x", "x1", "x2"]
    assert distinct(["x", "x", "x1"]) == ["x", "x2", "x1"]
    assert distinct(["x", "x1", "x"]) == ["x", "x1", "x2"]
    assert (
        separated_names([Column('a "b", c', Kind.STRING), Column("d", Kind.STRING)], ",")
        == b'"a ""b"", c",d\r\n'
    )


@given(st.lists(st.sampled_from(["x", "x1", "x2", "x11", "y"]), max_size=12))
def test_names_are_never_the_same(names: list[str]) -> None:
    found = distinct(names)
    assert len(set(found)) == len(found)
    assert all(own.startswith(name) for own, name in zip(found, names, strict=True))
