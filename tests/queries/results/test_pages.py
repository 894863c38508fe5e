"""Pages of rows as JSON: to the byte what the kernels write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.queries.results import pages as module
from penstock.queries.results.columns import Column, Kind
from penstock.queries.results.instants import Instants
from penstock.queries.results.pages import Pages
from penstock.queries.results.texts import json_list

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MOMENTS = st.integers(-(2**61), 2**61) | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(
    lambda one: int(one.replace(tzinfo=UTC).timestamp()) * 1000
)
VALUES: dict[Any, tuple[Kind, st.SearchStrategy[Any]]] = {
    pa.int16(): (Kind.INTEGER, st.integers(-(2**15), 2**15 - 1)),
    pa.int64(): (Kind.INTEGER, st.integers(-(2**63), 2**63 - 1)),
    pa.uint64(): (Kind.INTEGER, st.integers(0, 2**64 - 1)),
    pa.float64(): (Kind.FLOAT, st.floats()),
    pa.float32(): (Kind.FLOAT, st.floats(width=32)),
    pa.bool_(): (Kind.BOOLEAN, st.booleans()),
    pa.string(): (Kind.STRING, TEXTS | st.sampled_from(["\b", "\\b", "\f", "/", "\x7f", "\u2028", '"'])),
    pa.date32(): (Kind.DATE, st.dates(date(1, 1, 1), date(9999, 12, 31))),
    pa.time64("us"): (Kind.TIME, st.times(time(0), time(23, 59, 59, 999_999))),
    pa.binary(): (Kind.BYTES, st.binary(max_size=8)),
    pa.timestamp("s"): (Kind.DATETIME, st.integers(-(2**33), 2**33)),
    pa.timestamp("ms", "UTC"): (Kind.DATETIME, st.integers(-(2**43), 2**43)),
    pa.timestamp("us"): (Kind.DATETIME, MOMENTS),
    pa.timestamp("us", "UTC"): (Kind.DATETIME, MOMENTS),
    pa.timestamp("ns", "UTC"): (Kind.DATETIME, MOMENTS),
}
DECIMALS = st.sampled_from(["NaN", "-Infinity", "12345678901234567890.10", "-0.5"])
DOCUMENTS = st.sampled_from(['{"a":\n [1, "x\\ny\\b"]}', "[]", '"\\f"', "null", "1.50"])
STYLES = (Instants.DASHBOARD, Instants.EXPLORER, Instants.EXACT)


def same(arrays: Sequence[Any], columns: Sequence[Column], style: Instants) -> bytes:
    """The rows, whole and in a part."""
    batch = pa.RecordBatch.from_arrays(list(arrays), names=[one.name for one in columns])
    written = Pages(batch.schema, columns)
    part = batch.slice(1, 2)
    assert written.json(part, style) == json_list(part, columns, style)
    found = written.json(batch, style)
    assert found == json_list(batch, columns, style)
    return found


@settings(max_examples=60)
@given(st.data(), st.sampled_from(STYLES))
def test_every_kind(data: st.DataObject, style: Instants) -> None:
    arrays: list[Any] = []
    columns: list[Column] = []
    count = data.draw(st.integers(0, 5))
    some = data.draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=4))
    texts = [(pa.string(), (Kind.DECIMAL, DECIMALS)), (pa.string(), (Kind.JSON, DOCUMENTS))]
    for own, (kind, values) in (*((one, VALUES[one]) for one in some), *texts):
        drawn = data.draw(st.lists(st.none() | values, min_size=count, max_size=count))
        arrays.append(pa.array(drawn, own))
        columns.append(Column(f"c {len(columns)}", kind))
    same(arrays, columns, style)


@settings(max_examples=30)
@given(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
def test_names(names: list[str]) -> None:
    """Whatever a column is called."""
    columns = [Column(name, Kind.STRING) for name in names]
    same([pa.array(["x", None, "y"], pa.string())] * len(names), columns, Instants.DASHBOARD)


def test_years_of_more_than_four_digits() -> None:
    far = pa.array([253_402_300_800_000_000, 0, None, -62_200_000_000_000_000], pa.timestamp("us", "UTC"))
    for style in STYLES:
        same([far], [Column("at", Kind.DATETIME)], style)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_whole_seconds(unit: str) -> None:
    """All of them, all but one, none that is known, and none at all."""
    second = {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    for values in ([0, 5, -3], [0, 5, 1.5], [0, 5, None], [None] * 3, []):
        for zone in (None, "UTC"):
            moments = [None if one is None else int(one * second) for one in values]
            for style in STYLES:
                same([pa.array(moments, pa.timestamp(unit, zone))], [Column("at", Kind.DATETIME)], style)


def test_text_that_is_none() -> None:
    """A database that checks no encoding sends such bytes; they come out as they went in."""
    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff"))
    assert same([broken], [Column("t", Kind.STRING)], Instants.DASHBOARD) == b'{"t":"a\xff"}'


def test_what_is_large_is_for_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_VALUES", 2)
    same([pa.array([1, 2, 3])], [Column("n", Kind.INTEGER)], Instants.DASHBOARD)
    wide = [Column(f"c{number}", Kind.INTEGER) for number in range(module._MOST_COLUMNS + 1)]  # pyright: ignore[reportPrivateUsage]  # the limit itself
    same([pa.array([1, 2])] * len(wide), wide, Instants.DASHBOARD)
