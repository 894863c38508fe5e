"""Imports over HTTP: what becomes of good and of faulty rows, by format, mode and `on_error`."""

from __future__ import annotations

import io
import json
import time
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.tables.bulk import parquet as parquet_module
from tests.tables.workbench import Records, Workbench

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string", "constraints": {"required": True, "maxLength": 20}}
CODE = {"name": "code", "type": "string", "constraints": {"unique": True}}
STOCK = {"name": "stock", "type": "integer", "constraints": {"minimum": 0}}
PRICE = {"name": "price", "type": "number"}
EVERY = (
    {"name": "flag", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "clock", "type": "time"},
    {"name": "moment", "type": "datetime"},
    {"name": "doc", "type": "object"},
    {"name": "list", "type": "array"},
    {"name": "whatever", "type": "any"},
    {"name": "span", "type": "range", "of": "integer"},
    {"name": "born", "type": "year"},
    {"name": "ref", "type": "uuid"},
)


async def load(table: Records, body: Any, /, **params: Any) -> httpx2.Response:
    headers = params.pop("headers", {})
    return await table.client.post(f"{table.url}/import/", content=body, params=params, headers=headers)


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


async def test_csv_text_becomes_typed_values(workbench: Workbench) -> None:
    table = await workbench.table(NAME, PRICE, STOCK, *EVERY)
    body = (
        "name,price,stock,flag,day,clock,moment,doc,list,whatever,span,born,ref\n"
        "Chair,12.50,3,yes,2025-03-01,09:30:00,2025-03-01T09:30:00+01:00,"
        '"{""a"": 1.10}","[1, 2]",word,"{""lower"": 1, ""upper"": 5}",2001,'
        "6f1b0e0e-5f0b-4d6e-9d59-111111111111\n"
        '"Ta\n""ble""",,,,,,,,,,,,\n'
    )
    answer = await load(table, body, format="csv")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["read"], told["created"], told["faults"], told["quarantine"]) == (2, 2, [], None)
    first, second = await table.rows(ordering="id")
    assert first | {"id": 0} == {
        "id": 0, "name": "Chair", "price": Decimal("12.50"), "stock": 3, "flag": True, "day": "2025-03-01",
        "clock": "09:30:00", "moment": "2025-03-01T08:30:00Z", "doc": {"a": Decimal("1.10")}, "list": [1, 2],
        "whatever": "word", "span": {"lower": 1, "upper": 5, "bounds": "[)", "empty": False}, "born": 2001,
        "ref": "6f1b0e0e-5f0b-4d6e-9d59-111111111111",
    }  # fmt: skip
    assert second["name"] == 'Ta\n"ble"'
    assert all(second[one["name"]] is None for one in (PRICE, STOCK, *EVERY))


async def test_ndjson_and_parquet(workbench: Workbench) -> None:
    table = await workbench.table(NAME, PRICE, STOCK, *EVERY[:5])
    answer = await load(table, lines({"name": "a", "stock": 1}, {"name": "b"}) + b"\n \n", format="ndjson")
    assert answer.json()["created"] == 2, answer.text
    body = parquet(
        name=["c", "d"],
        price=pa.array([Decimal("1.25"), None], pa.decimal128(10, 2)),
        stock=[1.0, None],
        flag=[True, None],
        day=pa.array([1, None], pa.date32()),
        clock=pa.array([3_600_000_001, None], pa.time64("us")),
        moment=pa.array([1_700_000_000_123_456, None], pa.timestamp("us")),
        doc=['{"a": 1}', None],
    )
    answer = await load(table, body, headers={"Content-Type": "application/vnd.apache.parquet"})
    assert answer.status_code == 200, answer.text
    (row,) = await table.rows(name="c")
    assert row | {"id": 0} == {
        "id": 0, "name": "c", "price": Decimal("1.25"), "stock": 1, "flag": True, "day": "1970-01-02",
        "clock": "01:00:00.000001", "moment": "2023-11-14T22:13:20.123456Z", "doc": {"a": 1},
    }  # fmt: skip
    refused = await load(table, parquet(name=["x"], price=[float("nan")]), format="parquet")
    assert refused.status_code == 400
    assert refused.json()["faults"][0]["field"] == "price"


async def test_abort_writes_nothing_and_names_the_rows(workbench: Workbench) -> None:
    table = await workbench.table(NAME, STOCK)
    rows = [{"name": f"n{n}", "stock": n} for n in range(6000)]
    rows[5500] = {"name": "x" * 21, "stock": -1}
    rows[5600] = {"stock": 1, "color": "red"}
    answer = await load(table, lines(*rows), format="ndjson")
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "VALIDATION_ERROR"
    assert body["message"].startswith("Nothing was imported: row 5501: name:")
    assert [(one["row"], one["field"]) for one in body["faults"]] == [
        (5501, "name"),
        (5501, "stock"),
        (5601, "color"),
        (5601, "name"),
    ]
    assert [one["index"] for one in body["rows"]] == [5500, 5600]
    assert await table.total() == 0


