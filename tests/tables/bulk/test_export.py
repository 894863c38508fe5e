"""Exports over HTTP: the whole list, in every format, with the conditions of a list."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.kit.streaming import Streams
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio

FIELDS: tuple[dict[str, Any], ...] = (
    {"name": "text", "type": "string"},
    {"name": "price", "type": "number"},
    {"name": "flag", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "clock", "type": "time"},
    {"name": "moment", "type": "datetime"},
    {"name": "doc", "type": "object"},
    {"name": "span", "type": "range", "of": "datetime"},
    {"name": "born", "type": "year"},
)
FULL: dict[str, Any] = {
    "text": 'a "b", \\c\\\\ (d)\ne',
    "price": 12345678901234567890.12,
    "flag": True,
    "day": "2025-03-01",
    "clock": "09:30:00.000001",
    "moment": "2025-03-01T08:30:00.5Z",
    "doc": {"k": 'x"y\\z'},
    "span": {"lower": "2025-03-01T00:00:00Z", "upper": None},
    "born": 1999,
}


async def taken(table: Records, kind: str, /, **params: Any) -> Any:
    answer = await table.get("/export/", format=kind, **params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="{table.name}.{kind}"'
    return answer


async def test_ndjson_is_the_list(workbench: Workbench) -> None:
    table = await workbench.table(*FIELDS)
    await table.add(FULL, {}, {"text": "", "flag": False})
    answer = await taken(table, "ndjson", ordering="id")
    assert answer.headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line, parse_float=Decimal) for line in answer.text.splitlines()]
    assert rows == await table.rows(ordering="id")


async def test_csv_tells_null_from_empty_text(workbench: Workbench) -> None:
    table = await workbench.table(*FIELDS)
    await table.add(FULL, {}, {"text": "", "flag": False})
    text = (await taken(table, "csv", ordering="id")).text
    assert text.splitlines()[0] == "id," + ",".join(one["name"] for one in FIELDS)
    assert text.endswith('2,,,,,,,,,\n3,"",,false,,,,,,\n')
    first = next(csv.DictReader(io.StringIO(text, newline="")))
    assert first["text"] == FULL["text"]
    assert first["price"] == "12345678901234567000" or Decimal(first["price"]) == Decimal(str(FULL["price"]))
    assert (first["flag"], first["moment"]) == ("true", "2025-03-01T08:30:00.5Z")
    assert json.loads(first["doc"]) == FULL["doc"]


async def test_parquet_has_types(workbench: Workbench) -> None:
    table = await workbench.table(*FIELDS)
    await table.add(FULL, {}, {"text": ""})
    content = (await taken(table, "parquet", ordering="id")).content
    found = pq.read_table(io.BytesIO(content))
    types = {one.name: str(one.type) for one in found.schema}
    assert types["moment"] == "timestamp[us, tz=UTC]"
    assert (types["flag"], types["clock"], types["born"]) == ("bool", "time64[us]", "int32")
    rows = found.to_pylist()
    assert rows[0]["text"] == FULL["text"]
    assert rows[0]["clock"].isoformat() == FULL["clock"]
    assert rows[0]["moment"].isoformat() == "2025-03-01T08:30:00.500000+00:00"
    assert (rows[1]["text"], rows[2]["text"]) == (None, "")


async def test_a_file_comes_back_as_it_went(workbench: Workbench) -> None:
    table, other = await workbench.table(*FIELDS), await workbench.table(*FIELDS)
    await table.add({**FULL, "price": 2.5}, {})
    for kind in ("csv", "ndjson", "parquet"):
        file = (await taken(table, kind)).content
        answer = await other.client.post(
            f"{other.url}/import", content=file, params={"format": kind, "mode": "upsert"}
        )
        assert answer.status_code == 200, answer.text
        assert await other.rows() == await table.rows()


async def test_conditions_order_fields_and_limit(workbench: Workbench) -> None:
    table = await workbench.table(*FIELDS)
    await table.add(*({"text": f"t{n}", "born": 2000 + n} for n in range(30)))
    text = (await taken(table, "csv", born__gte=2010, ordering="-born", fields="born", limit=2)).text
    assert text == "id,born\n30,2029\n29,2028\n"
    text = (await taken(table, "csv", search="t2", fields="text", filters='{"born__lt": 2003}')).text
    assert text == "id,text\n3,t2\n"


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({}, "format"),
        ({"format": "xlsx"}, "format"),
        ({"format": "csv", "page": 2}, "page"),
        ({"format": "csv", "after": ""}, "after"),
        ({"format": "csv", "limit": "0"}, "limit"),
        ({"format": "csv", "nope": "1"}, "nope"),
        ({"format": "csv", "fields": "nope"}, "fields"),
        ({"format": "csv", "ordering": "doc"}, "ordering"),
    ],
)
async def test_what_cannot_be_exported(workbench: Workbench, params: Any, name: str) -> None:
    table = await workbench.table(*FIELDS)
    answer = await table.get("/export", **params)
    assert answer.status_code == 400, answer.text
    assert name in answer.json()["errors"]


async def test_deleted_records_stay_out(workbench: Workbench) -> None:
    table = await workbench.table({"name": "is_deleted", "type": "boolean"})
    await table.add({}, {})
    await table.delete("/1")
    assert (await taken(table, "csv")).text == "id,is_deleted\n2,false\n"


async def test_head_does_not_run_it(workbench: Workbench) -> None:
    table = await workbench.table(*FIELDS)
    answer = await table.client.head(f"{table.url}/export?format=csv")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_there_is_room_for_so_many(workbench: Workbench) -> None:
    table = await workbench.table(*FIELDS)
    await table.add(*({"text": "x"} for _ in range(10)))
    streams = workbench.ctx.get(Streams)
    with streams.one(), streams.one(), streams.one(), streams.one():
        answer = await table.get("/export", format="csv")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        answer = await table.post("text\n", "/import?format=csv")
        assert answer.status_code == 503
    answers = await asyncio.gather(*(table.get("/export", format="csv") for _ in range(4)))
    assert [one.status_code for one in answers] == [200] * 4


async def test_any_text_survives_csv(workbench: Workbench) -> None:
    table = await workbench.table({"name": "text", "type": "string"})

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)))
    def check(texts: list[str]) -> None:
        cases.append(texts)

    cases: list[list[str]] = []
    check()
    texts = [text for case in cases for text in case] or ["x"]
    await table.add(*({"text": text} for text in texts))
    text = (await taken(table, "csv", ordering="id")).content.decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:]
    assert [row[1] for row in rows] == texts
