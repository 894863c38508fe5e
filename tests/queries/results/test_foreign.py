"""Arrow of others, as a result has it."""

from __future__ import annotations

import decimal
import uuid
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from penstock.queries.results.columns import Kind
from penstock.queries.results.foreign import Foreign, Unreadable
from penstock.queries.results.instants import Instants
from penstock.queries.results.objects import Directory
from penstock.queries.results.texts import json_list
from penstock.queries.results.writing import KIND, ResultWriter

AT = datetime(2025, 2, 7, 21, 26, 11, 523_456)
ONE = uuid.UUID("2666b548-e028-47bd-b44d-0704f2c3ebb8")
# What a column is there, its values, what they are here, and their JSON.
CASES: list[tuple[pa.DataType, list[Any], Kind, str]] = [
    (pa.int8(), [1, None], Kind.INTEGER, "1"),
    (pa.uint64(), [2**64 - 1, None], Kind.INTEGER, str(2**64 - 1)),
    (pa.float64(), [0.25, None], Kind.FLOAT, "0.25"),
    (pa.decimal128(38, 2), [decimal.Decimal("12345678901234567890.10")], Kind.DECIMAL, "12345678901234567890.10"),
    (pa.decimal256(60, 1), [decimal.Decimal("1.5")], Kind.DECIMAL, "1.5"),
    (pa.bool_(), [True], Kind.BOOLEAN, "true"),
    (pa.string(), ['a"b'], Kind.STRING, '"a\\"b"'),
    (pa.large_string(), ["ä"], Kind.STRING, '"ä"'),
    (pa.string_view(), ["ä"], Kind.STRING, '"ä"'),
    (pa.dictionary(pa.int8(), pa.string()), ["x", "y", "x"], Kind.STRING, '"x"'),
    (pa.binary(), [b"\x01\xff"], Kind.BYTES, '"01ff"'),
    (pa.binary(2), [b"\x01\xff"], Kind.BYTES, '"01ff"'),
    (pa.date32(), [date(2025, 2, 7)], Kind.DATE, '"2025-02-07"'),
    (pa.date64(), [date(2025, 2, 7)], Kind.DATE, '"2025-02-07"'),
    (pa.timestamp("s"), [AT.replace(microsecond=0)], Kind.DATETIME, '"2025-02-07T21:26:11"'),
    (pa.timestamp("ns"), [AT], Kind.DATETIME, '"2025-02-07T21:26:11.523456"'),
    (pa.timestamp("us", "Europe/Berlin"), [AT.replace(tzinfo=UTC)], Kind.DATETIME, '"2025-02-07T21:26:11.523456Z"'),
    (pa.time32("s"), [time(1, 2, 3)], Kind.TIME, '"01:02:03.000000"'),
    (pa.list_(pa.int64()), [[2**60, None]], Kind.JSON, f"[{2**60},null]"),
    (pa.struct([("a", pa.string())]), [{"a": "b"}], Kind.JSON, '{"a":"b"}'),
    (pa.map_(pa.string(), pa.int32()), [[("a", 1)]], Kind.JSON, '{"a":1}'),
    (pa.null(), [None], Kind.STRING, "null"),
    (pa.duration("s"), [7], Kind.STRING, '"0:00:07"'),
    (pa.uuid(), [ONE.bytes], Kind.STRING, f'"{ONE}"'),
    (pa.json_(pa.string()), ['{"a": 1}'], Kind.JSON, '{"a": 1}'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "expected", "text"), CASES, ids=[str(one[0]) for one in CASES])
def test_every_type(tmp_path: Path, kind: Any, values: list[Any], expected: Kind, text: str) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(values, kind)], ["x"])
    foreign = Foreign(batch.schema)
    (column,) = foreign.columns
    assert (column.name, column.kind) == ("x", expected)
    arrays = foreign.arrays(batch)
    with ResultWriter(
        Directory(tmp_path), foreign.columns, foreign.types, most_rows=10, most_bytes=10**9
    ) as out:
        assert out.write(arrays)
        assert out.finish().rows == len(values)
    made = pa.RecordBatch.from_arrays([arrays[0].slice(0, 1)], ["x"])
    assert json_list(made, foreign.columns, Instants.EXACT).decode() == '{"x":' + text + "}"


def test_what_another_server_like_this_says_of_its_text() -> None:
    fields = [
        pa.field("n", pa.string(), metadata={KIND: b"decimal"}),
        pa.field("j", pa.string(), metadata={KIND: b"json"}),
        pa.field("n", pa.string(), metadata={KIND: b"no such kind"}),
    ]
    schema = pa.schema(fields)
    foreign = Foreign(schema)
    assert [(one.name, one.kind) for one in foreign.columns] == [
        ("n", Kind.DECIMAL),
        ("j", Kind.JSON),
        ("n1", Kind.STRING),
    ]
    batch = pa.RecordBatch.from_arrays(
        [pa.array(["1.10", "NaN"]), pa.array(["[1]", None]), pa.array(["a", "b"])], schema=schema
    )
    found = json_list(
        pa.RecordBatch.from_arrays(foreign.arrays(batch), ["a", "b", "c"]), foreign.columns, Instants.EXACT
    )
    assert found == b'{"n":1.10,"j":[1],"n1":"a"},{"n":null,"j":null,"n1":"b"}'


@pytest.mark.parametrize(
    ("kind", "text"), [(b"json", '1}, {"x": 2'), (b"json", ""), (b"decimal", "1,2"), (b"decimal", "")]
)
def test_text_that_would_break_out_of_json(kind: bytes, text: str) -> None:
    schema = pa.schema([pa.field("x", pa.string(), metadata={KIND: kind})])
    with pytest.raises(Unreadable):
        Foreign(schema).arrays(pa.RecordBatch.from_arrays([pa.array([text])], schema=schema))


def test_what_does_not_fit() -> None:
    far = pa.RecordBatch.from_arrays([pa.array([2**62], pa.timestamp("s"))], ["x"])
    with pytest.raises(Unreadable):
        Foreign(far.schema).arrays(far)
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\x00\x00\x00\x00\x01\x00\x00\x00"), pa.py_buffer(b"\xff")]
    )
    with pytest.raises(Unreadable):
        Foreign(pa.schema([("x", pa.string())])).arrays(pa.RecordBatch.from_arrays([broken], ["x"]))