async def test_a_taken_value_is_a_conflict(workbench: Workbench) -> None:
    table = await workbench.table(NAME, CODE)
    await table.add({"name": "old", "code": "A"})
    answer = await load(table, "name,code\nnew,B\nnew,A\n", format="csv")
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert [(one["row"], one["field"]) for one in answer.json()["faults"]] == [(2, "code")]
    assert await table.total() == 1


async def test_skip_leaves_faulty_rows_out(workbench: Workbench) -> None:
    table = await workbench.table(NAME, CODE, STOCK)
    await table.add({"name": "old", "code": "A"})
    body = (
        b"name,code,stock\none,A,1\ntwo,B,2\nthree,B,3\n,C,4\nfive,D,many\nsix,E\nseven,F,-7\n"
        b"eight,\xff,8\nnine,G,9\n"
    )
    answer = await load(table, body, format="csv", on_error="skip")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    counts = {name: told[name] for name in ("read", "created", "updated", "skipped", "quarantined")}
    assert counts == {"read": 9, "created": 2, "updated": 0, "skipped": 7, "quarantined": 0}
    assert sorted({one["row"] for one in told["faults"]}) == [1, 3, 4, 5, 6, 7, 8]
    assert [row["name"] for row in await table.rows(ordering="id")] == ["old", "two", "nine"]


async def test_references_to_missing_records(workbench: Workbench) -> None:
    parent = await workbench.table(NAME)
    (row,) = await parent.add({"name": "p"})
    key = {"fields": "parent", "reference": {"resource": parent.name, "fields": "id"}}
    table = await workbench.table({"name": "parent", "type": "integer"}, foreignKeys=[key])
    answer = await load(table, f"parent\n{row['id']}\n999\n\n{row['id']}\n", format="csv", on_error="skip")
    told = answer.json()
    assert (told["created"], told["skipped"]) == (2, 1)
    assert told["faults"][0] == {"row": 2, "field": "parent", "reason": told["faults"][0]["reason"]}
    assert "does not exist" in told["faults"][0]["reason"]


async def test_quarantine_keeps_rows_with_their_reasons(workbench: Workbench) -> None:
    table = await workbench.table(NAME, CODE, STOCK)
    body = (
        b'{"name": "ok", "code": "A"}\n{"name": "again", "code": "A"}\n{"name": 5, "n\\u0000": 1}\nnot json\n'
    )
    answer = await load(table, body, format="ndjson", on_error="quarantine")
    told = answer.json()
    assert (told["created"], told["quarantined"], told["skipped"]) == (1, 3, 0), told
    url = table.url.removesuffix("/data") + "/quarantine"
    listed = (await table.client.get(url)).json()
    assert listed["count"] == 1
    found = listed["results"][0]
    assert found["id"] == told["quarantine"]
    assert (found["read"], found["created"], found["quarantined"]) == (4, 1, 3)
    page = (await table.client.get(f"{url}/{found['id']}/", params={"page_size": 2})).json()
    assert (page["count"], [one["row"] for one in page["results"]]) == (3, [2, 3])
    assert page["results"][0]["data"] == {"name": "again", "code": "A"}
    assert list(page["results"][0]["errors"]) == ["code"]
    file = await table.client.get(f"{url}/{found['id']}", params={"format": "ndjson"})
    assert file.headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in file.text.splitlines()]
    assert [one["data"] for one in rows] == [
        {"name": "again", "code": "A"},
        {"name": 5, "n\0": 1},
        "not json",
    ]
    assert (await table.client.get(f"{url}/{found['id'] + 1000}")).status_code == 404
    assert (await table.client.get(f"{url}/x")).status_code == 404
    assert (await table.client.get(url, params={"page": 10**17})).status_code == 404
    assert (await table.client.delete(f"{url}/{found['id']}")).status_code == 204
    assert (await table.client.get(url)).json()["count"] == 0


async def test_upsert_takes_the_last_of_equal_rows(workbench: Workbench) -> None:
    table = await workbench.table(NAME, CODE, STOCK)
    await table.add({"name": "old", "code": "A", "stock": 7})
    body = "code,name\nA,first\nB,new\nA,last\n"
    answer = await load(table, body, format="csv", mode="upsert", unique_fields="code")
    told = answer.json()
    assert (told["created"], told["updated"]) == (1, 2), told
    rows = {row["code"]: (row["name"], row["stock"]) for row in await table.rows()}
    assert rows == {"A": ("last", 7), "B": ("new", None)}
    refused = await load(table, body, format="csv", mode="upsert", unique_fields="name")
    assert refused.status_code == 400
    assert "unique index" in refused.json()["unique_fields"][0]
    told = (await load(table, lines({"name": "x"}, {"name": "y", "code": "B"}), format="ndjson", mode="upsert",
                       unique_fields="code", on_error="skip")).json()  # fmt: skip
    assert (told["updated"], told["skipped"], told["faults"][0]["row"]) == (1, 1, 1)


