from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from penstock_sdk.cli._columns import Columns
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._formats import Format, format_of, read, writer

COLUMNS = Columns(
    {
        "fields": [
            {"name": "id", "type": "integer"},
            {"name": "name", "type": "string"},
            {"name": "price", "type": "number"},
            {"name": "active", "type": "boolean"},
            {"name": "at", "type": "datetime"},
            {"name": "day", "type": "date"},
            {"name": "clock", "type": "time"},
            {"name": "tags", "type": "array"},
        ]
    }
)
ROW = {
    "id": 2**53 + 1,
    "name": 'a "quoted", line\nü',
    "price": Decimal("1.25"),
    "active": False,
    "at": "2025-03-01T09:30:00Z",
    "day": "2025-03-01",
    "clock": "09:30:00",
    "tags": ["x", 1],
}


def rows_of(content: bytes, kind: Format = "csv", nulls: frozenset[str] = frozenset()) -> list[Any]:
    return [(row.place, row.values, row.reasons) for row in read(io.BytesIO(content), kind, COLUMNS, nulls)]


@pytest.mark.parametrize(
    ("name", "chosen", "expected"),
    [
        ("a.csv", None, "csv"),
        ("a.JSONL", None, "ndjson"),
        ("a.txt", "tsv", "tsv"),
        ("-", None, "csv"),
        ("a.pq", None, "parquet"),
    ],
)
def test_the_name_tells_the_format(name: str, chosen: Format | None, expected: str) -> None:
    assert format_of(Path(name), chosen) == expected


def test_a_name_that_does_not_tell() -> None:
    with pytest.raises(CommandError, match="--format"):
        format_of(Path("a.txt"), None)


@pytest.mark.parametrize("kind", ["csv", "tsv", "ndjson"])
def test_a_round_trip_keeps_everything(kind: Format) -> None:
    stream = io.BytesIO()
    out = writer(stream, kind, COLUMNS, COLUMNS.names)
    out.write([ROW, dict.fromkeys(ROW)])
    out.close()
    first, second = (values for _, values, _ in rows_of(stream.getvalue(), kind))
    assert first == ROW
    assert second == dict.fromkeys(ROW)


def test_parquet_round_trip() -> None:
    pytest.importorskip("pyarrow")
    stream = io.BytesIO()
    out = writer(stream, "parquet", COLUMNS, COLUMNS.names)
    out.write([ROW])
    out.write([dict.fromkeys(ROW)])
    out.close()
    (place, first, _), (_, second, _) = rows_of(stream.getvalue(), "parquet")
    assert place == 1
    assert (first["id"], first["price"], first["tags"]) == (2**53 + 1, 1.25, '["x",1]')
    assert first["at"].isoformat() == "2025-03-01T09:30:00+00:00"
    assert second == dict.fromkeys(ROW)


def test_what_is_no_parquet_is_refused() -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(CommandError, match="not a Parquet file"):
        rows_of(b"id,name\n", "parquet")


def test_places_are_lines_of_the_file() -> None:
    content = b'\xef\xbb\xbfid,name\n1,"two\nlines"\n\nx,y\n3\n'
    found = rows_of(content)
    assert [place for place, _, _ in found] == [2, 5, 6]
    assert found[0][1] == {"id": 1, "name": "two\nlines"}
    assert "not a whole number" in found[1][2]["id"]
    assert "has 1 values" in found[2][2]["(row)"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"id,id\n", "twice"),
        (b"id,colour\n", "no field 'colour'"),
        (b'id,name\n1,"open\n', "not valid CSV"),
        (b"id,name\n1,\xff\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_table(content: bytes, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        rows_of(content)


def test_bad_lines_of_ndjson_are_faults() -> None:
    found = rows_of(b'{"id":1}\n\n[1]\n{"id":\n', "ndjson")
    assert [(place, bool(reasons)) for place, _, reasons in found] == [(1, False), (3, True), (4, True)]


def test_words_for_null() -> None:
    assert rows_of(b"id,name\nNA,NA\n", nulls=frozenset({"NA"}))[0][1] == {"id": None, "name": None}


def test_long_cells_of_csv() -> None:
    text = "x" * 1_000_000
    ((_, values, _),) = rows_of(f"id,name\n1,{text}\n".encode())
    assert values["name"] == text
