"""Every format, read back by a reader that is not ours."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet
import pytest

from penstock.queries.exports import FORMATS, Options, writer_of
from penstock.queries.results.columns import Column, Kind

COLUMNS = [
    Column("id", Kind.INTEGER),
    Column("name", Kind.STRING),
    Column("price", Kind.DECIMAL),
    Column("at", Kind.DATETIME),
    Column("ok", Kind.BOOLEAN),
    Column("f", Kind.FLOAT),
]
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("name", pa.string()),
        ("price", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("ok", pa.bool_()),
        ("f", pa.float64()),
    ]
)
AT = datetime(2025, 2, 7, 21, 26, 11, 523_456, tzinfo=UTC)
ROWS = [
    {"id": 2**60, "name": 'a "b",\nc<&>\x01', "price": "1.10", "at": AT, "ok": True, "f": 0.5},
    {"id": None, "name": None, "price": None, "at": None, "ok": None, "f": float("inf")},
]


def made(kind: str, rows: list[dict[str, Any]] = ROWS, times: int = 1, **options: Any) -> bytes:
    writer = writer_of(FORMATS[kind], Options(COLUMNS, SCHEMA, **options))
    parts = [writer.begin()]
    parts += [writer.write(pa.RecordBatch.from_pylist(rows, schema=SCHEMA)) for _ in range(times) if rows]
    return b"".join([*parts, writer.end()])


def test_json() -> None:
    read = json.loads(made("json", times=2, head=b'{"id":1,"x":{"y":{}}}'))["query_result"]
    assert (read["id"], read["x"]) == (1, {"y": {}})
    assert read["data"]["columns"][0] == {"name": "id", "friendly_name": "id", "type": "integer"}
    assert len(read["data"]["rows"]) == 4
    assert read["data"]["rows"][0]["at"] == "2025-02-07T21:26:11.523Z"
    assert read["data"]["rows"][1] == dict.fromkeys(SCHEMA.names)
    assert "truncated" not in read["data"]
    cut = json.loads(made("json", [], truncated=True))["query_result"]
    assert cut == {"data": {**cut["data"], "truncated": True, "rows": []}}


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_separated_values(kind: str, delimiter: str) -> None:
    head, first, second = csv.reader(io.StringIO(made(kind).decode(), newline=""), delimiter=delimiter)
    assert head == SCHEMA.names
    assert first == [str(2**60), ROWS[0]["name"], "1.10", "07/02/25 21:26", "true", "0.5"]
    assert second == [""] * 6
    assert "2025-02-07T21:26:11.523456Z" in made(kind, raw=True).decode()
    assert made(kind, []).decode() == delimiter.join(SCHEMA.names) + "\r\n"


def test_ndjson() -> None:
    lines = made("ndjson", times=2).splitlines()
    assert len(lines) == 4 and json.loads(lines[2])["at"] == "2025-02-07T21:26:11.523456Z"
    assert made("ndjson", []) == b""


@pytest.mark.parametrize("times", [0, 1, 3])
def test_parquet(times: int) -> None:
    read = pyarrow.parquet.read_table(io.BytesIO(made("parquet", times=times)))
    assert read.num_rows == 2 * times and read.schema.names == SCHEMA.names
    assert read.to_pylist()[: 2 * times] == ROWS * times


def test_a_workbook() -> None:
    names = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(made("xlsx", times=2))) as archive:
        assert archive.testzip() is None
        assert b'name="result"' in archive.read("xl/workbook.xml")
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    lines = [
        ["".join(cell.itertext()) for cell in row.iter(f"{names}c")] for row in sheet.iter(f"{names}row")
    ]
    assert lines[0] == SCHEMA.names and len(lines) == 5
    # What a spreadsheet would round is text, and what XML cannot have is marked.
    assert lines[1] == [str(2**60), 'a "b",\nc<&>\ufffd', "1.10", "07/02/25 21:26", "1", "0.5"]
    assert lines[2] == [""] * 6