async def test_given_keys_move_the_sequence(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    assert (await load(table, "id,name\n7,a\n,b\n", format="csv")).status_code == 200
    (row,) = await table.add({"name": "c"})
    assert row["id"] == 9


@pytest.mark.parametrize(
    ("body", "params", "names"),
    [
        ("a", {}, "format"),
        ("a", {"format": "xml"}, "format"),
        ("name\n", {"format": "csv", "on_error": "ignore"}, "on_error"),
        ("name\n", {"format": "csv", "mode": "replace"}, "mode"),
        ("name\n", {"format": "csv", "delimiter": ";;"}, "delimiter"),
        ("name\n", {"format": "csv", "encoding": "latin-1"}, "encoding"),
        ("name\n", {"format": "csv", "unique_fields": "id"}, "unique_fields"),
        ("name\n", {"format": "ndjson", "null": "NA"}, "null"),
        ("name\n", {"format": "csv", "onerror": "skip"}, "onerror"),
        ("name,color\n", {"format": "csv"}, "header"),
        ("name,name\n", {"format": "csv"}, "header"),
        ("", {"format": "csv"}, None),
        ('"name\n', {"format": "csv"}, None),
        ("PAR1 no parquet", {"format": "parquet"}, None),
        (b"\x00" * 1000, {"format": "parquet"}, None),
    ],
)
async def test_what_cannot_be_imported(workbench: Workbench, body: Any, params: Any, names: Any) -> None:
    table = await workbench.table(NAME)
    answer = await load(table, body, **params)
    assert answer.status_code == 400, answer.text
    if names:
        assert names in answer.json()["errors"], answer.text
    assert await table.total() == 0


async def test_other_marks_of_csv(workbench: Workbench) -> None:
    table = await workbench.table(NAME, STOCK)
    body = "\ufeffname;stock\r\nNA;NA\r\nx;1\r\n".encode()
    answer = await load(table, body, format="csv", delimiter=";", null="NA", on_error="skip")
    assert answer.json()["created"] == 1, answer.text
    assert answer.json()["faults"] == [{"row": 1, "field": "name", "reason": "This field may not be null."}]


async def test_many_faulty_rows_are_counted_and_the_first_are_told(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    answer = await load(table, lines(*[{}] * 300), format="ndjson", on_error="skip")
    assert (answer.json()["skipped"], len(answer.json()["faults"])) == (300, 100)
    body = lines(*[{}] * 300, {"name": "x"})
    answer = await load(table, body, format="ndjson", on_error="quarantine")
    assert (answer.json()["quarantined"], answer.json()["created"]) == (300, 1)


async def test_rows_cut_anywhere_are_the_same(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    body = 'name\n"a\nb"\n"c""d"\né\n'.encode()

    async def bytewise() -> AsyncIterator[bytes]:
        for place in range(len(body)):
            yield body[place : place + 1]

    assert (await load(table, bytewise(), format="csv")).json()["created"] == 3
    assert [row["name"] for row in await table.rows(ordering="id")] == ["a\nb", 'c"d', "é"]


async def test_the_progress_is_told_in_lines(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    answer = await load(table, "name\na\n", format="csv", headers={"Accept": "application/x-ndjson"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert json.loads(answer.text.splitlines()[-1])["created"] == 1
    refused = await load(table, 'name\n\n""\n', format="csv", headers={"Accept": "application/x-ndjson"})
    assert refused.status_code == 400


async def test_an_import_is_audited(workbench: Workbench) -> None:
    table = await workbench.table(NAME, audit=True)
    await load(table, "name\na\nb\n", format="csv")
    rows = await workbench.fetch(
        "SELECT detail::text AS detail FROM penstock.audit_entries WHERE action = 'record.import' "
        "AND resource_name = $1",
        table.name,
    )
    assert [json.loads(row["detail"])["created"] for row in rows] == [2]


async def test_rows_are_refused_while_the_next_ones_are_read(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks_of = parquet_module.blocks_of

    def slowly(*given: Any) -> Iterator[Any]:
        yield from blocks_of(*given)
        time.sleep(0.5)

    monkeypatch.setattr(parquet_module, "blocks_of", slowly)
    table = await workbench.table(NAME, PRICE)
    refused = await load(table, parquet(name=["x"], price=[float("nan")]), format="parquet")
    assert refused.status_code == 400, refused.text
    assert await table.rows() == []
